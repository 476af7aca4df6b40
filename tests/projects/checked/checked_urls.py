"""Addresses of the checked project, which has one view that waits for nothing."""

from django.urls import path
from gallery import views

urlpatterns = [path("", views.front)]
