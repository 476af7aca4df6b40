"""Cached queries: made once, dropped by every way of writing, told to other processes through the cache."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from asgi_client import LambdaClient, ServerClient
from django.core.cache import cache


class Counted:
    """A query that counts how often it was made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Any:
        from library.models import Author

        self.made += 1
        time.sleep(0.01)  # as long as a query takes, so that callers overlap
        return Author.objects.order_by("name").values_list("name", flat=True)


@pytest.fixture
def runner(database: str) -> Iterator[Callable[[Any], Any]]:
    cache.clear()
    with ServerClient(None) as client:
        yield client.run
    cache.clear()


@pytest.fixture
def counted(books: Any) -> Counted:
    return Counted()


@pytest.fixture
def latest(counted: Counted) -> Any:
    from library.models import Author, Book

    from pocket.fastapi import cached_query

    return cached_query(counted, watches=[Author, Book], ttl=60)


def test_many_at_the_same_time_make_it_once(runner: Any, latest: Any, counted: Counted) -> None:
    async def main() -> Any:
        return await asyncio.gather(*(latest() for _ in range(50)))

    results = runner(main())
    assert counted.made == 1
    assert all(result is results[0] for result in results)
    assert results[0] == ["Essayist", "Novelist"]
    assert latest.fetch() is results[0]


@pytest.mark.parametrize(
    "write",
    [
        lambda books: books[0].save(),
        lambda books: books[0].delete(),
        lambda books: books[0].author.books.update(pages=1),
        lambda books: type(books[0]).objects.bulk_create([type(books[0])(title="x", author=books[0].author)]),
        lambda books: type(books[0]).objects.bulk_update(books, ["pages"]),
        lambda books: (type(books[0]).objects.filter(pk=0).delete() and None) or books[0].tags.clear(),
        lambda books: books[0].author.delete(),
        lambda books: _by_hand(),
    ],
    ids=["save", "delete", "update", "bulk_create", "bulk_update", "m2m", "cascade", "sql"],
)
def test_every_way_of_writing_drops_it(runner: Any, latest: Any, counted: Counted, books: Any, write: Any) -> None:
    runner(latest())
    write(books)
    runner(latest())
    assert counted.made == 2


def _by_hand() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("/* by hand */ UPDATE library_book SET pages = pages + 1")


def test_reading_and_other_tables_leave_it(runner: Any, latest: Any, counted: Counted, books: Any) -> None:
    from django.contrib.auth.models import Group

    runner(latest())
    Group.objects.create(name="g").delete()
    assert books[0].tags.count() == 1
    runner(latest())
    assert counted.made == 1


def test_a_write_counts_when_it_is_committed_and_not_when_it_is_rolled_back(
    runner: Any, latest: Any, counted: Counted, books: Any
) -> None:
    from django.db import transaction

    runner(latest())
    with transaction.atomic():
        books[0].save()
        assert latest.fetch() == ["Essayist", "Novelist"]
        assert counted.made == 1
    latest.fetch()
    assert counted.made == 2
    with transaction.atomic():
        books[0].save()
        transaction.set_rollback(True)
    latest.fetch()
    assert counted.made == 2


def test_another_processs_write_is_seen_within_a_second(
    runner: Any, latest: Any, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pocket.django.orm import watching
    from pocket.fastapi import caching

    runner(latest())
    watching_key = watching.VERSION_KEY.format("library_author")
    cache.set(watching_key, "written elsewhere", None)
    runner(latest())
    assert counted.made == 1
    monkeypatch.setattr(caching, "CHECK_EVERY", 0.0)
    runner(latest())
    runner(latest())
    assert counted.made == 2


def test_it_is_kept_no_longer_than_its_ttl(runner: Any, latest: Any, counted: Counted) -> None:
    runner(latest())
    latest._kept.made -= 61
    runner(latest())
    assert counted.made == 2


def test_what_a_write_came_into_is_handed_out_and_not_kept(runner: Any, counted: Counted, books: Any) -> None:
    from library.models import Author

    from pocket.fastapi import cached_query

    def query() -> Any:
        counted.made += 1
        if counted.made == 1:
            books[0].author.save()
        return counted.made

    latest = cached_query(query, watches=[Author])
    assert runner(latest()) == 1
    assert runner(latest()) == 2
    assert runner(latest()) == 2


def test_a_failure_is_everybodys_and_not_kept(runner: Any, books: Any) -> None:
    from pocket.fastapi import cached_query

    failures = iter([RuntimeError("once")])

    @cached_query(ttl=5)
    def query() -> int:
        for failure in failures:
            raise failure
        return 3

    with pytest.raises(RuntimeError, match="once"):
        runner(query())
    assert runner(query()) == 3


def test_a_cancelled_maker_leaves_the_work_to_another(runner: Any, latest: Any, counted: Counted) -> None:
    async def main() -> Any:
        first = asyncio.ensure_future(latest())
        await asyncio.sleep(0)
        second = asyncio.ensure_future(latest())
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert runner(main()) == ["Essayist", "Novelist"]
    assert counted.made <= 2


def test_refresh_computes_it_again(runner: Any, latest: Any, counted: Counted) -> None:
    runner(latest())
    assert runner(latest.refresh()) == ["Essayist", "Novelist"]
    assert counted.made == 2


def test_many_to_many_tables_and_parents_belong_to_a_model(database: str) -> None:
    from library.models import Book, Tag

    from pocket.django.orm.watching import tables_of

    assert set(tables_of(Book)) == {"library_book", "library_book_tags"}
    assert set(tables_of(Tag)) == {"library_tag", "library_book_tags"}


def test_the_refresh_endpoint_needs_the_projects_key(client: Any, serving: Any, latest: Any, counted: Counted) -> None:
    from pocket.django.orm.notifying import token_for
    from pocket.fastapi import add_refresh

    add_refresh(client.app, {"authors": latest})
    scheme = "https" if serving is LambdaClient else "http"
    token = token_for(f"{scheme}://testserver/refresh/")
    elsewhere = token_for(f"{scheme}://testserver/another/")
    assert client.get("/refresh/").status == 401
    assert client.post("/refresh/", headers={"authorization": f"Pocket {elsewhere}"}).status == 401
    assert client.get("/refresh/", headers={"authorization": "Pocket forged"}).status == 401
    answer = client.post("/refresh/", headers={"authorization": f"Pocket {token}"})
    assert answer.json() == {"authors": ["Essayist", "Novelist"]}
    assert counted.made == 1


def test_it_is_made_outside_of_the_context_of_the_request_that_comes_first(runner: Any, books: Any) -> None:
    from django.utils import translation
    from library.models import Author

    from pocket.fastapi import cached_query

    tenant: ContextVar[str] = ContextVar("tenant")

    @cached_query(ttl=60)
    def of_tenant() -> Any:
        return Author.objects.filter(name=tenant.get()).values_list("name", flat=True)

    @cached_query(ttl=60)
    def language() -> Any:
        return translation.get_language()

    async def main() -> Any:
        tenant.set("Novelist")
        with pytest.raises(LookupError):
            await of_tenant()
        with translation.override("de"):
            return await language()

    assert runner(main()) == "en-us"
    tenant.set("Essayist")
    with pytest.raises(LookupError):
        of_tenant.fetch()
