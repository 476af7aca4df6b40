"""The endpoints as they are written for Pocket."""

from typing import Any

from orm_topics.models import Topic
from pocket.fastapi import Router, schema

router = Router(prefix="/pocket")
TopicOut = schema(Topic)


@router.get("/{number}", response_model=list[TopicOut])
def topics(number: int) -> Any:
    return Topic.objects.all()[:number]


@router.get("/one/{pk}", response_model=TopicOut)
def topic(pk: int) -> Any:
    return Topic.objects.get(pk=pk)


@router.get("/async/{pk}", response_model=TopicOut)
async def async_topic(pk: int) -> Any:
    return await Topic.objects.aget(pk=pk)
