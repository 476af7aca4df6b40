"""An endpoint that reads cached queries anew, for `notify()`: the specification's `/refresh/`, protected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Header, HTTPException

from pocket.fastapi.notifying import is_valid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from pocket.fastapi.cached import CachedQuery


def add_refresh(app: FastAPI, queries: Mapping[str, CachedQuery], path: str = "/refresh/") -> None:
    """Gives `app` an endpoint (GET and POST) that reads `queries` anew and answers with all of them, by name."""

    async def refresh(authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "pocket" or not is_valid(token):
            raise HTTPException(401, "This endpoint is for pocket.fastapi.notify().", {"WWW-Authenticate": "Pocket"})
        return {name: await query.refresh() for name, query in queries.items()}

    app.add_api_route(path, refresh, methods=["GET", "POST"], include_in_schema=False)
