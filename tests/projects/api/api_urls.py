"""The Django side of the API project: one page."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Django at {request.get_full_path()} under {request.META.get('SCRIPT_NAME', '')!r}")


urlpatterns = [path("page/", page), path("page/<int:number>/", page, name="page")]
