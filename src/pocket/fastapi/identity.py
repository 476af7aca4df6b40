"""Authentication: dependencies that return Django's user, from a session or from a header.

Browsers send a session by themselves, so unsafe methods need Django's CSRF token, too. The setting
POCKET_API_CREDENTIALS maps headers to credentials (`{"Authorization": "token"}` by default: `Bearer abc` becomes
`authenticate(request, token="abc")`), which the project's AUTHENTICATION_BACKENDS check.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Annotated, Any

from django.conf import settings
from django.contrib.auth import authenticate, get_user
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.http import QueryDict
from django.utils.module_loading import import_string
from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from pocket.fastapi.internals import CsrfCheck

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = APIKeyCookie(
    name=settings.SESSION_COOKIE_NAME,
    scheme_name="DjangoSession",
    description="The session of the Django site; unsafe methods also need its CSRF token, as X-CSRFToken.",
    auto_error=False,
)
HEADER = HTTPBearer(
    scheme_name="DjangoBackend",
    description="A token that one of the project's authentication backends understands.",
    auto_error=False,
)

_DETAIL = {"application/json": {"schema": {"type": "object", "properties": {"detail": {"type": "string"}}}}}
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not authenticated", "content": _DETAIL},
    403: {"description": "The CSRF check failed, or a permission is missing", "content": _DETAIL},
}
"""The responses in the documentation of routes with dependencies that refuse requests."""


def current_user(
    request: Request, _session: Annotated[Any, Depends(SESSION)], _header: Annotated[Any, Depends(HEADER)]
) -> Any:
    """Django's user of the request, or AnonymousUser.

    403 for a session with an unsafe method and without the CSRF token; 401 for credentials that no backend accepts.
    """
    django_request = as_django(request)
    header = _credentials(request)
    user: Any
    if header is not None:
        user = authenticate(django_request, **header)
        if user is None:
            raise _unauthenticated("These credentials are not valid.")
        return user
    user = get_user(django_request) if hasattr(django_request, "session") else AnonymousUser()
    if user.is_authenticated:
        _enforce_csrf(django_request)
    return user


def require_user(user: Annotated[Any, Depends(current_user)]) -> Any:
    """The user, or 401."""
    if not user.is_authenticated:
        raise _unauthenticated("Log in first.")
    return user


def require_permission(*permissions: str) -> Callable[..., Any]:
    """A dependency: the user with all `permissions` (`"bbs.add_topic"`); 401 if not authenticated, 403 for others."""

    def permitted(user: Annotated[Any, Depends(require_user)]) -> Any:
        missing = [permission for permission in permissions if not user.has_perm(permission)]
        if missing:
            raise HTTPException(403, f"You lack the permission {', '.join(missing)}.")
        return user

    permitted.__doc__ = f"The user, who has {', '.join(permissions)}."
    permitted.pocket_responses = REFUSALS  # type: ignore[attr-defined]
    return permitted


require_user.pocket_responses = REFUSALS  # type: ignore[attr-defined]


class _ReadOnly:
    """A session store that never writes: responses of the API have no cookie for a new session key.

    Django makes a new key for a session that one of SECRET_KEY_FALLBACKS signed, and deletes an invalid one.
    """

    def _write(self, *_: Any, **__: Any) -> None: ...

    cycle_key = save = create = delete = _write


@cache
def _reader(engine: str) -> Any:
    store = import_string(f"{engine}.SessionStore")
    # Sessions are signed with the name of their class as salt.
    return type(store.__name__, (_ReadOnly, store), {"__qualname__": store.__qualname__})


def as_django(request: Request) -> ASGIRequest:
    """The request as Django's middleware sees it, with its session, and without its body."""
    django_request = ASGIRequest(dict(request.scope), BytesIO())
    django_request.POST = QueryDict()
    if "django.contrib.sessions" in settings.INSTALLED_APPS:
        django_request.session = _reader(settings.SESSION_ENGINE)(
            django_request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        )
    return django_request


def _credentials(request: Request) -> dict[str, str] | None:
    known: dict[str, str] = getattr(settings, "POCKET_API_CREDENTIALS", {"Authorization": "token"})
    for name, credential in known.items():
        value = request.headers.get(name)
        if value is None:
            continue
        scheme, _, rest = value.partition(" ")
        if name.lower() != "authorization":
            return {credential: value}
        if scheme.lower() in {"bearer", "token"} and rest:
            return {credential: rest.strip()}
    return None


def _unauthenticated(message: str) -> HTTPException:
    return HTTPException(401, message, {"WWW-Authenticate": "Bearer"})


def _nothing(_: Any) -> Any:
    """Replaces the checked view, and the rest of the middleware."""


def _enforce_csrf(request: ASGIRequest) -> None:
    check: Any = CsrfCheck(_nothing)
    check.process_request(request)
    reason = check.process_view(request, _nothing, (), {})
    if reason:
        raise HTTPException(403, f"CSRF check failed: {reason}")
