"""Patterns of paths: what decides quickly decides as a look at each pattern would."""

from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from pocket.deploy.build import path_patterns

NAMES = st.from_regex(r"[ab.]{1,3}(/[ab.]{1,3}){0,2}", fullmatch=True)
PATTERNS = st.lists(st.from_regex(r"!?/?[ab.*?]{1,3}(/[ab*]{1,2})?/?", fullmatch=True), max_size=5)


def one_by_one(name: str, pattern: str, *, folder: bool) -> bool:
    bare = pattern.rstrip("/")
    subject = name if "/" in bare else name.rpartition("/")[2]
    return (folder or not pattern.endswith("/")) and fnmatchcase(subject, bare.lstrip("/"))


@given(name=NAMES, given_patterns=PATTERNS, folder=st.booleans())
def test_the_last_pattern_that_matches_decides(name: str, given_patterns: list[str], folder: bool) -> None:
    found = [each for each in given_patterns if one_by_one(name, each.removeprefix("!"), folder=folder)]
    assert path_patterns.deciding(name, given_patterns, folder=folder) == (found[-1] if found else None)
    plain = [each.removeprefix("!") for each in given_patterns]
    assert path_patterns.matches(name, plain, folder=folder) == bool(found)
