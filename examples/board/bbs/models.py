"""What the board keeps: topics, and comments on them."""

from pathlib import PurePosixPath
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import Storage, storages
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

MAX_IMAGE_BYTES = 4 * 1024 * 1024
"""Lambda takes requests of 6 MB, in which a file is base64: a third longer."""

IMAGE_SUFFIXES = ["gif", "jpeg", "jpg", "png", "webp"]
"""What every browser shows."""


def image_name(topic: "Topic", filename: str) -> str:
    """A name of our own for an uploaded image, so that no two collide and none tells what the user called it."""
    return f"topics/{uuid4().hex}{PurePosixPath(filename).suffix.lower()}"


def thumbnail_storage() -> Storage:
    return storages["thumbnails"]


def validate_image_size(image: File) -> None:
    if image.size > MAX_IMAGE_BYTES:
        limit = MAX_IMAGE_BYTES // (1024 * 1024)
        raise ValidationError(f"This image is too large. Please choose one of at most {limit} MB.")


class TopicQuerySet(models.QuerySet):
    """Topics, with the questions that views, admin and commands ask of them."""

    def open(self) -> "TopicQuerySet":
        return self.filter(archived_at=None)

    def archived(self) -> "TopicQuerySet":
        return self.exclude(archived_at=None)

    def matching(self, words: str) -> "TopicQuerySet":
        """Topics in whose title, text or author every one of the words occurs."""
        topics = self
        for word in words.split():
            topics = topics.filter(
                models.Q(title__icontains=word) | models.Q(body__icontains=word) | models.Q(author_name__icontains=word)
            )
        return topics

    def with_comment_count(self) -> "TopicQuerySet":
        # Counted beside, not by grouping: a grouped query loses the model's ordering.
        comments = Comment.objects.filter(topic=models.OuterRef("pk")).order_by().values("topic")
        counted = models.Subquery(comments.annotate(number=models.Count("pk")).values("number"))
        return self.annotate(comment_count=Coalesce(counted, 0))

    def archive(self) -> int:
        """Archive those that are open; the number of them."""
        return self.open().update(archived_at=timezone.now())


class Topic(models.Model):
    """One post on the board; closed for comments once it is archived."""

    title = models.CharField(max_length=120)
    body = models.TextField("text", max_length=5000)
    author_name = models.CharField("author", max_length=60)
    image = models.ImageField(
        upload_to=image_name,
        width_field="image_width",
        height_field="image_height",
        validators=[FileExtensionValidator(IMAGE_SUFFIXES), validate_image_size],
        blank=True,
    )
    # With these, a page reserves the space of the image before it is loaded, without reading the file.
    image_width = models.PositiveIntegerField(null=True, editable=False)
    image_height = models.PositiveIntegerField(null=True, editable=False)
    # Written by `bbs.events.thumbnails` once the image is stored.
    thumbnail = models.ImageField(storage=thumbnail_storage, blank=True, db_default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TopicQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["archived_at", "-created_at"], name="bbs_topic_by_age")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("bbs:topic", args=[self.pk])

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class Comment(models.Model):
    """An answer to a topic."""

    topic = models.ForeignKey(Topic, on_delete=models.CASCADE, related_name="comments")
    author_name = models.CharField("author", max_length=60)
    body = models.TextField("comment", max_length=2000)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.author_name} on {self.topic}"

    def get_absolute_url(self) -> str:
        return f"{self.topic.get_absolute_url()}#comment-{self.pk}"
