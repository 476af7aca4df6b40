"""Addresses of the faulty project."""

from django.urls import path
from shop import views

urlpatterns = [path("", views.front), path("stock/", views.stock)]
