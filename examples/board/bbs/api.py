"""The board's API, which `config.api` finds here."""

from typing import Annotated, Any

from django.urls import reverse
from fastapi import Depends
from pocket.fastapi import Router, cached_query, require_user, schema
from pydantic import computed_field

from bbs.models import Topic

router = Router(prefix="/topics", tags=["topics"])

TopicIn = schema(Topic, "title", "body", purpose="write")


class TopicOut(schema(Topic, "id", "title", "author_name", "created_at")):
    """A topic in a list."""

    @computed_field
    @property
    def url(self) -> str:
        """The address of its page."""
        return reverse("bbs:topic", args=[self.id])


class TopicDetail(schema(Topic, "body", "image", "is_archived"), TopicOut):
    """A topic with all that its page shows."""


def newest() -> Any:
    return Topic.objects.open().values("id", "title", "author_name", "created_at")[:5]


latest = cached_query(newest, watches=[Topic], ttl=60)


@router.get("/", response_model=list[TopicOut])
def topics() -> Any:
    """The open topics, newest first."""
    return Topic.objects.open()


@router.get("/latest", response_model=list[TopicOut])
async def latest_topics() -> Any:
    """The five newest, from memory until somebody writes."""
    return await latest()


@router.get("/{pk}", response_model=TopicDetail)
async def topic(pk: int) -> Any:
    """One topic."""
    return await Topic.objects.aget(pk=pk)


@router.post("/", response_model=TopicDetail, status_code=201, atomic=True)
def create(topic: TopicIn, user: Annotated[Any, Depends(require_user)]) -> Any:
    """Puts a topic on the board, signed with the user's name."""
    new = Topic(**topic.model_dump(), author_name=user.get_full_name() or user.get_username())
    new.full_clean()
    new.save()
    return new
