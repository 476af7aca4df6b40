"""HTTP requests for property tests: hypothesis strategies of `lambda_events.RequestSpec`."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from lambda_events import RequestSpec

_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
_SEGMENT = st.one_of(
    st.sampled_from(["", "a", "b c", "a/b", "a+b", "100%", "%2F", ";p=1", "é", "日本", "a;b", "..", "?", "#", "=&"]),
    _TEXT,
)
_HEADER_NAMES = ("accept", "x-one", "x-two", "user-agent", "X-Mixed", "if-none-match", "referer", "origin")
_VISIBLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@st.composite
def paths(draw: st.DrawFn, any_bytes: bool = False) -> str:
    """A percent-encoded path; with `any_bytes` also of bytes that are no UTF-8."""
    segments = draw(st.lists(_SEGMENT, max_size=4))
    path = "/" + "/".join(quote(segment, safe=draw(st.sampled_from(["", "+;=", "~!*"]))) for segment in segments)
    if any_bytes and draw(st.booleans()):
        path += quote(draw(st.binary(max_size=4)))
    return path + draw(st.sampled_from(["", "/", "//"]))


def queries() -> st.SearchStrategy[str]:
    """A percent-encoded query, with repeats and empty values."""
    names = st.one_of(st.sampled_from(["a", "b", "a[]"]), _TEXT.filter(bool))
    return st.lists(st.tuples(names, st.one_of(_TEXT, st.sampled_from(["", "1+1", "%", "a b"]))), max_size=5).map(
        urlencode
    )


@st.composite
def request_specs(draw: st.DrawFn, any_bytes: bool = False) -> RequestSpec:
    """Any request without a body that a form or an upload would need."""
    headers = draw(st.lists(st.tuples(st.sampled_from(_HEADER_NAMES), _VISIBLE), max_size=5))
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    body = draw(st.binary(max_size=64)) if method in {"POST", "PUT", "PATCH"} else b""
    cookies = draw(
        st.lists(st.tuples(st.sampled_from("abc"), st.from_regex(r"[A-Za-z0-9]{0,5}", fullmatch=True)), max_size=3)
    )
    return RequestSpec(
        method=method,
        path=draw(paths(any_bytes)),
        query=draw(queries()),
        headers=tuple(headers),
        body=body,
        host=draw(st.sampled_from(["shop.example.com", "localhost:8001", "[::1]:8000", "example.com:443"])),
        scheme=draw(st.sampled_from(["http", "https"])),
        cookies=tuple(f"{name}={value}" for name, value in cookies),
    )
