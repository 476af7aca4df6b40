"""Views of both kinds."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views import View


def front(request: HttpRequest) -> HttpResponse:
    return HttpResponse("front")


async def waiting(request: HttpRequest) -> HttpResponse:
    return HttpResponse("waiting")


@transaction.non_atomic_requests
async def exempt(request: HttpRequest) -> HttpResponse:
    return HttpResponse("exempt")


class Waiting(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("waiting")
