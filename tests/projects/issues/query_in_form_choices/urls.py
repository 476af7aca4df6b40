"""One page, with a form."""

from django.http import HttpResponse
from django.urls import path
from shop.forms import LocationForm

urlpatterns = [path("", lambda request: HttpResponse(LocationForm().as_p()))]
