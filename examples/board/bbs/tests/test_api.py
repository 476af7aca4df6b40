import json

from django.contrib.auth import get_user_model
from django.test import TestCase
from django.utils import timezone
from pocket.asgi import make_handler

from bbs.models import Topic
from bbs.tests.test_views import make_topic
from config.api import app

TOKEN = "t" * 32


class API(TestCase):
    """Behind Lambda's handler, which runs queries in this thread, and so in the test's transaction."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.handler = make_handler(app)
        cls.addClassCleanup(cls.handler.close)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, object]:
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"host": "testserver", "content-type": "application/json", **headers},
            "requestContext": {
                "domainName": "testserver",
                "stage": "$default",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            },
            "body": json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = self.handler(event, None)
        answer = json.loads(answer) if isinstance(answer, bytes) else answer
        return answer["statusCode"], json.loads(answer["body"])

    def test_open_topics_are_listed(self) -> None:
        topic = make_topic("Still open")
        make_topic("Long settled", archived_at=timezone.now())
        status, topics = self.ask("GET", "/topics/")
        self.assertEqual(status, 200)
        self.assertEqual([(item["title"], item["url"]) for item in topics], [("Still open", f"/topics/{topic.pk}/")])
        self.assertEqual(self.ask("GET", "/topics/latest")[1], topics)

    def test_a_topic_has_all_that_its_page_shows(self) -> None:
        topic = make_topic("A title")
        _, detail = self.ask("GET", f"/topics/{topic.pk}")
        self.assertEqual((detail["body"], detail["image"], detail["is_archived"]), ("A text", None, False))
        self.assertEqual(self.ask("GET", "/topics/0"), (404, {"detail": "Topic not found"}))

    def test_who_writes_must_be_logged_in_and_show_the_csrf_token(self) -> None:
        new = {"title": "By API", "body": "A text"}
        self.assertEqual(self.ask("POST", "/topics/", new)[0], 401)
        self.client.force_login(get_user_model().objects.create_user("keiko", first_name="Keiko"))
        cookie = f"sessionid={self.client.cookies['sessionid'].value}; csrftoken={TOKEN}"
        self.assertEqual(self.ask("POST", "/topics/", new, cookie=cookie)[0], 403)
        headers = {"cookie": cookie, "x-csrftoken": TOKEN, "origin": "https://testserver"}
        status, detail = self.ask("POST", "/topics/", new, **headers)
        self.assertEqual((status, detail["author_name"]), (201, "Keiko"))
        self.assertEqual(Topic.objects.get().title, "By API")
        self.assertEqual(self.ask("POST", "/topics/", {"title": "", "body": "x"}, **headers)[0], 422)

    def test_the_page_asks_the_api(self) -> None:
        self.assertContains(self.client.get("/latest/"), 'data-source="/api/topics/latest"')
