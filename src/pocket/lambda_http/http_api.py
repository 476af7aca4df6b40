"""HTTP API of API Gateway, payload format 2.0.

Despite its name, an HTTP API percent-decodes `rawPath` (fastify/aws-lambda-fastify 169, honojs/hono 2156, captures of
hotsock/voker), except `%25`, which MiniStack, following reports about AWS, keeps encoded. So `%2F` and `/` cannot be
distinguished. The path begins with a stage other than `$default`, also behind a custom domain, but not with the
domain's base path (powertools-lambda-python 621, CodeGenieApp/serverless-express 465, "Payload format differences" in
the developer guide).
"""

from __future__ import annotations

from typing import Any

from pocket.lambda_http import addresses
from pocket.lambda_http.payload_two import parse_payload_two, shape_payload_two
from pocket.lambda_http.request import Gateway, Request, reading, rooted
from pocket.lambda_http.response import LAMBDA_LIMIT

LIMIT = LAMBDA_LIMIT


@reading
def parse(event: dict[str, Any], gateway: Gateway) -> Request:
    """The request in an HTTP API's event; raises UnknownEvent for an invalid one."""
    path = rooted(event["rawPath"].replace("%25", "%"))
    context = event["requestContext"]
    stage = context.get("stage", "$default")
    script_name = ""
    if stage != "$default":
        rest = addresses.strip_prefix(path, f"/{stage}")
        if rest is not None:
            path = rest
            if ".execute-api." in context.get("domainName", ""):
                script_name = f"/{stage}"
    if gateway.base_path is not None:
        script_name, path = addresses.below(path, gateway.base_path)
    return parse_payload_two(event, gateway, script_name, path, None)


shape = shape_payload_two
