"""HTTP API of API Gateway, payload format 2.0.

`rawPath`, against its name, is percent-decoded by an HTTP API (fastify/aws-lambda-fastify 169, honojs/hono 2156, the
captures of hotsock/voker), but for `%25`, which MiniStack keeps encoded as AWS is said to. So `%2F` cannot be told
from `/` here, by anybody. A stage other than `$default` stands in front of the path, behind a custom domain too,
while the domain's own base path does not (powertools-lambda-python 621, CodeGenieApp/serverless-express 465, the
developer guide under "Payload format differences").
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
    """The request of an HTTP API's event; raises UnknownEvent for a broken one."""
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
