"""Pydantic models from Django models."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError


def test_columns_have_the_types_titles_and_descriptions_of_their_fields(database: str) -> None:
    from library.models import Book

    from pocket.fastapi import schema

    out = schema(Book)
    hints = get_type_hints(out)
    assert hints["id"] is int
    assert hints["author_id"] is int
    assert hints["price"] is Decimal
    assert hints["weight"] == float | None
    assert hints["written"] == dt.datetime | None
    properties = out.model_json_schema()["properties"]
    assert properties["title"]["description"] == "The title, without its subtitle"
    assert properties["kind"]["enum"] == ["novel", "essay"]
    assert properties["title"]["title"] == "Title"


def test_relations_files_and_properties(books: Any) -> None:
    from library.models import Author, Blurb, Book, Tag

    from pocket.fastapi import schema

    detail = schema(
        Book,
        "id",
        "author",
        "tags",
        "cover",
        "is_long",
        "author_name",
        "blurb",
        nested={"author": schema(Author, "name"), "blurb": schema(Blurb, "text")},
    )
    Blurb.objects.create(book=books[1], text="Buy it")
    books[0].cover = "covers/first.png"
    first, second = (detail.model_validate(book).model_dump() for book in books[:2])
    assert first["author"] == {"name": "Novelist"}
    assert first["tags"] == [Tag.objects.get().pk]
    assert (first["cover"], second["cover"]) == ("/media/covers/first.png", None)
    assert (first["is_long"], second["is_long"]) == (False, True)
    assert (first["blurb"], second["blurb"]) == (None, {"text": "Buy it"})
    properties = detail.model_json_schema()["properties"]
    assert properties["is_long"] == {
        "title": "Is long",
        "type": "boolean",
        "description": "Whether it takes more than a weekend.",
    }
    shelf = schema(Author, "name", "books", nested={"books": schema(Book, "title")})
    assert [book.title for book in shelf.model_validate(books[0].author).books] == ["First", "Third"]
    assert schema(Author, "books").model_validate(books[0].author).books == [books[0].pk, books[2].pk]


def test_for_writing_lengths_choices_and_defaults_hold(database: str) -> None:
    from library.models import Book

    from pocket.fastapi import schema

    written = schema(Book, exclude=["cover"], purpose="write")
    assert "id" not in written.model_fields
    assert "key" not in written.model_fields
    assert written(title="T", author_id=1).model_dump(exclude_unset=True) == {"title": "T", "author_id": 1}
    assert written(title="T", author_id=1).kind == "novel"
    for values in ({"title": "T" * 121}, {"title": "T", "kind": "poem"}, {"author_id": 1}):
        with pytest.raises(ValidationError):
            written(**{"author_id": 1, **values} if "title" in values else values)


def test_an_unknown_name_is_refused_with_the_nearest(database: str) -> None:
    from library.models import Book

    from pocket.fastapi import schema

    with pytest.raises(ValueError, match=r"Book has no field or property 'titel'.\nDid you mean 'title'\?"):
        schema(Book, "titel")
    with pytest.raises(ValueError, match="nothing"):
        schema(Book, exclude=["nothing"])


def test_a_written_out_model_mirrors_a_django_model(books: Any) -> None:
    from library.models import Book

    from pocket.fastapi import mirrors

    @mirrors(Book)
    class BookOut(BaseModel):
        """A book."""

        id: int
        title: str
        is_long: bool
        extra: str = "x"

    assert BookOut.model_validate(books[1]).model_dump() == {
        "id": books[1].pk,
        "title": "Second",
        "is_long": True,
        "extra": "x",
    }
    properties = BookOut.model_json_schema()["properties"]
    assert properties["title"]["description"] == "The title, without its subtitle"
    with pytest.raises(ValueError, match="'titel'"):

        @mirrors(Book)
        class Wrong(BaseModel):
            titel: str


def test_a_schema_of_columns_is_written_without_instances(database: str) -> None:
    from library.models import Book

    from pocket.fastapi import schema
    from pocket.fastapi.rows import columns_of, parts_of

    out = schema(Book, "id", "title", "author_id", "kind", "price", "written", "key")
    shape = parts_of(list[out])  # type: ignore[valid-type]
    assert shape is not None
    assert columns_of(Book, shape) == ("id", "title", "author_id", "kind", "price", "written", "key")


def test_defaults_that_are_functions_are_called_for_each_object(database: str) -> None:
    from django.db import models
    from django.db.models.functions import Now
    from django.test.utils import isolate_apps
    from django.utils import timezone

    from pocket.fastapi import schema

    with isolate_apps("library"):

        class Made(models.Model):
            key = models.UUIDField(default=uuid.uuid4)
            made = models.DateTimeField(default=timezone.now)
            facts = models.JSONField(default=dict)
            stored = models.DateTimeField(db_default=Now())
            number = models.IntegerField(db_default=3)
            title = models.CharField(max_length=9)
            fixed = models.IntegerField(default=7)

            class Meta:
                app_label = "library"

        written = schema(Made, purpose="write")
    first, second = (written(title="x") for _ in range(2))
    assert first.key != second.key
    assert first.made < second.made
    assert first.facts is not second.facts
    assert first.fixed == 7
    with pytest.raises(ValidationError):
        written()
    assert first.model_dump(exclude_unset=True) == {"title": "x"}
    stored = Made(**first.model_dump())
    assert stored.key == first.key
    assert [type(value).__name__ for value in (stored.stored, stored.number)] == ["DatabaseDefault"] * 2
    described = written.model_json_schema()
    assert described["required"] == ["title"]
    assert "default" not in described["properties"]["key"]


def test_keys_of_several_columns_and_generic_relations(database: str) -> None:
    from django.contrib.contenttypes.fields import GenericForeignKey
    from django.contrib.contenttypes.models import ContentType
    from django.db import models
    from django.test.utils import isolate_apps
    from library.models import Author

    from pocket.fastapi import schema

    with isolate_apps("library", "django.contrib.contenttypes"):

        class Placed(models.Model):
            pk = models.CompositePrimaryKey("shelf", "place")
            shelf = models.IntegerField()
            place = models.CharField(max_length=3)

            class Meta:
                app_label = "library"

        class Remark(models.Model):
            content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
            object_id = models.IntegerField()
            about = GenericForeignKey()

            class Meta:
                app_label = "library"

        assert list(schema(Placed).model_fields) == ["shelf", "place"]
        assert list(schema(Placed, purpose="write").model_fields) == ["shelf", "place"]
        keyed = schema(Placed, "pk", "shelf")
        assert keyed.model_validate(Placed(shelf=1, place="a")).model_dump() == {"pk": (1, "a"), "shelf": 1}
        assert list(schema(Remark).model_fields) == ["id", "content_type_id", "object_id"]
        assert list(schema(Remark, exclude=["about"]).model_fields) == ["id", "content_type_id", "object_id"]
        with pytest.raises(ValueError, match=r"Remark.about may be an object of any model, and so has no type"):
            schema(Remark, "about")
        nested = schema(Remark, "about", nested={"about": schema(Author, "name")})
        assert nested(about={"name": "n"}).about.name == "n"


def test_a_users_password_leaves_only_where_it_is_named(database: str) -> None:
    from django.contrib.auth.models import User
    from django.db.models import Value
    from django.db.models.functions import Upper

    from pocket.django.orm.plain import LazyObjectRefused, plain
    from pocket.fastapi import schema

    assert "password" not in schema(User).model_fields
    assert "password" not in schema(User, purpose="write").model_fields
    assert list(schema(User, "id", "password").model_fields) == ["id", "password"]
    user = User(username="x", password="pbkdf2$secret")
    assert "password" not in plain(user)
    User.objects.create(username="x", password="pbkdf2$secret")
    for unnamed in (
        User.objects.values(),
        {"users": [User.objects.values()]},
        User.objects.annotate(n=Value(1)).values(),
    ):
        assert "pbkdf2" not in repr(plain(unnamed))
    assert plain(User.objects.values("username", "password")) == [{"username": "x", "password": "pbkdf2$secret"}]
    assert plain(User.objects.values_list("username", "password")) == [("x", "pbkdf2$secret")]
    upper = Upper("username")
    many = ["id", "username", "email", "first_name", "last_name", "is_staff", "is_active", "last_login", "date_joined"]
    (row,) = plain(User.objects.values_list(*many, "is_superuser", upper))
    assert row[-1] == "X", "as many as there are columns, but named"
    for unnamed in (User.objects.values_list(), User.objects.values_list(named=True)):
        with pytest.raises(LazyObjectRefused, match="has all columns of User, and so the users' passwords"):
            plain(unnamed)
    assert plain({"username": "x", "password": user.password})["password"] == "pbkdf2$secret"
