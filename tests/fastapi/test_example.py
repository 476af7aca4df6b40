"""The API as a user writes it, on both databases and both ways of serving."""

from __future__ import annotations

from typing import Any

from asgi_client import Client


def test_a_lazy_queryset_is_evaluated_and_written_by_its_response_model(client: Client, books: list[Any]) -> None:
    expected = [
        {"id": book.pk, "title": book.title, "pages": book.pages, "author_id": book.author_id}
        for book in reversed(books)
    ]
    assert client.get("/books/").json() == expected
    assert client.get("/books/lazy").json() == expected


def test_an_object_that_does_not_exist_is_404(client: Client, books: list[Any]) -> None:
    assert client.get(f"/books/{books[0].pk}").json()["title"] == "First"
    answer = client.get("/books/0")
    assert (answer.status, answer.json()) == (404, {"detail": "Book not found"})


def test_apps_are_found_in_order_and_tagged_with_their_label(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    tags = {path: next(iter(methods.values()))["tags"] for path, methods in paths.items()}
    assert tags["/books/"] == ["library"]
    assert tags["/errors/missing"] == ["issue"]
    assert tags["/shelves/"] == ["furniture"]
    assert list(tags).index("/books/") < list(tags).index("/shelves/")


def test_a_model_with_deferred_fields_is_loaded_where_queries_are_allowed(client: Client, books: list[Any]) -> None:
    assert client.get(f"/books/{books[1].pk}/deferred").json()["pages"] == 600


def test_a_property_that_follows_a_relation_is_read_where_queries_are_allowed(client: Client, books: list[Any]) -> None:
    answer = client.get("/books/authors")
    assert [book["author_name"] for book in answer.json()] == ["Novelist", "Essayist", "Novelist"]


def test_lazy_objects_inside_of_containers_are_evaluated(client: Client, books: list[Any]) -> None:
    answer = client.get("/books/nested").json()
    assert [book["title"] for book in answer["books"]] == ["First", "Second", "Third"]
    assert answer["first"][0][0]["title"] == "First"


def test_a_queryset_without_a_response_model_is_what_its_values_are(client: Client, books: list[Any]) -> None:
    first = client.get("/books/columns").json()[0]
    assert first["title"] == "First"
    assert first["author_id"] == books[0].author_id
    assert first["cover"] == ""


def test_orm_functions_return_plain_data(client: Client, books: list[Any]) -> None:
    assert client.get("/books/titles/all").json() == ["First", "Second", "Third"]


def test_a_manager_is_refused_by_name(client: Client, books: list[Any]) -> None:
    assert client.get("/books/managed").status == 500
