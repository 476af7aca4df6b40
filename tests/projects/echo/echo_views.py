"""Views that answer with what they were asked."""

from django.http import HttpRequest, HttpResponse, JsonResponse


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


def echo(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "method": request.method,
            "path": request.path,
            "path_info": request.path_info,
            "full_path": request.get_full_path(),
            "uri": request.build_absolute_uri(),
            "scheme": request.scheme,
            "meta": {key: value for key, value in request.META.items() if isinstance(value, str)},
            "get": dict(request.GET.lists()),
            "post": dict(request.POST.lists()),
            "files": {
                key: [[f.name, f.content_type, f.read().hex()] for f in files] for key, files in request.FILES.lists()
            },
            "cookies": request.COOKIES,
            "body": request.body.hex() if not request.FILES and not request.POST else None,
            "encoding": request.encoding,
        }
    )
