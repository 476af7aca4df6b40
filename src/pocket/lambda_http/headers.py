"""The headers of a request: names that are worked out once for all requests that bring the same ones, and values."""

from __future__ import annotations

_MOST_LAYOUTS = 256
_layouts: dict[tuple[str, ...], Layout] = {}


class Layout:
    """The names of a request's headers in order, in lower case.

    `last` says where each stands last, `repeats` whether one stands twice, `doubled` which stand twice and must not,
    `cookies` whether the cookies came in several lines.

    The same sequence of names gives the same layout, so that what a framework makes of the names can be kept with it.
    """

    __slots__ = ("cookies", "doubled", "last", "names", "repeats")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.last = {name: place for place, name in enumerate(names)}
        self.repeats = len(self.last) < len(names)
        self.doubled = [name for name in _SINGLE.intersection(names) if names.count(name) > 1] if self.repeats else []
        self.cookies = self.repeats and names.count("cookie") > 1


def layout_of(names: tuple[str, ...]) -> Layout:
    """The layout for header names as they came; TypeError for one that is no text.

    Clients choose the names, so only so many layouts are kept; then it begins anew.
    """
    layout = _layouts.get(names)
    if layout is None:
        layout = Layout(tuple(map(str.lower, names)))
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[names] = layout
    return layout


class Headers:
    """Pairs of names and values; a value is Latin-1 text of the bytes on the wire."""

    def __init__(self, names: tuple[str, ...], values: list[str]) -> None:
        """Keeps `values`. Raises ValueError for text that no bytes stand for, TypeError for what is no text."""
        try:
            self.layout = _layouts[names]
        except KeyError:
            self.layout = layout_of(names)
        self.values = values
        # What holds for all values is found out, and done, in one step.
        self._lines = lines = "\n".join(values)
        if not lines.isascii():
            self.values = [latin(value) for value in values]
        for name in self.layout.doubled:
            # The map of headers that API Gateway builds has the last, too.
            self.replace(name, self.get(name))
        if self.layout.cookies:
            # HTTP/2 lets a client send them one by one; joined as RFC 9113 (8.2.3) wants them.
            self.replace("cookie", "; ".join(self.all("cookie")))

    def __len__(self) -> int:
        return len(self.values)

    def pairs(self) -> list[tuple[str, str]]:
        """Name and value of each, in order."""
        return list(zip(self.layout.names, self.values, strict=True))

    def get(self, name: str, default: str = "") -> str:
        """The last value under `name`, which is in lower case."""
        try:
            return self.values[self.layout.last[name]]
        except KeyError:
            return default

    def encoded(self) -> list[bytes]:
        """The values as the bytes that were on the wire, in order."""
        if self._lines.isascii():
            encoded = self._lines.encode().split(b"\n")
            # In an event that no gateway made, a value may itself have several lines.
            if len(encoded) == len(self.values):
                return encoded
        return [value.encode("latin-1") for value in self.values]

    def all(self, name: str) -> list[str]:
        """Every value under `name`, in order."""
        return [value for key, value in zip(self.layout.names, self.values, strict=True) if key == name]

    def replace(self, name: str, value: str) -> None:
        """Puts `value` in the place of all values under `name`, or at the end."""
        pairs = self.pairs()
        kept = [pair for pair in pairs if pair[0] != name]
        place = next((place for place, pair in enumerate(pairs) if pair[0] == name), len(kept))
        kept.insert(place, (name, value))
        self.layout = layout_of(tuple(key for key, _ in kept))
        self.values = [text for _, text in kept]
        self._lines = "\n".join(self.values)


def latin(text: str) -> str:
    """`text` as WSGI carries it: its UTF-8 bytes, decoded with Latin-1.

    Raises ValueError for lone surrogates and TypeError for anything but text.
    """
    if str.isascii(text):
        return text
    return text.encode("utf-8").decode("latin-1")


_SINGLE = frozenset(
    {
        "age",
        "authorization",
        "content-length",
        "content-type",
        "expires",
        "from",
        "host",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "max-forwards",
        "origin",
        "proxy-authorization",
        "referer",
        "user-agent",
        "x-forwarded-port",
        "x-forwarded-proto",
    }
)
