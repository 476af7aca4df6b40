"""What @orm functions return: plain data, or a refusal."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from asgi_client import ServerClient


class Pair(NamedTuple):
    first: Any
    second: Any


def test_querysets_and_objects_become_what_values_gives(books: Any) -> None:
    from library.models import Author, Book

    from pocket.django.orm.plain import plain

    expected = list(Author.objects.order_by("id").values())
    assert plain(Author.objects.order_by("id")) == expected
    assert plain({"one": [Author.objects.order_by("id").first()]}) == {"one": [expected[0]]}
    assert plain(Pair(Author.objects.none(), 1)) == Pair([], 1)
    assert plain(book.title for book in Book.objects.order_by("id")) == ["First", "Second", "Third"]
    assert plain(Author.objects.raw("SELECT * FROM library_author ORDER BY id")) == expected


def test_lazy_texts_and_files_become_text(books: Any) -> None:
    from django.utils.functional import SimpleLazyObject
    from library.models import Book

    from pocket.django.orm.plain import plain

    assert plain(Book.Kind.NOVEL.label) == "Novel"
    assert plain(books[0].cover) == ""
    assert plain(SimpleLazyObject(lambda: books[0]))["title"] == "First"


def test_a_manager_is_refused_and_named(books: Any) -> None:
    from pocket.django.orm.plain import LazyObjectRefused, plain

    with pytest.raises(LazyObjectRefused, match=r"What f returned\['tags'\]\[0\] is a manager of Tag"):
        plain({"tags": [books[0].tags]}, "What f returned")


def test_orm_runs_outside_of_requests_too(books: Any) -> None:
    from library.models import Book

    from pocket.django.orm.threads import POOL
    from pocket.fastapi import orm

    @orm
    def count() -> int:
        return Book.objects.count()

    with ServerClient(None) as client:
        assert client.run(count()) == 3
    assert POOL.busy <= 1


def test_orm_refuses_what_is_asynchronous_already() -> None:
    from pocket.fastapi import orm

    async def wrong() -> None: ...

    with pytest.raises(TypeError, match="asynchronous"):
        orm(wrong)
