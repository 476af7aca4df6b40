"""The library's routes: what a user writes, and each way in which it could go wrong."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection, transaction
from fastapi import BackgroundTasks, Depends, Response
from pydantic import BaseModel, ConfigDict

from library.models import Author, Book
from pocket.fastapi import Router, current_user, orm, require_permission, require_user

router = Router(prefix="/books")
errors = Router(prefix="/errors", tags=["issue"])
me = Router(prefix="/me")
routers = [errors, me]


begun, may_end = threading.Event(), threading.Event()


class BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    pages: int
    author_id: int


class BookWithAuthor(BookOut):
    author_name: str


class AuthorIn(BaseModel):
    name: str


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


@router.get("/", response_model=list[BookOut])
def books() -> Any:
    return Book.objects.order_by("-id")


@router.get("/lazy", response_model=list[BookOut])
async def lazy_books() -> Any:
    return Book.objects.order_by("-id")


@router.get("/nested")
async def nested() -> Any:
    return {"books": Book.objects.only("title").order_by("id"), "first": [Book.objects.only("id").order_by("id")[:1]]}


@router.get("/authors", response_model=list[BookWithAuthor])
async def with_authors() -> Any:
    return [book async for book in Book.objects.order_by("id")]


@router.get("/managed", response_model=list[BookOut])
def managed() -> Any:
    return Author.objects.earliest("id").books


@router.get("/columns")
def columns() -> Any:
    return Book.objects.order_by("id")


def _place() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return threading.get_ident(), id(connection.connection)


def first_place() -> Any:
    return _place()


def second_place() -> Any:
    return _place()


@router.get("/thread")
def thread(first: Annotated[Any, Depends(first_place)], second: Annotated[Any, Depends(second_place)]) -> Any:
    return [first, second, _place()]


@router.get("/{pk}", response_model=BookOut)
async def book(pk: int) -> Any:
    return await Book.objects.aget(pk=pk)


@router.get("/{pk}/deferred", response_model=BookOut)
async def deferred(pk: int) -> Any:
    return await Book.objects.only("id").aget(pk=pk)


@orm
def _titles() -> Any:
    return Book.objects.order_by("id").values_list("title", flat=True)


@router.get("/titles/all")
async def titles() -> Any:
    return await _titles()


journal: list[list[str]] = []


def session() -> Iterator[list[str]]:
    seen = [f"enter {Author.objects.count()}"]
    yield seen
    seen.append(f"exit {Author.objects.count()}")
    journal.append(seen)


@router.post("/authors", response_model=AuthorOut, status_code=201)
def create(author: AuthorIn, response: Response, seen: Annotated[list[str], Depends(session)]) -> Any:
    response.headers["x-seen"] = seen[0]
    return Author.objects.create(name=author.name)


@router.post("/atomic", atomic=True, status_code=204)
def atomic(author: AuthorIn, fail: bool = False) -> None:
    Author.objects.create(name=author.name)
    if fail:
        raise PermissionDenied("no")


@router.post("/async-atomic", atomic=True, response_model=AuthorOut)
async def async_atomic(author: AuthorIn, fail: bool = False) -> Any:
    assert await in_transaction()
    created = await Author.objects.acreate(name=author.name)
    if fail:
        raise PermissionDenied("no")
    return created


@orm
def in_transaction() -> bool:
    return transaction.get_connection().in_atomic_block


@router.get("/in/transaction")
def plain_transaction() -> bool:
    return transaction.get_connection().in_atomic_block


@router.get("/in/async-transaction")
async def plain_async_transaction() -> bool:
    return bool(await in_transaction())


@router.post("/later")
def later(tasks: BackgroundTasks) -> dict[str, str]:
    tasks.add_task(_write_later)
    return {"will": "be done"}


def _write_later() -> None:
    Author.objects.create(name="Later")


@router.get("/streamed/lines")
def lines() -> Iterator[BookOut]:
    for item in Book.objects.order_by("id"):
        yield BookOut.model_validate(item)


@router.get("/slow/{seconds}")
async def slow(seconds: float) -> int:
    number = await Book.objects.acount()
    await asyncio.sleep(seconds)
    return number + await Book.objects.acount()


@errors.get("/missing")
def missing() -> None:
    Book.objects.get(pk=-1)


@errors.get("/forbidden")
def forbidden() -> None:
    raise PermissionDenied


@errors.get("/suspicious")
async def suspicious() -> None:
    raise SuspiciousOperation("psst")


@errors.get("/invalid")
def invalid() -> None:
    Book(title="LOUD", kind="poem").full_clean()


@errors.get("/conflict")
def conflict() -> None:
    Author.objects.create(name="Twice")
    Author.objects.create(name="Twice")


@errors.get("/late/{outcome}")
def late(outcome: str) -> None:
    """Fails once the test lets it, when its request has been cancelled."""
    begun.set()
    assert may_end.wait(10)
    if outcome == "missing":
        Book.objects.get(pk=-1)
    raise RuntimeError("late")


@errors.get("/late-async")
async def late_async() -> None:
    await sync_to_async(late)("broken")


@errors.get("/broken")
def broken() -> None:
    Book.objects.count()
    raise RuntimeError("broken")


@me.get("/whoever")
@me.post("/whoever")
async def whoever(user: Annotated[Any, Depends(current_user)]) -> str:
    return str(user.get_username())


@me.get("/somebody")
@me.post("/somebody")
def somebody(user: Annotated[Any, Depends(require_user)]) -> str:
    return str(user.get_username())


@me.get("/editor")
@me.post("/editor")
def editor(user: Annotated[Any, Depends(require_permission("library.change_book"))]) -> str:
    return str(user.get_username())
