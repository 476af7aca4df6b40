from datetime import timedelta
from io import StringIO

from django.contrib.auth import authenticate
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone

from bbs.models import Comment, Topic
from bbs.tests.pictures import in_memory


def run(*args: str) -> str:
    """What the command wrote."""
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


class ArchiveTopics(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        now = timezone.now()
        cls.old = Topic.objects.create(
            title="Old", body="B", author_name="A", created_at=now - timedelta(days=30, hours=1)
        )
        cls.young = Topic.objects.create(title="Young", body="B", author_name="A", created_at=now - timedelta(days=29))

    def test_an_age_takes_what_is_old_enough_once(self) -> None:
        self.assertEqual(run("archive_topics", "--older-than", "30"), f"Topic {self.old.pk}: Old\n1 topic archived.\n")
        self.assertEqual(run("archive_topics", "--older-than", "30"), "0 topics archived.\n")
        self.assertEqual(list(Topic.objects.open()), [self.young])

    def test_keys_take_the_topics_that_are_there(self) -> None:
        self.assertIn("2 topics archived.", run("archive_topics", "--topic", str(self.old.pk), str(self.young.pk), "0"))

    def test_one_of_both_must_be_said(self) -> None:
        for args in ([], ["--older-than", "1", "--topic", "1"], ["--older-than", "0"], ["--older-than", "x"]):
            with self.subTest(args), self.assertRaises(CommandError):
                run("archive_topics", *args)


@in_memory
class LoadDemo(TestCase):
    def test_it_fills_an_empty_board(self) -> None:
        run("load_demo", "--admin-password", "a board of wood")
        self.assertGreater(Topic.objects.open().count(), 8)
        self.assertTrue(Topic.objects.archived().exists())
        for topic in Topic.objects.exclude(image=""):
            with default_storage.open(topic.image.name) as file:
                self.assertEqual(file.read(2), b"\xff\xd8")
        age = timezone.now() - Comment.objects.latest("created_at").created_at
        self.assertLess(abs(age - timedelta(minutes=15)), timedelta(minutes=1))
        self.assertTrue(authenticate(username="admin", password="a board of wood").is_superuser)

    def test_a_second_run_completes_and_overwrites_nothing(self) -> None:
        run("load_demo", "--admin-password", "a board of wood")
        picture = Topic.objects.exclude(image="").first().image.name
        default_storage.delete(picture)
        Topic.objects.exclude(image="").update(title="Changed by hand")
        count = Topic.objects.count()
        said = run("load_demo", "--admin-password", "another board")
        self.assertIn("none loaded", said)
        self.assertNotIn("another board", said)
        self.assertEqual(Topic.objects.count(), count)
        self.assertTrue(Topic.objects.filter(title="Changed by hand").exists())
        self.assertTrue(default_storage.exists(picture))
        self.assertTrue(authenticate(username="admin", password="another board"))

    def test_without_a_password_one_is_made_and_said_once(self) -> None:
        said = run("load_demo")
        password = said.split("with the password ")[1].removesuffix(".\n")
        self.assertTrue(authenticate(username="admin", password=password))
        self.assertNotIn("password", run("load_demo"))
        self.assertTrue(authenticate(username="admin", password=password))
