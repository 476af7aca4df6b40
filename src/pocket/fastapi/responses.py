"""What synchronous code returned, read where queries are allowed: for FastAPI to serialize, or as plain data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, ParamSpec, Union, get_args, get_origin

from django.db import models
from django.db.models.query import RawQuerySet
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.responses import Response

from pocket.django.orm.plain import is_lazy, plain
from pocket.fastapi.internals import has_own_class
from pocket.fastapi.rows import writer_for
from pocket.fastapi.work import run

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

P = ParamSpec("P")


class ResponseBuilder:
    """Makes ready what the endpoint of one route returns: lazy objects of Django are read, the rest stays as it is."""

    def __init__(self, route: APIRoute, where: str) -> None:
        self._where = f"What {where} returned"
        self._route = route
        model = route.response_model
        self._reads = holds(model, BaseModel)
        self._settled = _is_settled(model)
        self._adapter: TypeAdapter[Any] | None = None
        options = (
            *(route.response_model_include, route.response_model_exclude, route.response_model_exclude_unset),
            *(route.response_model_exclude_defaults, route.response_model_exclude_none),
        )
        usual = not has_own_class(route) and route.response_model_by_alias
        self.write = writer_for(model) if usual and not any(options) else None
        """A function from a queryset to JSON; None if FastAPI serializes the response."""

    def prepare(self, result: Any) -> Any:
        """`result` with its lazy objects read. What a response model would read of them, it reads here.

        Call it where queries are allowed.
        """
        if isinstance(result, Response) or not is_lazy(result):
            return result
        if not self._reads:
            return plain(result, self._where)
        read = list(result) if isinstance(result, models.QuerySet | RawQuerySet) else result
        if self._adapter is None:
            self._adapter = TypeAdapter(self._route.response_model)
        try:
            validated = self._adapter.validate_python(read, from_attributes=True)
        except ValidationError:
            return self._plain_if_valid(self._adapter, read)
        return validated if self._settled else read

    def respond(self, content: bytes, shared: Response) -> Response:
        """The response of written JSON, with what FastAPI would take from `shared`, which dependencies set."""
        response = Response(
            content, shared.status_code or self._route.status_code or 200, media_type="application/json"
        )
        response.raw_headers.extend(shared.raw_headers)
        return response

    def _plain_if_valid(self, adapter: TypeAdapter[Any], result: Any) -> Any:
        """Plain data if the model accepts it, such as one with dictionaries; otherwise FastAPI reports the error."""
        data = plain(result, self._where)
        try:
            adapter.validate_python(data, from_attributes=True)
        except ValidationError:
            return result
        return data


def holds(annotation: Any, kind: type) -> bool:
    """Whether a subclass of `kind` is in an annotation; pydantic's models, for example, read attributes of objects."""
    if isinstance(annotation, type) and issubclass(annotation, kind):
        return True
    return any(holds(part, kind) for part in get_args(annotation))


def _is_settled(annotation: Any) -> bool:
    """Whether what has been validated stays as it is when it is validated again: models in lists and the like do.

    Anything else, such as a validator of a whole list, FastAPI alone validates.
    """
    if annotation is NoneType:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_config.get("revalidate_instances", "never") == "never"
    if get_origin(annotation) in {list, dict, tuple, set, Sequence, Mapping, Union, UnionType}:
        return all(part in {str, int, ...} or _is_settled(part) for part in get_args(annotation))
    return False


def orm(function: Callable[P, Any]) -> Callable[P, Awaitable[Any]]:
    """`function` as a coroutine function that runs where queries are allowed and returns plain data.

    Within a request it runs in the request's own thread, on its connection; elsewhere on a connection that is checked
    before and released after. Lazy objects in its result are evaluated (a queryset becomes what its `values()`
    gives), or refused with LazyObjectRefused, which names them.
    """
    if iscoroutinefunction(function) or isasyncgenfunction(function) or isgeneratorfunction(function):
        raise TypeError(f"@orm is for plain functions; {function.__qualname__} is asynchronous or a generator.")

    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return plain(function(*args, **kwargs), f"What {function.__qualname__} returned")

    @wraps(function)
    async def awaitable(*args: P.args, **kwargs: P.kwargs) -> Any:
        return await run(call, *args, **kwargs)

    return awaitable
