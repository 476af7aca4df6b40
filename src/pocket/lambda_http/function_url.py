"""Function URL of Lambda: payload format 2.0 with a `rawPath` that is still percent-encoded, and without stages.

Source: "Invoking Lambda function URLs" in the Lambda developer guide. The encoding, and that cookies are in both
places, from captures of live events (hotsock/voker, vokerhttp/testdata).
"""

from __future__ import annotations

from typing import Any

from pocket.lambda_http import addresses
from pocket.lambda_http.headers import latin
from pocket.lambda_http.payload_two import parse_payload_two, shape_payload_two
from pocket.lambda_http.request import Gateway, Request, decoded, reading
from pocket.lambda_http.response import LAMBDA_LIMIT

LIMIT = LAMBDA_LIMIT


@reading
def parse(event: dict[str, Any], gateway: Gateway) -> Request:
    """The request in a function URL's event; raises UnknownEvent for an invalid one."""
    raw = event["rawPath"]
    script_name, path = "", decoded(raw)
    if gateway.base_path is not None:
        script_name, path = addresses.below(path, gateway.base_path)
    return parse_payload_two(event, gateway, script_name, path, latin(raw))


shape = shape_payload_two
