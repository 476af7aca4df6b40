"""Send each reader the newest topics."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandParser

from bbs.tasks import send_digest


class Command(BaseCommand):
    help = "Enqueues a digest for each active user with an address."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how old the topics are at most")

    def handle(self, *args: object, **options: object) -> None:
        users = get_user_model().objects.filter(is_active=True).exclude(email="")
        for user in users:
            result = send_digest.enqueue(user.pk, days=options["days"])
            self.stdout.write(f"{user.username}: {result.id}")
