"""Lambda handlers of the project's own."""

from django.core.asgi import get_asgi_application

from pocket.asgi import make_handler

web = make_handler(get_asgi_application(), lifespan=False)
