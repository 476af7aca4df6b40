"""Signals that Pocket sends."""

from __future__ import annotations

from django.dispatch import Signal

secrets_changed = Signal()
"""Secrets were read again and some have new values, which the environment holds by now.

`sender` is None, `names` a frozenset of the variables that changed; the values are in `os.environ`.
"""
