"""Addresses of the project."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("bbs.urls")),
    # With runserver and DEBUG on; where the media lie in S3, their addresses are S3's own.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
