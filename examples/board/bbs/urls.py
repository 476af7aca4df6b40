"""Addresses of the board."""

from django.urls import path

from bbs import views

app_name = "bbs"

urlpatterns = [
    path("", views.TopicList.as_view(), name="topics"),
    path("archive/", views.Archive.as_view(), name="archive"),
    path("latest/", views.latest, name="latest"),
    path("favicon.ico", views.favicon),
    path("topics/new/", views.TopicCreate.as_view(), name="new-topic"),
    path("topics/<int:pk>/", views.topic, name="topic"),
    path("topics/<int:pk>/archive/", views.archive_topic, name="archive-topic"),
]
