from datetime import timedelta
from io import StringIO

from django.contrib.auth import get_user_model
from django.core import mail
from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from bbs.models import Topic
from bbs.tasks import send_digest


class Digests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        users = get_user_model().objects
        cls.reader = users.create_user("reader", email="reader@example.com")
        users.create_user("silent")
        users.create_user("gone", email="gone@example.com", is_active=False)

    def topic(self, title: str, days: int) -> None:
        Topic.objects.create(
            title=title, body="B", author_name="Mika", created_at=timezone.now() - timedelta(days=days)
        )

    def test_a_digest_has_the_topics_of_its_days(self) -> None:
        self.topic("New", 1)
        self.topic("Old", 9)
        self.assertEqual(send_digest.call(self.reader.pk), 1)
        [message] = mail.outbox
        self.assertEqual((message.to, message.body), (["reader@example.com"], "- New, by Mika"))

    def test_without_new_topics_there_is_no_mail(self) -> None:
        self.topic("Old", 9)
        self.assertEqual(send_digest.call(self.reader.pk), 0)
        self.assertEqual(mail.outbox, [])

    def test_the_command_sends_one_to_each_active_user_with_an_address(self) -> None:
        self.topic("Old", 9)
        out = StringIO()
        call_command("send_digests", "--days", "10", stdout=out)
        self.assertRegex(out.getvalue(), r"\Areader: \w+\n\Z")
        self.assertEqual([message.to for message in mail.outbox], [["reader@example.com"]])
