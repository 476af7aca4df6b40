"""Removes the stage's secrets from a text."""

from __future__ import annotations


def without_secrets(text: str) -> str:
    """`text` with the variable's name in place of each secret that `set_envs()` set."""
    from pocket.django import runtime
    from pocket.django.configuration import source
    from pocket.runtime.redaction import redacted

    known = runtime.registered(source.stage_name())
    return redacted(text, known.secrets) if known else text
