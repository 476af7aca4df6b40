"""Pictures for tests: a small PNG, and a storage that forgets."""

from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from PIL import Image

STORAGES_IN_MEMORY = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "thumbnails": {"BACKEND": "django.core.files.storage.InMemoryStorage", "OPTIONS": {"base_url": "/thumbnails/"}},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

in_memory = override_settings(STORAGES=STORAGES_IN_MEMORY)


def png(name: str = "picture.png", size: tuple[int, int] = (30, 20)) -> SimpleUploadedFile:
    buffer = BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "PNG")
    return SimpleUploadedFile(name, buffer.getvalue(), "image/png")
