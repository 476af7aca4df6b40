"""One table, as a board's topics are."""

from django.db import models
from django.utils import timezone


class Topic(models.Model):
    title = models.CharField(max_length=120)
    body = models.TextField()
    author_name = models.CharField(max_length=60)
    views = models.IntegerField(default=0)
    is_open = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    archived_at = models.DateTimeField(null=True)
