"""Pages of the shop."""

from django.http import HttpRequest, HttpResponse

from shop import feed


def front(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Since {feed.STARTED}")


async def stock(request: HttpRequest) -> HttpResponse:  # pocket.E022
    return HttpResponse("A few")
