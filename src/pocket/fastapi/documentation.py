"""The API's documentation pages with their scripts from the site's own static files.

FastAPI's pages load Swagger UI and ReDoc from a CDN and stay blank where that cannot be reached, or may not be. The app
drf-spectacular-sidecar, which is nothing but these files, is used where it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.templatetags.static import static
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

ASSETS = "drf_spectacular_sidecar"
"""The app, and the folder of its static files."""

_SWAGGER = f"{ASSETS}/swagger-ui-dist"
_ICON = f"{_SWAGGER}/favicon-32x32.png"


def serve_own_pages(app: FastAPI) -> None:
    """Replaces the pages of `app`, those that it has, by such as load nothing from elsewhere."""

    async def swagger(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        redirect = app.swagger_ui_oauth2_redirect_url
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - Swagger UI",
            swagger_js_url=static(f"{_SWAGGER}/swagger-ui-bundle.js"),
            swagger_css_url=static(f"{_SWAGGER}/swagger-ui.css"),
            swagger_favicon_url=static(_ICON),
            oauth2_redirect_url=f"{root}{redirect}" if redirect else None,
            init_oauth=app.swagger_ui_init_oauth,
            swagger_ui_parameters=app.swagger_ui_parameters,
        )

    async def redoc(request: Request) -> Response:
        return get_redoc_html(
            openapi_url=f"{request.scope.get('root_path', '').rstrip('/')}{app.openapi_url}",
            title=f"{app.title} - ReDoc",
            redoc_js_url=static(f"{ASSETS}/redoc/bundles/redoc.standalone.js"),
            redoc_favicon_url=static(_ICON),
            with_google_fonts=False,
        )

    for path, page in ((app.docs_url, swagger), (app.redoc_url, redoc)):
        if app.openapi_url and path:
            app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != path]
            app.add_route(path, page, include_in_schema=False)
