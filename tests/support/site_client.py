"""A visitor of a Django site: keeps cookies, sends the CSRF token of the form it saw, follows redirects."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from http.client import HTTPMessage
from http.cookiejar import CookieJar


@dataclass
class Page:
    """What came back after the last redirect."""

    status: int
    url: str
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class SiteClient:
    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        # As browsers do: a REST API gives bytes only to clients that say that they take them.
        self._opener.addheaders = [("Accept", "text/html,*/*;q=0.8")]

    def get(self, path: str) -> Page:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.address, path)))

    def submit(
        self, path: str, fields: dict[str, str], files: dict[str, tuple[str, str, bytes]] | None = None, to: str = ""
    ) -> Page:
        """Opens the form at `path` and posts it, filled, back or `to`; `files` maps fields to name, type, content."""
        form = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
        assert token is not None, f"no CSRF token on {form.url}"
        boundary = uuid.uuid4().hex
        parts = [
            f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
            for name, value in {"csrfmiddlewaretoken": token[1], **fields}.items()
        ]
        for field, (name, kind, content) in (files or {}).items():
            head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
            parts.append(head.encode() + content)
        body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
        request = urllib.request.Request(to or form.url, body + b"--%s--\r\n" % boundary.encode())
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        request.add_header("Origin", self.address)
        request.add_header("Referer", form.url)
        return self._open(request)

    def post(self, path: str, fields: dict[str, str]) -> Page:
        """Posts `fields` as they are, without a token."""
        data = urllib.parse.urlencode(fields).encode()
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.address, path), data))

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.url, answer.headers, answer.read())


def image_address(page: Page) -> str:
    """The address of the first image of the page's content that is not one of the site's static files."""
    for source in re.findall(r'<img[^>]+src="([^"]+)"', page.text):
        address = urllib.parse.urljoin(page.url, html.unescape(source))
        if "/static/" not in urllib.parse.urlsplit(address).path:
            return address
    raise AssertionError(f"no image on {page.url}")
