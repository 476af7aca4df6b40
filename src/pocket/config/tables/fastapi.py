"""`[awscontainer.fastapi]`: the FastAPI application."""

from __future__ import annotations

from pydantic import Field

from pocket.config import patterns
from pocket.config.tables.table import Table


class FastAPI(Table):
    """The FastAPI application that the handlers of `pocket.fastapi.lambda_handlers` serve."""

    app: str = Field(pattern=patterns.APPLICATION, description="The application, as `module:attribute`.")
    prefix: str = Field(
        "/api",
        pattern=patterns.PATH_PREFIX,
        description="Path of the API in the combined handler; the handler that serves only the API ignores it.",
    )
