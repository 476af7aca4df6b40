"""The admin and one page, with a form whose choices are queried for it."""

from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from shop.forms import LocationForm

urlpatterns = [path("", lambda request: HttpResponse(LocationForm().as_p())), path("admin/", admin.site.urls)]
