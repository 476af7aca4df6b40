"""The same endpoints as each peer's documentation has them written; and the URLs of those that are Django's."""

from datetime import datetime
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.urls import path
from fastapi import FastAPI, Response
from ninja import ModelSchema, NinjaAPI
from orm_topics.models import Topic
from pydantic import BaseModel, ConfigDict
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response as RestResponse
from rest_framework.serializers import ModelSerializer

app = FastAPI()
ninja = NinjaAPI()


class TopicOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    body: str
    author_name: str
    views: int
    is_open: bool
    created_at: datetime
    archived_at: datetime | None


@sync_to_async
def rows(number: int) -> list[dict[str, Any]]:
    return list(Topic.objects.all().values()[:number])


@app.get("/recipe/{number}")
async def recipe(number: int):  # type: ignore[no-untyped-def]  # as the specification has it, without an annotation
    """The specification's recipe."""
    return await rows(number)


@app.get("/recipe-orjson/{number}")
async def recipe_orjson(number: int) -> Any:
    """The recipe, written by the fastest encoder."""
    return Response(orjson.dumps(await rows(number)), media_type="application/json")


@app.get("/def/{number}", response_model=list[TopicOut])
def pydantic(number: int) -> Any:
    """A `def` endpoint with a response model."""
    return list(Topic.objects.all()[:number])


NOTHING = {
    "id": 1,
    "title": "t",
    "body": "b",
    "author_name": "a",
    "views": 1,
    "is_open": True,
    "created_at": datetime(2025, 1, 28, 15, 23),  # noqa: DTZ001
    "archived_at": None,
}


@app.get("/nothing/{number}", response_model=TopicOut)
async def nothing(number: int) -> Any:
    """An endpoint without a database."""
    return NOTHING


class NinjaTopic(ModelSchema):
    class Meta:
        model = Topic
        fields = "__all__"


@ninja.get("/{number}", response=list[NinjaTopic])
def ninja_topics(request: HttpRequest, number: int) -> Any:
    return Topic.objects.all()[:number]


class RestTopic(ModelSerializer):  # type: ignore[type-arg]
    class Meta:
        model = Topic
        fields = "__all__"


@api_view(["GET"])
def rest_topics(request: Request, number: int) -> RestResponse:
    return RestResponse(RestTopic(Topic.objects.all()[:number], many=True).data)


urlpatterns = [path("ninja/", ninja.urls), path("drf/<int:number>", rest_topics)]
