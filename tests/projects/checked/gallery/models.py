"""What the gallery keeps: pictures, in storages that a test chooses."""

from django.core.files.storage import FileSystemStorage, storages
from django.db import models


def chosen() -> object:
    return storages["pictures"] if "pictures" in storages.backends else FileSystemStorage("/tmp/gallery")


class Picture(models.Model):
    file = models.ImageField(upload_to="pictures", storage=chosen)

    def __str__(self) -> str:
        return self.file.name


class Artist(models.Model):
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Theme(models.Model):
    word = models.SlugField()

    def __str__(self) -> str:
        return self.word


class PaintingQuerySet(models.QuerySet):
    def with_artists(self) -> "PaintingQuerySet":
        return self.select_related("artist")


class LoadedManager(models.Manager):
    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().select_related("artist").prefetch_related("themes")


class Painting(models.Model):
    title = models.CharField(max_length=80)
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="paintings")
    themes = models.ManyToManyField(Theme)

    objects = PaintingQuerySet.as_manager()

    def __str__(self) -> str:
        return self.title


class Loaded(models.Model):
    artist = models.ForeignKey(Artist, on_delete=models.CASCADE)

    objects = LoadedManager()

    def __str__(self) -> str:
        return f"Loaded {self.pk}"
