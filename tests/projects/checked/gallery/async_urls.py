"""Addresses with asynchronous views, one of them below an include."""

from django.urls import include, path

from gallery import views

urlpatterns = [
    path("waiting/", views.waiting),
    path("exempt/", views.exempt),
    path("in/", include([path("class/", views.Waiting.as_view()), path("again/", views.waiting)])),
]
