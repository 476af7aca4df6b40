"""The shop's API."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from pocket.fastapi import Router
from shop.models import Author, Book

router = Router(prefix="/books")
offers = Router(prefix="/books")
routers = [offers]


class AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str


class BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str
    author: AuthorOut


@router.get("/", response_model=list[BookOut])
def books() -> Any:
    return Book.objects.order_by("title")  # pocket.W062


@router.get("/number")
async def number() -> int:
    return Book.objects.count()  # pocket.E061


@router.post("/authors")
def add(name: str) -> int:
    return Author.objects.create(name=name).pk  # pocket.W063


@offers.get("/")
def cheapest() -> list[str]:  # pocket.E060
    return []
