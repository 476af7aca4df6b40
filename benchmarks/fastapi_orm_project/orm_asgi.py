"""The applications that the servers are given."""

import django

django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from orm_peers import app as plain  # noqa: E402, F401

from pocket.fastapi import create_app  # noqa: E402

pocket = create_app()
django_asgi = get_asgi_application()
django_wsgi = get_wsgi_application()
