"""Archive topics: those of an age, or some by their keys."""

from argparse import ArgumentTypeError
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from bbs.models import Topic


def days(text: str) -> int:
    """`text` as a number of days, at least one."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of days. Use 1 or more.")
    return number


class Command(BaseCommand):
    help = "Archives topics. What is archived already stays as it is, so running it twice changes nothing more."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--older-than", type=days, metavar="DAYS", help="topics written at least DAYS days ago")
        which.add_argument("--topic", type=int, nargs="+", metavar="KEY", help="the topics with these keys")

    def handle(self, *args: object, **options: object) -> None:
        topics = Topic.objects.open()
        if options["topic"] is not None:
            topics = topics.filter(pk__in=options["topic"])
        else:
            topics = topics.filter(created_at__lte=timezone.now() - timedelta(days=options["older_than"]))
        titles = dict(topics.values_list("pk", "title"))
        number = Topic.objects.filter(pk__in=titles).archive()
        for key, title in titles.items():
            self.stdout.write(f"Topic {key}: {title}")
        self.stdout.write(f"{number} topic{'' if number == 1 else 's'} archived.")
