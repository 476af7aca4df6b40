"""Fill an empty board with something to look at, and make an administrator."""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from bbs.models import Comment, Topic

PICTURES = Path(__file__).parents[2] / "demo"
"""Pictures of the fixture's topics; each is stored under the folder that `Topic.image` names."""

PASSWORD_KEY = "DEMO_ADMIN_PASSWORD"


class Command(BaseCommand):
    help = "Loads the demonstration topics and makes an administrator. Running it again completes what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--admin", default="admin", metavar="NAME", help="the administrator's name")
        parser.add_argument(
            "--admin-password",
            default=os.environ.get(PASSWORD_KEY),
            metavar="PASSWORD",
            help=f"the administrator's password, or {PASSWORD_KEY} in the environment; otherwise a new one is printed",
        )

    def handle(self, *args: object, **options: object) -> None:
        self.load_topics()
        self.store_pictures()
        self.make_administrator(options["admin"], options["admin_password"])

    def load_topics(self) -> None:
        if Topic.objects.exists():
            self.stdout.write("The board has topics already: none loaded.")
            return
        with transaction.atomic():
            call_command("loaddata", "topics", app_label="bbs", verbosity=0)
            move_to_now()
        self.stdout.write(f"{Topic.objects.count()} topics with {Comment.objects.count()} comments loaded.")

    def store_pictures(self) -> None:
        for path in sorted(PICTURES.iterdir()):
            name = f"topics/{path.name}"
            if default_storage.exists(name):
                self.stdout.write(f"Picture {name} is stored already.")
                continue
            with path.open("rb") as file:
                default_storage.save(name, File(file))
            self.stdout.write(f"Picture {name} stored.")

    def make_administrator(self, name: str, password: str | None) -> None:
        users = get_user_model().objects
        user = users.filter(username=name).first()
        if user is None:
            users.create_superuser(
                name, f"{name}@example.com", password=password or (generated := secrets.token_urlsafe(9))
            )
            shown = "" if password else f", with the password {generated}"
            self.stdout.write(f"Administrator {name} made{shown}.")
        elif password is None or user.check_password(password):
            self.stdout.write(f"Administrator {name} is there already.")
        else:
            user.set_password(password)
            user.save(update_fields=["password"])
            self.stdout.write(f"Administrator {name} has a new password.")


def move_to_now() -> None:
    """Shift the fixture's dates so that its newest comment is a quarter of an hour old."""
    shift = timezone.now() - timedelta(minutes=15) - Comment.objects.aggregate(newest=Max("created_at"))["newest"]
    Comment.objects.update(created_at=F("created_at") + shift)
    Topic.objects.update(created_at=F("created_at") + shift)
    Topic.objects.archived().update(archived_at=F("archived_at") + shift)
