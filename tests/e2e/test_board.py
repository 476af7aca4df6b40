"""One path that really works: the example, packaged, deployed by CloudFormation, answering in a browser's words."""

from __future__ import annotations

import io
import re
import urllib.request
from urllib.parse import urljoin

import pytest
from board import PASSWORD, Board
from PIL import Image
from site_client import SiteClient, image_address
from waiting import wait_until

pytestmark = pytest.mark.e2e


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (24, 16), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def titles(client: SiteClient, word: str) -> list[str]:
    """The topics that the list finds for `word`, once each appearance as a link's text."""
    return re.findall(rf">\s*({re.escape(word)}[\w -]*?)\s*</a>", client.get(f"/?q={word}").text)


def test_the_admin_lets_its_user_in(board: Board) -> None:
    client = board.client()
    page = client.submit("/admin/login/?next=/admin/", {"username": "admin", "password": PASSWORD})
    assert page.status == 200
    assert page.url == urljoin(board.address, "/admin/")
    assert "Site administration" in page.text


def test_a_form_without_its_csrf_token_is_refused(board: Board) -> None:
    client = board.client()
    form = client.get("/topics/new/")
    client.cookies.clear()
    assert form.status == 200
    assert client.post(form.url, {"title": "x"}).status == 403


def test_a_topic_with_an_image_is_read_back(board: Board) -> None:
    client = board.client()
    picture = png()
    page = client.submit(
        "/topics/new/",
        {"title": "Grüße aus der Küche 🥐", "body": "Two lines,\nand a <tag>.", "author_name": "Aiko"},
        {"image": ("croissant.png", "image/png", picture)},
    )
    assert page.status == 200
    assert "Grüße aus der Küche 🥐" in page.text
    assert "&lt;tag&gt;" in page.text
    assert client.get(image_address(page)).body == picture


def test_a_static_file_has_a_hashed_name_and_lasts(board: Board) -> None:
    page = board.client().get("/")
    found = re.search(r'<link[^>]+href="([^"]+\.[0-9a-f]{12}\.css)"', page.text)
    assert found is not None, page.text
    sheet = board.client().get(urljoin(page.url, found[1]))
    assert sheet.status == 200
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "immutable" in sheet.headers["Cache-Control"]
    page_of_the_site = {"Origin": board.address, "Sec-Fetch-Mode": "cors"}
    with urllib.request.urlopen(urllib.request.Request(sheet.url, headers=page_of_the_site)) as font:
        assert font.headers["Access-Control-Allow-Origin"] == "*", "what browsers ask for fonts and script modules"


def test_a_second_upload_of_the_same_name_leaves_the_first_as_it_is(board: Board) -> None:
    code = (
        "from django.core.files.base import ContentFile as File;"
        "from django.core.files.storage import default_storage as s;"
        "names = [s.save('again.txt', File(text)) for text in (b'first', b'second')];"
        "print(len(set(names)), [s.open(name).read() for name in names])"
    )
    done = board.pocket("manage", "--stage", "local", "--local", "shell", "--no-imports", "--command", code)
    assert done.stdout == "2 [b'first', b'second']\n"


def test_a_slash_at_the_end_is_kept(board: Board) -> None:
    assert board.client().get("/admin").url.endswith("/admin/login/?next=/admin/")


def test_a_management_command_answers_here_with_its_own_status(board: Board) -> None:
    done = board.pocket("manage", "--stage", "local", "--local", "record", "by-hand")
    assert done.stdout == "recorded by-hand\n"
    assert titles(board.client(), "by-hand") == ["by-hand"]
    failed = board.pocket("manage", "--stage", "local", "--local", "record", "by-mistake", "--fail", check=False)
    assert failed.returncode == 1
    assert "failed as asked" in failed.stderr
    unknown = board.pocket("manage", "--stage", "local", "--local", "no_such_command", check=False)
    assert unknown.returncode == 1
    assert "no_such_command" in unknown.stderr


def test_a_command_sent_through_the_queue_takes_effect(board: Board) -> None:
    sent = board.pocket("manage", "--stage", "local", "--local", "record", "through-queue", "--through-queue")
    assert re.fullmatch(r"[0-9a-f-]{36}\n", sent.stdout), "the message id"
    client = board.client()
    wait_until(lambda: titles(client, "through-queue") == ["through-queue"], 30)


def test_the_second_deploy_changes_nothing_and_the_third_shows_a_changed_view(board: Board) -> None:
    second = board.pocket("deploy", "--stage", "local", "--local", "--yes")
    assert "nothing was changed" in second.stderr
    template = next((board.folder / "bbs" / "templates" / "bbs").glob("topic_list.html"))
    template.write_text(template.read_text().replace("{% endblock %}", "<p>A changed view</p>{% endblock %}"))
    board.pocket("deploy", "--stage", "local", "--local", "--yes")
    assert "A changed view" in board.client().get("/").text


def test_logs_show_each_line_once(board: Board) -> None:
    board.pocket("manage", "--stage", "local", "--local", "record", "logged-once")
    lines = board.pocket("logs", "--stage", "local", "--local", "--since", "10m").stdout.splitlines()
    starts = [line for line in lines if "START RequestId" in line]
    assert starts
    assert len(starts) == len(set(starts))
    assert sum(line.endswith("recorded logged-once") for line in lines) == 1
    assert lines == sorted(lines, key=lambda line: line.split(" ", 1)[0])


def test_status_names_functions_addresses_and_queues(board: Board) -> None:
    text = board.pocket("status", "--stage", "local", "--local").stdout
    assert "pocket-local-board-web" in text
    assert board.address in text
    assert "sqsmanagement" in text
