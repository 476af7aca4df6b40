"""Signals that Pocket sends."""

from __future__ import annotations

from django.dispatch import Signal

secrets_changed = Signal()
"""Sent when secrets were read again and some have new values.

`sender` is None, `names` a frozenset of the changed variables; `os.environ` has the new values.
"""
