"""Writes what became of the tasks, as JSON."""

import json
from collections import Counter

from django.core.management.base import BaseCommand

from pocket.jobs.models import Job
from work.models import Effect


class Command(BaseCommand):
    def handle(self, **options):
        numbers = Counter(Effect.objects.values_list("number", flat=True))
        kinds = Counter(f"{job.args[1]}: {job.status.lower()} after {job.attempts}" for job in Job.objects.all())
        found = {
            "once": sum(1 for times in numbers.values() if times == 1),
            "more": sorted(number for number, times in numbers.items() if times > 1),
            "open": Job.objects.filter(status__in=["READY", "RUNNING"]).count(),
            "jobs": dict(sorted(kinds.items())),
        }
        self.stdout.write(json.dumps(found))
