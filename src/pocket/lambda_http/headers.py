"""The headers of a request: values, and names, which are processed once for all requests with the same names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_LAYOUTS = 256
_layouts: dict[tuple[str, ...], Layout] = {}


class Layout:
    """The names of a request's headers in order, in lower case.

    `last` is the last index of each name, `repeats` whether a name occurs twice, `doubled` the names that occur twice
    and must not, `cookies` whether there are several Cookie headers.

    The same sequence of names gives the same layout, so that results computed from the names can be cached by layout.
    """

    __slots__ = ("cookies", "doubled", "last", "names", "repeats")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.last = {name: place for place, name in enumerate(names)}
        self.repeats = len(self.last) < len(names)
        self.doubled = [name for name in _SINGLE.intersection(names) if names.count(name) > 1] if self.repeats else []
        self.cookies = self.repeats and names.count("cookie") > 1


def layout_of(names: tuple[str, ...]) -> Layout:
    """The layout of header names as received; raises TypeError for a name that is not a string.

    Clients choose the names, so the cache is bounded: it is cleared when it is full.
    """
    layout = _layouts.get(names)
    if layout is None:
        layout = Layout(tuple(map(str.lower, names)))
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        _layouts[names] = layout
    return layout


class Headers:
    """Pairs of names and values; a value is its bytes decoded with Latin-1."""

    def __init__(self, names: tuple[str, ...], values: list[str]) -> None:
        """Keeps `values`. Raises ValueError for lone surrogates, TypeError for values that are not strings."""
        try:
            self.layout = _layouts[names]
        except KeyError:
            self.layout = layout_of(names)
        self.values = values
        # One check of the joined text is faster than one for each value.
        self._is_ascii = "".join(values).isascii()
        if not self._is_ascii:
            self.values = [latin(value) for value in values]
        if self.layout.repeats:
            self._join()

    def _join(self) -> None:
        """Makes one header of several that must not repeat."""
        for name in self.layout.doubled:
            # API Gateway's map of single headers also has the last value.
            self.replace(name, self.get(name))
        if self.layout.cookies:
            # HTTP/2 allows several Cookie headers, joined as in RFC 9113 (8.2.3).
            self.replace("cookie", "; ".join(self.all("cookie")))

    def get(self, name: str, default: str = "") -> str:
        """The last value of `name`, which is in lower case."""
        try:
            return self.values[self.layout.last[name]]
        except KeyError:
            return default

    def encoded(self) -> Iterable[bytes]:
        """The values as bytes, in order."""
        if self._is_ascii:
            return map(str.encode, self.values)
        return [value.encode("latin-1") for value in self.values]

    def all(self, name: str) -> list[str]:
        """All values of `name`, in order."""
        return [value for key, value in zip(self.layout.names, self.values, strict=True) if key == name]

    def replace(self, name: str, value: str) -> None:
        """Replaces all values of `name` by `value`, at the place of the first, or at the end."""
        names, values = [*self.layout.names], [*self.values]
        first = names.index(name) if name in names else len(names)
        while name in names:
            place = names.index(name)
            del names[place], values[place]
        names.insert(first, name)
        values.insert(first, value)
        self.layout = layout_of(tuple(names))
        self.values = values
        self._is_ascii = self._is_ascii and value.isascii()


def latin(text: str) -> str:
    """`text` as a WSGI string: its UTF-8 bytes, decoded with Latin-1.

    Raises ValueError for lone surrogates and TypeError for anything but a string.
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
