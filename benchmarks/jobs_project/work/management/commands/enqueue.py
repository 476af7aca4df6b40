"""Enqueues tasks of which one in ten fails, leaves, dies or hangs."""

import time

from django.core.management.base import BaseCommand

from work.tasks import count

BAD = ("fail", "exit", "die", "hang")


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("first", type=int)
        parser.add_argument("last", type=int)

    def handle(self, first, last, **options):
        started = time.perf_counter()
        for number in range(first, last):
            bad = number % 10 == 9
            count.enqueue(number, BAD[number // 10 % 4] if bad else "sound")
        self.stdout.write(f"{time.perf_counter() - started:.2f}")
