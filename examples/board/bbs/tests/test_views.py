from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.utils import timezone

from bbs.models import Comment, Topic
from bbs.tests.pictures import in_memory, png


def make_topic(title: str = "A title", **fields: object) -> Topic:
    return Topic.objects.create(**{"title": title, "body": "A text", "author_name": "Keiko", **fields})


class ListOfTopics(TestCase):
    def test_an_empty_board_invites_to_write(self) -> None:
        self.assertContains(self.client.get("/"), "Nothing on the board yet")

    def test_open_and_archived_topics_have_pages_of_their_own(self) -> None:
        make_topic("Still open")
        make_topic("Long settled", archived_at=timezone.now())
        self.assertContains(self.client.get("/"), "Still open")
        self.assertNotContains(self.client.get("/"), "Long settled")
        self.assertContains(self.client.get("/archive/"), "Long settled")
        self.assertNotContains(self.client.get("/archive/"), "Still open")

    def test_search_says_what_it_found_and_escapes_what_was_asked(self) -> None:
        make_topic("Tomato seedlings")
        make_topic("Choir")
        page = self.client.get("/", {"q": "tomato"})
        self.assertContains(page, "1 topic with “tomato”")
        self.assertNotContains(page, "Choir")
        self.assertContains(self.client.get("/", {"q": "<b>"}), "No topic here has “&lt;b&gt;”")

    def test_pages_keep_the_search(self) -> None:
        for number in range(9):
            make_topic(f"Bench {number}")
        page = self.client.get("/", {"q": "bench"})
        self.assertContains(page, "Page 1 of 2")
        self.assertContains(page, "?q=bench&amp;page=2")
        self.assertContains(self.client.get("/", {"q": "bench", "page": 2}), "Bench 0")
        self.assertEqual(self.client.get("/", {"page": 3}).status_code, 404)

    def test_the_number_of_queries_does_not_grow_with_the_topics(self) -> None:
        for number in range(8):
            topic = make_topic(f"Topic {number}")
            Comment.objects.create(topic=topic, author_name="Luca", body="Yes")
        with self.assertNumQueries(2):
            self.client.get("/")


@in_memory
class NewTopic(TestCase):
    def test_a_topic_with_a_picture_is_shown(self) -> None:
        page = self.client.post(
            "/topics/new/",
            {"title": "A <new> bench", "body": "Look:", "author_name": "Aiko", "image": png()},
            follow=True,
        )
        topic = Topic.objects.get()
        self.assertRedirects(page, f"/topics/{topic.pk}/")
        self.assertContains(page, "A &lt;new&gt; bench")
        self.assertContains(page, "Your topic is on the board.")
        self.assertContains(page, f'src="{topic.image.url}"')
        self.assertEqual((topic.image_width, topic.image_height), (30, 20))
        self.assertTrue(default_storage.exists(topic.image.name))

    def test_what_is_missing_is_said_at_its_field(self) -> None:
        page = self.client.post("/topics/new/", {"title": "Only a title"})
        self.assertFormError(page.context["form"], "body", "This field is required.")
        self.assertContains(page, 'role="alert"')
        self.assertContains(page, 'value="Only a title"')
        self.assertFalse(Topic.objects.exists())

    def test_what_is_no_picture_is_refused(self) -> None:
        fields = {"title": "T", "body": "B", "author_name": "A"}
        page = self.client.post("/topics/new/", {**fields, "image": SimpleUploadedFile("a.png", b"<script>")})
        self.assertContains(page, "Upload a valid image.")
        page = self.client.post("/topics/new/", {**fields, "image": png("a.tiff")})
        self.assertContains(page, "File extension “tiff” is not allowed.")

    def test_the_form_needs_its_token(self) -> None:
        client = Client(enforce_csrf_checks=True)
        self.assertEqual(client.post("/topics/new/", {"title": "T"}).status_code, 403)

    def test_the_session_remembers_the_name(self) -> None:
        self.client.post("/topics/new/", {"title": "T", "body": "B", "author_name": "Aiko"})
        self.assertContains(self.client.get("/topics/new/"), 'value="Aiko"')


class OneTopic(TestCase):
    def test_a_comment_is_added(self) -> None:
        topic = make_topic()
        page = self.client.post(topic.get_absolute_url(), {"body": "Well\nsaid & done", "author_name": "Luca"})
        comment = topic.comments.get()
        self.assertRedirects(page, comment.get_absolute_url(), fetch_redirect_response=False)
        page = self.client.get(topic.get_absolute_url())
        self.assertContains(page, "1 comment")
        self.assertContains(page, "Well<br>said &amp; done")

    def test_an_empty_comment_is_refused(self) -> None:
        topic = make_topic()
        page = self.client.post(topic.get_absolute_url(), {"body": "  ", "author_name": "Luca"})
        self.assertFormError(page.context["form"], "body", "This field is required.")
        self.assertFalse(topic.comments.exists())

    def test_an_archived_topic_takes_no_comment(self) -> None:
        topic = make_topic(archived_at=timezone.now())
        self.assertNotContains(self.client.get(topic.get_absolute_url()), "Write a comment")
        page = self.client.post(topic.get_absolute_url(), {"body": "Late", "author_name": "Luca"}, follow=True)
        self.assertContains(page, "takes no more comments")
        self.assertFalse(topic.comments.exists())

    def test_an_unknown_topic_has_a_page_of_the_board(self) -> None:
        self.assertContains(self.client.get("/topics/99/"), "There is nothing here", status_code=404)


class Icon(TestCase):
    def test_a_browser_that_asks_by_habit_finds_it(self) -> None:
        page = self.client.get("/favicon.ico")
        self.assertRedirects(page, "/static/bbs/favicon.svg", fetch_redirect_response=False)


class ArchivingATopic(TestCase):
    def test_a_visitor_may_not(self) -> None:
        topic = make_topic()
        self.assertNotContains(self.client.get(topic.get_absolute_url()), "Archive this topic")
        self.assertEqual(self.client.post(f"/topics/{topic.pk}/archive/").status_code, 403)

    def test_the_staff_may(self) -> None:
        topic = make_topic()
        self.client.force_login(get_user_model().objects.create_superuser("admin"))
        self.assertContains(self.client.get(topic.get_absolute_url()), "Archive this topic")
        self.assertEqual(self.client.get(f"/topics/{topic.pk}/archive/").status_code, 405)
        page = self.client.post(f"/topics/{topic.pk}/archive/", follow=True)
        self.assertContains(page, "“A title” goes to the archive.")
        topic.refresh_from_db()
        self.assertTrue(topic.is_archived)
