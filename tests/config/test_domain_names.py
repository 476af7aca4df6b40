"""Domains in the file: which are accepted, and what the hint makes of the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocket.config.domain_names import LONGEST, issue_with_domain

labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
tops = st.from_regex(r"[a-z]{2,6}", fullmatch=True)


@given(st.lists(labels, min_size=1, max_size=4), tops)
def test_names_of_hosts_are_domains(parts: list[str], top: str) -> None:
    name = ".".join([*parts, top])
    assert (issue_with_domain(name) == ("", "")) == (len(name) <= LONGEST)


@given(
    st.lists(labels, min_size=1, max_size=3),
    tops,
    st.sampled_from(["https://{}", "{}:443", "{}/", "{}.", "HTTP://{}/x"]),
)
def test_the_name_in_an_address_is_proposed(parts: list[str], top: str, form: str) -> None:
    name = ".".join([*parts, top])
    assert issue_with_domain(form.format(name))[1] == f'Did you mean "{name}"?'


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("API.Example.com", 'Did you mean "api.example.com"?'),
        ("my_api.example.com", "Host names have no underscores; use hyphens."),
        ("*.example.com", "Name each host: wildcards are not supported."),
        ("bücher.example", 'Did you mean "xn--bcher-kva.example"?'),
        ("localhost", "Only the name: no scheme, port or path."),
        ("10.0.0.1", "Only the name: no scheme, port or path."),
        ("", "Only the name: no scheme, port or path."),
    ],
)
def test_a_hint_says_what_to_write(text: str, hint: str) -> None:
    assert issue_with_domain(text)[1] == hint
