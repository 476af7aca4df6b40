"""Site and API as one ASGI application: `uvicorn config.asgi:application --reload`."""

from pocket.fastapi import combine

from config.api import app

application = combine(app, prefix="/api")
