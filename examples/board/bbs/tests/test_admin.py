from django.contrib.auth import get_user_model
from django.test import TestCase
from django.utils import timezone

from bbs.models import Comment, Topic


class AdminPages(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.open = Topic.objects.create(title="Open one", body="B", author_name="A")
        cls.archived = Topic.objects.create(title="Old one", body="B", author_name="A", archived_at=timezone.now())
        cls.comment = Comment.objects.create(topic=cls.open, author_name="Luca", body="word " * 40)

    def setUp(self) -> None:
        self.client.force_login(get_user_model().objects.create_superuser("admin"))

    def test_the_lists_open(self) -> None:
        self.assertContains(self.client.get("/admin/bbs/topic/?q=one"), "2 topics")
        self.assertContains(self.client.get("/admin/bbs/topic/?state=open"), "1 topic")
        self.assertNotContains(self.client.get("/admin/bbs/topic/?state=archived"), "Open one")
        self.assertContains(self.client.get("/admin/bbs/comment/"), "word…")

    def test_the_pages_of_one_open(self) -> None:
        self.assertContains(self.client.get(f"/admin/bbs/topic/{self.open.pk}/change/"), "Luca")
        self.assertEqual(self.client.get(f"/admin/bbs/comment/{self.comment.pk}/change/").status_code, 200)

    def act(self, *topics: Topic) -> object:
        chosen = {"action": "archive_selected", "_selected_action": [topic.pk for topic in topics]}
        return self.client.post("/admin/bbs/topic/", chosen, follow=True)

    def test_the_action_archives_what_is_open(self) -> None:
        before = self.archived.archived_at
        self.assertContains(self.act(self.open, self.archived), "To the archive: 1 topic(s).")
        self.open.refresh_from_db()
        self.archived.refresh_from_db()
        self.assertTrue(self.open.is_archived)
        self.assertEqual(self.archived.archived_at, before)

    def test_the_action_says_when_there_is_nothing_to_do(self) -> None:
        self.assertContains(self.act(self.archived), "archived already")
