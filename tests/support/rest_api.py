"""A REST API of API Gateway in front of a function, made call by call, since Pocket itself deploys none."""

from __future__ import annotations

from typing import Any


def make_rest_api(gateway: Any, name: str, function_arn: str, stage: str = "prod") -> str:
    """The id of a REST API whose `stage` sends every path and method to the function, and bodies as bytes both ways.

    `gateway` is boto3's client of `apigateway`.
    """
    api: str = gateway.create_rest_api(name=name, binaryMediaTypes=["*/*"])["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    below = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    region = gateway.meta.region_name
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    for resource in (root, below):
        where = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
        gateway.put_method(**where, authorizationType="NONE")
        gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName=stage)
    return api
