"""Services that Django reaches by its settings: mail and tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import django
from django import conf
from django.conf import settings
from django.core.checks import Warning as CheckWarning

from pocket.django.checks import deployment, source_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

_IMMEDIATE = ".immediate.ImmediateBackend"
_USES_TASKS = re.compile(r"^\s*(?:from|import)\s+django\.tasks\b", re.MULTILINE)


def mail(**_: Any) -> Iterator[CheckMessage]:
    """Mail settings that this Django does not read, or is about to remove."""
    if deployment.current() is None:
        return
    deprecated: frozenset[str] | set[str] = getattr(conf, "DEPRECATED_EMAIL_SETTINGS", frozenset())
    names, hint = ["MAILERS"], "Set EMAIL_BACKEND, EMAIL_HOST and so on instead"
    what = "does not read"
    if deprecated or not hasattr(conf.global_settings, "EMAIL_HOST"):
        names, hint = sorted(deprecated or _REMOVED), "Define MAILERS instead"
        what = "is about to remove" if deprecated else "does not read"
    for name in (name for name in names if _chosen(name)):
        yield CheckWarning(
            f"Mail is set up by {name}, which Django {django.get_version()} {what}. Without it, mail goes to"
            " localhost, where a function has no mail server.",
            hint=f"{hint}, in the settings module or in [awscontainer.django.settings].",
            obj=name,
            id="pocket.W050",
        )


_REMOVED = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_HOST_PASSWORD", "EMAIL_HOST_USER", "EMAIL_PORT", "EMAIL_USE_TLS")


def _chosen(name: str) -> bool:
    """Whether the project sets it; reading a deprecated setting would warn."""
    holder: Any = settings
    return bool(holder.is_overridden(name))


def tasks(**_: Any) -> Iterator[CheckMessage]:
    """Tasks that run within the request that enqueues them."""
    if deployment.current() is None:
        return
    chosen = _chosen("TASKS")
    for alias, entry in getattr(settings, "TASKS", {}).items():
        if entry.get("BACKEND", "").endswith(_IMMEDIATE) and (chosen or source_tree.mentions(_USES_TASKS)):
            yield CheckWarning(
                f"Tasks of {alias!r} run immediately, within the request that enqueues them and its timeout.",
                hint="Use a backend whose tasks run in a function of their own, or send a management command to a"
                " queue with pocket_call_command().",
                obj=f"TASKS[{alias!r}]",
                id="pocket.W051",
            )
