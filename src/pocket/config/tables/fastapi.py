"""`[awscontainer.fastapi]`: the API beside Django."""

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
        description="Where it lies in the site of the combined handler; the handler of the API alone ignores it.",
    )
