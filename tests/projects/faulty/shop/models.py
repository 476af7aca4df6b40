"""What the shop sells."""

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    title = models.CharField(max_length=120)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    cover = models.FileField(upload_to="covers")  # pocket.E010

    def __str__(self) -> str:
        return self.title
