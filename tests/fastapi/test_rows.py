"""Rows that go straight to JSON are, byte for byte, what FastAPI writes of objects; what is in doubt does not."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Any
from unittest import mock

import pytest
from asgi_client import LambdaClient
from fastapi import FastAPI
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PydanticUserError,
    TypeAdapter,
    WrapSerializer,
    computed_field,
    create_model,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

aware = st.datetimes(
    min_value=dt.datetime(1000, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64),
    st.floats(),
    TEXT,
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    aware,
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.uuids(),
)


@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), max_size=4))
def test_encoded_rows_are_what_pydantic_writes(rows: list[dict[str, Any]]) -> None:
    from pocket.fastapi.rows import encode

    assert encode(rows) == TypeAdapter(list[dict[str, Any]]).dump_json(rows)


def masked(value: Any) -> str:
    return f"{str(value)[:1]}***"


def wrapped(value: Any, handler: Any) -> Any:
    return f"<{handler(value)}>"


COLUMNS: dict[str, Any] = {
    "id": int,
    "pk": int,
    "title": str,
    "kind": str,
    "author_id": int,
    "pages": int,
    "price": Decimal,
    "weight": float,
    "key": uuid.UUID,
    "lent": bool,
    "written": dt.datetime,
    "facts": dict[str, Any],
}
OPTIONS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(30)),
    {"default": None},
    {"serialization_alias": "other"},
    {"validation_alias": "title"},
    {"alias": "id"},
    {"exclude": True},
    {"title": "A title", "description": "Described", "examples": [1]},
    {"frozen": True},
    {"repr": False},
    {"default_factory": lambda: None},
    {"strict": True},
    {"max_length": 5},
    {"deprecated": True},
)
WRAPPERS: tuple[Any, ...] = (
    *((lambda kind: kind) for _ in range(30)),
    lambda kind: Annotated[kind, PlainSerializer(masked)],
    lambda kind: Annotated[kind, PlainSerializer(masked, when_used="json-unless-none")],
    lambda kind: Annotated[kind, WrapSerializer(wrapped)],
    lambda kind: Annotated[kind, AfterValidator(lambda value: value)],
    lambda kind: Annotated[kind, BeforeValidator(masked)],
    lambda kind: Annotated[kind, Field(title="inner")],
    lambda kind: str if kind is not str else int,
    lambda kind: kind | int,
    lambda kind: Any,
)
CONFIGS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(20)),
    {"title": "Titled"},
    {"str_to_upper": True},
    {"extra": "allow"},
    {"extra": "forbid"},
    {"ser_json_timedelta": "float"},
    {"populate_by_name": True},
    {"json_encoders": {str: masked}},
    {"alias_generator": lambda name: f"the_{name}"},
    {"use_attribute_docstrings": True},
    {"strict": True},
)


def _added(kind: str) -> type[BaseModel]:  # noqa: C901  (one kind after the other)
    """A base class that brings what a model of its own may have."""

    class Base(BaseModel):
        model_config = ConfigDict(from_attributes=True)

        if kind == "computed":

            @computed_field
            def extra(self) -> str:
                return "x"

        if kind == "model serializer":

            @model_serializer(mode="wrap")
            def whole(self, handler: Any) -> Any:
                return {"whole": handler(self)}

        if kind == "model validator":

            @model_validator(mode="before")
            @classmethod
            def early(cls, data: Any) -> Any:
                return data

        if kind == "late validator":

            @model_validator(mode="after")
            def late(self) -> Any:
                return self

        if kind == "field serializer":

            @field_serializer("title", "weight", check_fields=False)
            def hidden(self, value: Any) -> str:
                return masked(value)

        if kind == "every serializer":

            @field_serializer("*")
            def all_of(self, value: Any) -> str:
                return masked(value)

        if kind == "field validator":

            @field_validator("title", check_fields=False)
            @classmethod
            def shout(cls, value: Any) -> Any:
                return str(value).upper()

        if kind == "post init":

            def model_post_init(self, context: Any, /) -> None:
                if hasattr(self, "title"):
                    self.title = "set"

        if kind == "init":

            def __init__(self, **data: Any) -> None:
                super().__init__(**data)

    return Base


BASES = (
    *("none" for _ in range(20)),
    *("computed", "model serializer", "model validator", "late validator", "field serializer", "every serializer"),
    *("field validator", "post init", "init"),
)


@st.composite
def models(draw: st.DrawFn) -> type[BaseModel]:
    """A response model of some of a book's columns, in all the ways in which pydantic lets one be made."""
    base = _added(draw(st.sampled_from(BASES)))
    fields: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=5, unique=True)):
        kind = COLUMNS[name]
        if draw(st.booleans()) or name in {"weight", "written"}:
            kind = kind | None
        kind = draw(st.sampled_from(WRAPPERS))(kind)
        fields[name] = (kind, Field(**draw(st.sampled_from(OPTIONS))))
    config = ConfigDict(**draw(st.sampled_from(CONFIGS)))
    derived = type("Configured", (base,), {"model_config": config, "__module__": __name__})
    try:
        return create_model("Out", __base__=derived, **fields)
    except (RuntimeError, TypeError, PydanticUserError):  # parts that pydantic does not let go together
        reject()


@st.composite
def values(draw: st.DrawFn) -> dict[str, Any]:
    """What a book's columns may hold."""
    return {
        "title": draw(TEXT),
        "pages": draw(st.integers(0, 2**31 - 1)),
        "price": draw(st.decimals(-99999, 99999, places=2)),
        "weight": draw(st.none() | st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)),
        "written": draw(st.none() | aware.filter(lambda moment: moment.year > 1900)),
    }


@pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(models(), values())
def test_any_response_model_writes_what_fastapi_writes(books: Any, model: type[BaseModel], stored: Any) -> None:
    from library.models import Book

    from pocket.fastapi import create_app

    Book.objects.filter(pk=books[0].pk).update(**stored)
    ours, reference = create_app(discover=False), FastAPI()
    ours.get("/", response_model=list[model])(lambda: Book.objects.order_by("-id"))  # type: ignore[valid-type]
    objects = list(Book.objects.order_by("-id"))

    @reference.get("/", response_model=list[model])  # type: ignore[valid-type]
    async def of_objects() -> Any:
        return objects

    with LambdaClient(ours) as client, LambdaClient(reference) as usual:
        expected = usual.get("/")
        for _ in range(3):  # the first is FastAPI's own in any case
            answer = client.get("/")
            assert (answer.status, answer.body) == (expected.status, expected.body)


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Everything(Read):
    id: int
    title: str
    author_id: int
    pages: int
    price: Decimal
    weight: float | None
    key: uuid.UUID
    lent: bool
    written: dt.datetime | None = None


class Masked(Read):
    title: str | None = None

    @field_serializer("title")
    def mask(self, value: str) -> str:
        return masked(value)


class Aliased(Read):
    name: str = Field(validation_alias="title", serialization_alias="label")


def test_responses_have_the_fields_of_the_guides_recipe(books: Any) -> None:
    from library.models import Book

    from pocket.fastapi.rows import writer_for

    for model, queryset in (
        (Everything, Book.objects.all()),
        (Everything, Book.objects.filter(author__name="Novelist").order_by("-pages")[:2]),
        (Aliased, Book.objects.exclude(tags__word="new").reverse()),
        (Everything, Book.objects.none()),
    ):
        adapter = TypeAdapter(list[model])  # type: ignore[valid-type]
        write = writer_for(list[model])  # type: ignore[valid-type]
        assert write is not None
        validated = adapter.validate_python(list(queryset.all()), from_attributes=True)
        assert write(queryset) == adapter.dump_json(validated, by_alias=True)


def test_a_serializer_of_a_field_with_a_default_is_not_skipped(client: Any, books: Any) -> None:
    from library.models import Book

    client.app.get("/masked", response_model=list[Masked])(Book.objects.all)
    for _ in range(3):
        assert client.get("/masked").json() == [{"title": "F***"}, {"title": "S***"}, {"title": "T***"}]


def test_querysets_that_mean_more_than_their_rows_are_not_written(books: Any) -> None:
    from django.db import models as django_models
    from django.db.models import Count, Value
    from library.models import Author, Book

    from pocket.fastapi.rows import writer_for

    class Counting(django_models.QuerySet[Any]):
        def __iter__(self) -> Any:
            return iter([])

    class Added(django_models.QuerySet[Any]):
        def old(self) -> Any:
            return self.filter(pages__lt=200)

    write = writer_for(list[Everything])
    assert write is not None
    evaluated = Book.objects.all()
    assert len(evaluated) == 3
    tagged = Book.objects.all()
    tagged.secret = 1  # type: ignore[attr-defined]
    for queryset in (
        evaluated,
        tagged,
        Counting(Book),
        Book.objects.values("title"),
        Book.objects.values("title").distinct(),
        Book.objects.distinct(),
        Book.objects.order_by().union(Book.objects.order_by()),
        Book.objects.annotate(count=Count("tags")),
        Book.objects.annotate(extra=Value(1)),
        Book.objects.values_list("title"),
        Book.objects.select_for_update(),
        Book.objects.extra(select={"one": "1"}),
        Book.objects.only("id"),
        Author.objects.earliest("id").books.all(),
        list(Book.objects.all()),
        Book.objects,
        None,
    ):
        assert write(queryset) is None, queryset
    assert write(Added(Book).old()) is not None


def test_no_model_instance_is_made_for_rows_that_are_written(client: Any, books: Any) -> None:
    assert len(client.get("/books/").json()) == 3, "FastAPI's own answer, from which Pocket learns its class"
    with mock.patch("django.db.models.query.ModelIterable.__iter__", side_effect=AssertionError("an instance")):
        assert len(client.get("/books/").json()) == 3


def test_a_model_that_reads_its_columns_otherwise_is_not_written(database: str) -> None:
    from django.db.models.signals import post_init
    from django.test.utils import isolate_apps
    from library.models import Book

    from pocket.fastapi.rows import columns_of, parts_of, writer_for

    parts = parts_of(list[Aliased])
    assert parts is not None

    with isolate_apps("library"):

        class Shouting(Book):
            title = property(lambda self: "LOUD")  # type: ignore[assignment]

            class Meta:
                proxy = True
                app_label = "library"

        class Dynamic(Book):
            def __getattribute__(self, name: str) -> Any:
                return super().__getattribute__(name)

            class Meta:
                proxy = True
                app_label = "library"

        class Loaded(Book):
            @classmethod
            def from_db(cls, *args: Any) -> Any:
                return super().from_db(*args)

            class Meta:
                proxy = True
                app_label = "library"

    assert columns_of(Book, parts) == ("title",)
    for model in (Shouting, Dynamic, Loaded):
        assert columns_of(model, parts) is None
    write: Any = writer_for(list[Aliased])

    def changes(**_: Any) -> None: ...

    post_init.connect(changes, sender=Book)
    try:
        assert write(Book.objects.none()) is None
    finally:
        post_init.disconnect(changes, sender=Book)
    assert write(Book.objects.none()) == b"[]"


@pytest.mark.parametrize("module", ["orjson", "pydantic"])
def test_numbers_that_are_none_are_null(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from pocket.fastapi.rows import _encoder

    if module == "pydantic":
        monkeypatch.setitem(sys.modules, "orjson", None)
    rows = [{"a": float("nan"), "b": float("inf"), "c": 2**70, "d": Decimal("1.50"), "e": dt.timedelta(hours=1)}]
    assert _encoder()(rows) == b'[{"a":null,"b":null,"c":1180591620717411303424,"d":"1.50","e":"PT1H"}]'


def test_the_kept_selection_makes_the_query_that_values_list_makes(books: Any) -> None:
    from django.db.models import Q
    from library.models import Author, Blurb, Book

    from pocket.fastapi.internals import is_simple, values_of

    columns = ("title", "id", "author_id", "pages")
    every = Book.objects.all()
    querysets: tuple[Any, ...] = (
        every,
        every.order_by("author__name", "-title")[1:3],
        every.filter(author__name="Novelist", tags__word="old").exclude(Q(pages=1) | Q(tags__word="new")),
        every.filter(pages__gt=1).reverse(),
        every.filter(blurb__isnull=True),
        every.filter(author__in=Author.objects.filter(books__pages__gt=1)),
    )
    for queryset in querysets:
        assert is_simple(queryset)
        expected, before = queryset.values_list(*columns), str(queryset.query)
        for _ in range(2):
            chosen = values_of(queryset, columns)
            assert str(chosen.query) == str(expected.query)
            assert list(chosen) == list(expected)
        assert str(queryset.query) == before, "it stays as it was"
        assert [book.title for book in queryset] == [row[0] for row in expected]
    assert list(values_of(every.none(), columns)) == []
    joined = Blurb.objects.all()
    assert str(values_of(joined, ("text", "book__title")).query) == str(joined.values_list("text", "book__title").query)
