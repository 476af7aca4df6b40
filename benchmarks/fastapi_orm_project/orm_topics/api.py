"""The endpoints as they are written for Pocket."""

import time
from typing import Any

from pydantic import computed_field

from orm_topics.models import Topic
from pocket.fastapi import Router, schema

router = Router(prefix="/pocket")
TopicOut = schema(Topic)


@router.get("/{number}", response_model=list[TopicOut])
def topics(number: int) -> Any:
    return Topic.objects.all()[:number]


class Headed(TopicOut):  # type: ignore[misc, valid-type]
    """A response model that needs objects, and so validates each."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def heading(self) -> str:
        return f"{self.title} by {self.author_name}"


@router.get("/headed/{number}", response_model=list[Headed])
def headed(number: int) -> Any:
    return Topic.objects.all()[:number]


@router.get("/waits/{number}", response_model=list[TopicOut])
def waits(number: int) -> Any:
    time.sleep(0.02)  # for another service
    return Topic.objects.all()[:number]


@router.get("/one/{pk}", response_model=TopicOut)
def topic(pk: int) -> Any:
    return Topic.objects.get(pk=pk)


@router.get("/async/{pk}", response_model=TopicOut)
async def async_topic(pk: int) -> Any:
    return await Topic.objects.aget(pk=pk)
