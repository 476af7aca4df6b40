"""A task that leaves one row, unless it is told to go wrong."""

import os
import sys
import time

from pocket.django.tasks import retries
from work.models import Effect

try:
    from django.tasks import task
except ImportError:  # before Django 6.0
    from django_tasks import task


@task
@retries(attempts=2, backoff=1)
def count(number, kind):
    if kind == "fail":
        raise ValueError(f"number {number} fails")
    if kind == "exit":
        sys.exit(3)
    if kind == "die":
        os._exit(9)
    if kind == "hang":
        time.sleep(60)
    Effect.objects.create(number=number)
    return number
