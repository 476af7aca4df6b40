"""Rows written directly are what the response model would have written, or are not written directly."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, computed_field, field_validator

aware = st.datetimes(
    min_value=dt.datetime(1000, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([dt.UTC, *(dt.timezone(dt.timedelta(minutes=offset)) for offset in (540, -210))]),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    aware,
    st.dates(),
    st.timedeltas(),
    st.uuids(),
)


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=4))
def test_encoded_rows_are_what_pydantic_writes(rows: list[dict[str, Any]]) -> None:
    from pocket.fastapi.encoding import encode

    assert json.loads(encode(rows)) == json.loads(TypeAdapter(Any).dump_json(rows))


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
    written: dt.datetime | None


class Constrained(Read):
    title: Annotated[str, Field(max_length=3)]


class Validated(Read):
    title: str

    @field_validator("title")
    @classmethod
    def shout(cls, value: str) -> str:
        return value.upper()


class Computed(Read):
    title: str

    @computed_field
    def twice(self) -> str:
        return self.title * 2


class Retyped(Read):
    pages: str


class NotNull(Read):
    weight: float


class Aliased(Read):
    name: str = Field(validation_alias="title", serialization_alias="label")


def written(response_model: Any, queryset: Any) -> Any:
    from pocket.fastapi.rows import writer_for

    write = writer_for(response_model)
    content = write(queryset) if write is not None else None
    return None if content is None else json.loads(content)


def usual(response_model: Any, queryset: Any) -> Any:
    adapter = TypeAdapter(response_model)
    return json.loads(adapter.dump_json(adapter.validate_python(list(queryset), from_attributes=True), by_alias=True))


@pytest.mark.parametrize("model", [Everything, Aliased])
def test_rows_are_written_as_their_response_model_would(books: Any, model: Any) -> None:
    from library.models import Book

    books[0].written = dt.datetime(2025, 1, 28, 15, 23, tzinfo=dt.UTC)
    books[0].weight = 0.5
    books[0].save()
    every = Book.objects.all()
    for queryset in (every, every.order_by("-title")[1:], every.only("id"), every.none()):
        fresh = queryset.all()
        assert written(list[model], queryset) == usual(list[model], fresh)


@pytest.mark.parametrize("model", [Constrained, Validated, Computed, Retyped, NotNull])
def test_a_response_model_that_asks_for_more_is_not_written_directly(books: Any, model: Any) -> None:
    from library.models import Book

    assert written(list[model], Book.objects.all()) is None


def test_querysets_that_mean_more_than_their_rows_are_not_written_directly(books: Any) -> None:
    from django.db.models import Count, Value
    from library.models import Book

    evaluated = Book.objects.all()
    assert len(evaluated) == 3
    for queryset in (
        evaluated,
        Book.objects.values("title").distinct(),
        Book.objects.distinct(),
        Book.objects.order_by().union(Book.objects.order_by()),
        Book.objects.annotate(count=Count("tags")),
        Book.objects.values_list("title"),
        Book.objects.values("title"),
    ):
        assert written(list[Everything], queryset) is None
    assert written(list[Everything], Book.objects.annotate(extra=Value(1))) is not None


def test_no_model_instance_is_made_for_rows_that_are_written_directly(client: Any, books: Any) -> None:
    from django.db.models.signals import pre_init
    from library.models import Book

    made: list[Any] = []

    def note(**_: Any) -> None:
        made.append(1)

    pre_init.connect(note, sender=Book)
    try:
        assert len(client.get("/books/").json()) == 3
    finally:
        pre_init.disconnect(note, sender=Book)
    assert not made


def test_the_kept_selection_makes_the_query_that_values_list_makes(books: Any) -> None:
    from django.db.models import Count, Q
    from library.models import Author, Blurb, Book

    from pocket.fastapi.rows import only_columns, selection_of

    columns = ("title", "id", "author_id", "pages")
    every = Book.objects.all()
    querysets = (
        every,
        every.order_by("author__name", "-title")[1:3],
        every.filter(author__name="Novelist", tags__word="old").exclude(Q(pages=1) | Q(tags__word="new")),
        every.select_related("author").only("id"),
        every.defer("title").reverse(),
        Author.objects.order_by("id")[0].books.filter(blurb__isnull=True),
        Book.objects.using("default").filter(author__in=Author.objects.filter(books__pages__gt=1)),
        every.annotate(number=Count("tags")),
        every.extra(select={"one": "1"}),
        every.values("title"),
    )
    assert selection_of(Book, columns) is not None
    for queryset in querysets:
        assert str(only_columns(queryset, columns).query) == str(queryset.values_list(*columns).query)
    assert list(only_columns(every, columns)) == list(every.values_list(*columns))
    assert selection_of(Blurb, ("text", "book__title")) is None, "it joins another table"


def test_a_model_that_reads_its_columns_otherwise_is_not_written_directly(database: str) -> None:
    from django.test.utils import isolate_apps
    from library.models import Book

    from pocket.fastapi.rows import columns_of, shape_of

    shape = shape_of(list[Aliased])
    assert shape is not None

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

    assert columns_of(Book, shape) == ("title",)
    assert columns_of(Shouting, shape) is None
    assert columns_of(Dynamic, shape) is None
