"""Queries that one object after the other makes are reported with their hint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgi_client import Client
from sessions import settled


@pytest.fixture
def debug() -> Iterator[None]:
    from django.conf import settings

    settings.DEBUG = True
    yield
    settings.DEBUG = False


def test_the_field_and_its_hint_are_named(
    client: Client, books: Any, debug: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "pocket.fastapi"):
        client.get("/books/authors")
        settled()
    assert [record.getMessage() for record in caplog.records] == [
        (
            "GET /books/authors: 3 queries for Book.author, one for each object: "
            'add .select_related("author") to the query.'
        )
    ]


@pytest.mark.parametrize(
    ("read", "report"),
    [
        (lambda books, _: [list(book.tags.all()) for book in books], 'Book.tags|add .prefetch_related("tags")'),
        (
            lambda _, authors: [author.books.count() for author in authors],
            'Author.books|add .prefetch_related("books")',
        ),
        (lambda books, _: [hasattr(book, "blurb") for book in books], 'Book.blurb|add .select_related("blurb")'),
        (lambda books, _: [book.pages for book in type(books[0]).objects.only("id")], "Book.pages|the query leaves"),
    ],
    ids=["many-to-many", "reverse", "one-to-one", "deferred"],
)
def test_each_kind_of_relation(books: Any, read: Any, report: str) -> None:
    from library.models import Author

    from pocket.django.orm.relations import Probe

    probe = Probe("GET /")
    probe.attach()
    try:
        read(books, list(Author.objects.all()))
    finally:
        probe._stack.close()
    attribute, _, hint = report.partition("|")
    found = {name: text for (name, text), number in probe.causes.items() if number > 1}
    assert list(found) == [attribute]
    assert found[attribute].startswith(hint)


def test_prefetched_relations_are_silent(books: Any) -> None:
    from library.models import Book

    from pocket.django.orm.relations import Probe

    probe = Probe("GET /")
    probe.attach()
    try:
        for book in Book.objects.select_related("author").prefetch_related("tags"):
            assert book.author.name
            assert len(book.tags.all()) < 2
    finally:
        probe._stack.close()
    assert not [cause for cause, number in probe.causes.items() if number > 1]
