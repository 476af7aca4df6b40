from datetime import timedelta

from django.core import mail
from django.core.files.storage import default_storage, storages
from django.test import TestCase
from django.utils import timezone
from PIL import Image

from bbs.events import THUMBNAIL_SIZE, thumbnails, weekly_report
from bbs.models import Topic
from bbs.tests.pictures import in_memory, png


@in_memory
class Thumbnails(TestCase):
    def uploaded(self, name: str) -> dict:
        return {"Records": [{"s3": {"object": {"key": f"media/{name}".replace(" ", "+")}}}]}

    def test_a_picture_gets_a_thumbnail_under_its_own_name(self) -> None:
        name = default_storage.save("topics/a b.png", png(size=(1200, 300)))
        topic = Topic.objects.create(title="t", body="b", author_name="a", image=name)
        thumbnails(self.uploaded(name), None)
        topic.refresh_from_db()
        self.assertEqual(topic.thumbnail.name, name)
        with storages["thumbnails"].open(name) as file, Image.open(file) as small:
            self.assertEqual(small.size, (THUMBNAIL_SIZE[0], THUMBNAIL_SIZE[1] // 4))
            self.assertEqual(small.format, "PNG")

    def test_the_list_shows_the_thumbnail_once_there_is_one(self) -> None:
        name = default_storage.save("topics/c.png", png())
        Topic.objects.create(title="t", body="b", author_name="a", image=name)
        self.assertContains(self.client.get("/"), default_storage.url(name))
        Topic.objects.update(thumbnail=name)
        self.assertContains(self.client.get("/"), storages["thumbnails"].url(name))


class Reports(TestCase):
    def test_a_report_counts_the_topics_of_its_days(self) -> None:
        for days in (1, 5, 9):
            Topic.objects.create(title="t", body="b", author_name="a", created_at=timezone.now() - timedelta(days=days))
        self.assertEqual(weekly_report({"days": 7}, None), {"topics": 2, "days": 7})
        self.assertEqual(mail.outbox[0].body, "2 new topics in the last 7 days.")
        self.assertEqual(mail.outbox[0].to, ["committee@example.com"])
