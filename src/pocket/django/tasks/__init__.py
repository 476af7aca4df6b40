"""Django's Tasks on SQS: what a project imports.

`retries` sets how often a task is tried. The backends are named by `pocket.django.utils.get_tasks`.
"""

from __future__ import annotations

from pocket.django.tasks.policy import retries

__all__ = ["retries"]
