"""The events that AWS's own `sam local generate-event` makes, from the templates in the wheel of aws-sam-cli."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import runtime_emulator

_FOLDER = Path("samcli", "lib", "generated_sample_events")


def sample(service: str, event: str) -> dict[str, Any]:
    """The event with the values that the tool gives by default; EmulatorUnavailable where the wheel is not at hand."""
    runtime_emulator.program()
    folder = runtime_emulator.CACHE / _FOLDER
    known = json.loads((folder / "event-mapping.json").read_text())[service][event]
    text = (folder / "events" / service / f"{known['filename']}.json").read_text()
    for tag, properties in known["tags"].items():
        value = properties["default"]
        if properties.get("encoding") == "base64":
            value = b64encode(value.encode()).decode()
        place = f"{{{{{{{tag.replace('-', '_')}}}}}}}"
        if properties.get("type") == "dict":
            text = text.replace(f'"{place}"', value)
        text = text.replace(place, value)
    made: dict[str, Any] = json.loads(text)
    return made
