"""Books with all kinds of fields and relations that an API meets."""

import uuid
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


class Author(models.Model):
    name = models.CharField(max_length=80, unique=True, help_text="As printed on the cover")
    born = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    word = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.word


class Book(models.Model):
    class Kind(models.TextChoices):
        NOVEL = "novel", _("Novel")
        ESSAY = "essay", _("Essay")

    title = models.CharField(max_length=120, help_text="The title, without its subtitle")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.NOVEL)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    tags = models.ManyToManyField(Tag, blank=True, related_name="books")
    pages = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(0))
    weight = models.FloatField(null=True, blank=True)
    key = models.UUIDField(default=uuid.uuid4, editable=False)
    cover = models.FileField(upload_to="covers", blank=True)
    facts = models.JSONField(default=dict, blank=True)
    lent = models.BooleanField(default=False)
    written = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if self.title == self.title.upper():
            raise ValidationError({"title": ValidationError("Do not shout.", code="shouted")})

    @property
    def is_long(self) -> bool:
        """Whether it takes more than a weekend."""
        return self.pages > 500

    @property
    def author_name(self) -> str:
        return self.author.name


class Blurb(models.Model):
    book = models.OneToOneField(Book, on_delete=models.CASCADE, related_name="blurb")
    text = models.TextField()
