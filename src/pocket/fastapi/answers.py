"""The response of an endpoint: what it returned, evaluated, held against its response model, written as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import SynchronousOnlyOperation
from django.db import models
from django.db.models.query import RawQuerySet
from fastapi.datastructures import DefaultPlaceholder
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import ResponseValidationError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from starlette.responses import Response

from pocket.fastapi.plain import is_lazy, plain
from pocket.fastapi.rows import writer_for

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

_BODILESS = frozenset({204, 205, 304})
_TOP = (models.QuerySet, models.Model, models.Manager, RawQuerySet)


class NeedsQueries(Exception):
    """Building the response needs queries, which are not allowed in this thread."""


class Answers:
    """Makes the responses of one route, as FastAPI makes them but for the evaluation."""

    def __init__(self, route: APIRoute) -> None:
        self.route = route
        self.name = route.endpoint.__qualname__
        model = route.response_model
        self._adapter: TypeAdapter[Any] | None = TypeAdapter(model) if model else None
        self._default = isinstance(route.response_class, DefaultPlaceholder)
        self._class: type[Response] = (
            route.response_class.value if isinstance(route.response_class, DefaultPlaceholder) else route.response_class
        )
        self._options: dict[str, Any] = {
            "include": route.response_model_include,
            "exclude": route.response_model_exclude,
            "by_alias": route.response_model_by_alias,
            "exclude_unset": route.response_model_exclude_unset,
            "exclude_defaults": route.response_model_exclude_defaults,
            "exclude_none": route.response_model_exclude_none,
        }
        usual = self._default and self._options == _USUAL_OPTIONS
        self._write = writer_for(model) if model and usual else None

    def make(self, result: Any, shared: Response) -> Response:
        """The response for `result`; call it where queries are allowed.

        `shared` is the response that FastAPI hands to dependencies: its status and headers go into the answer.
        """
        if isinstance(result, Response):
            return result
        if self._adapter is None:
            return self._respond(self._class(jsonable_encoder(plain(result, self._where))), shared)
        written = self._write(result) if self._write is not None else None
        if written is not None:
            return self._json(written, shared)
        try:
            return self._modelled(self._adapter, result, shared)
        except (ResponseValidationError, PydanticSerializationError):
            if not is_lazy(result):
                raise
            # A response model of dictionaries, or of anything: it takes plain data, not the objects themselves.
            return self._modelled(self._adapter, plain(result, self._where), shared)

    def make_without_queries(self, result: Any, shared: Response) -> Response:
        """As `make`, in a thread where a loop runs; raises NeedsQueries where that cannot be."""
        if isinstance(result, Response):
            return result
        if isinstance(result, _TOP):
            raise NeedsQueries
        if self._adapter is None:
            if is_lazy(result):
                raise NeedsQueries
            return self._respond(self._class(jsonable_encoder(result)), shared)
        try:
            return self._modelled(self._adapter, result, shared)
        except (ResponseValidationError, PydanticSerializationError, SynchronousOnlyOperation) as error:
            raise NeedsQueries from error

    @property
    def _where(self) -> str:
        return f"What {self.name} returned"

    def _modelled(self, adapter: TypeAdapter[Any], result: Any, shared: Response) -> Response:
        if isinstance(result, models.QuerySet | RawQuerySet):
            result = list(result)
        try:
            value = adapter.validate_python(result, from_attributes=True)
        except ValidationError as error:
            errors = [{**item, "loc": ("response", *item["loc"])} for item in error.errors(include_url=False)]
            raise ResponseValidationError(errors=errors, body=result) from error
        if self._default:
            return self._json(adapter.dump_json(value, **self._options), shared)
        return self._respond(self._class(adapter.dump_python(value, mode="json", **self._options)), shared)

    def _json(self, content: bytes, shared: Response) -> Response:
        return self._respond(Response(content, media_type="application/json"), shared)

    def _respond(self, response: Response, shared: Response) -> Response:
        status = shared.status_code or self.route.status_code
        if status:
            response.status_code = status
            if status < 200 or status in _BODILESS:
                response.body = b""
                response.init_headers({})
        response.raw_headers.extend(shared.raw_headers)
        return response


_USUAL_OPTIONS: dict[str, Any] = {
    "include": None,
    "exclude": None,
    "by_alias": True,
    "exclude_unset": False,
    "exclude_defaults": False,
    "exclude_none": False,
}
