"""Asynchronous invocations as Lambda makes them, whichever service they are from.

MiniStack ignores the configuration of an alias, and calls functions for SNS, EventBridge and schedules only once.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from pocket.local.launcher.emulator import module

if TYPE_CHECKING:
    from collections.abc import Callable

    Record = dict[str, Any]

logger = logging.getLogger("pocket.local")


def install() -> None:
    """Replace what calls functions asynchronously."""
    functions = module("services.lambda_svc")
    invoke = functions.invoke_async_with_retry

    def invoke_configured(function: Record, event: Any) -> None:
        invoke(configured(function, functions._functions), event)

    def deliver(arn: str, event: Any) -> None:
        function, config, name = functions._get_func_record_for_ref(arn)
        if not function or not config:
            logger.warning("An event for function %s is lost: there is no function %s", name, arn)
            return
        record = functions._execution_record_for_config(function, {**config, "FunctionArn": arn})
        invoke_configured(record, event)

    functions.invoke_async_with_retry = invoke_configured
    module("services.s3")._deliver_event_to_lambda = lambda arn, event, _region: deliver(arn, event)
    module("services.eventbridge")._dispatch_to_lambda = lambda arn, text: deliver(arn, decoded(text))
    module("services.sns")._deliver_to_lambda = notifier(deliver)


def configured(function: Record, functions: Any) -> Record:
    """A function's record with the configuration of asynchronous invocations of the qualifier in its ARN."""
    config = function.get("config") or function
    _, qualifier = split(config["FunctionArn"])
    known = (functions.get(config["FunctionName"]) or {}).get("event_invoke_configs") or {}
    return {**function, "event_invoke_config": known.get(qualifier), "event_invoke_configs": {}}


def split(arn: str) -> tuple[str, str]:
    """A function's ARN without qualifier, and the qualifier; "" where there is none."""
    parts = arn.split(":")
    return ":".join(parts[:7]), ":".join(parts[7:])


def decoded(text: Any) -> Any:
    """The event that a target's text is; a text that is not JSON is a string."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def notifier(deliver: Callable[[str, Any], None]) -> Callable[..., None]:
    """What delivers a notification of SNS to a function."""

    def notify(endpoint: str, envelope: str, _topic: str, subscription: str, *_details: Any) -> None:
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        deliver(endpoint, {"Records": [record]})

    return notify
