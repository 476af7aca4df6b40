"""Mail that functions send: it is kept as it was sent, and no identity needs to be verified here."""

from __future__ import annotations

import json
from typing import Any

from pocket.local.launcher.emulator import module

SENDING = "/v2/email/outbound-emails"
RAW = "Raw"
"""The key of a kept mail with its MIME message, in base64; MiniStack keeps the text alone."""


def install() -> None:
    """Keep complete messages, and take them from and for any address."""
    services = module("services.ses"), module("services.ses_v2")
    handle = services[1].handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, parameters: Any) -> Any:
        answer = await handle(method, path, headers, body, parameters)
        if method == "POST" and path.rstrip("/") == SENDING and answer[0] == 200:
            identity = json.loads(answer[2])["MessageId"]
            content = json.loads(body)["Content"]
            for record in reversed(services[0]._sent_emails_list()):
                if record["MessageId"] == identity:
                    record[RAW] = content.get(RAW, {}).get("Data", "")
                    break
        return answer

    for service in services:
        service._message_rejection = lambda *_: None
    services[1].handle_request = handle_request


def kept() -> list[dict[str, Any]]:
    """Every mail of the account, oldest first."""
    known = module("services.ses")._sent_emails.to_dict()
    found = [record for key, records in known.items() if key[-1] == "entries" for record in records]
    return sorted(found, key=lambda record: float(record["Timestamp"]))
