"""One page."""

from django.http import HttpResponse
from django.urls import path
from shop.taxes import NAMES

urlpatterns = [path("", lambda request: HttpResponse(NAMES))]
