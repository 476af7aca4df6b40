"""The HTTP fronts of a handler: an HTTP API with one route for everything, or a function URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.template.inputs import access_log_name, log_retention
from pocket.deploy.template.intrinsics import arn, ref

if TYPE_CHECKING:
    from pocket.config.tables.handlers import ApiGateway
    from pocket.deploy.template.inputs import Inputs
    from pocket.deploy.template.intrinsics import Resource

LOGGED = {
    "requestId": "requestId",
    "time": "requestTime",
    "ip": "identity.sourceIp",
    "userAgent": "identity.userAgent",
    "method": "httpMethod",
    "path": "path",
    "protocol": "protocol",
    "status": "status",
    "responseLength": "responseLength",
    "responseLatency": "responseLatency",
    "integrationStatus": "integrationStatus",
    "error": "integrationErrorMessage",
}
"""The keys of a line of the access log and API Gateway's names for their values. Query strings may hold secrets:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html"""


def http_api(inputs: Inputs, handler: str, declared: ApiGateway) -> dict[str, Resource]:
    """An HTTP API whose every request goes to the handler's alias, in payload format 2.0."""
    api, integration = naming.logical_id(handler, "Api"), naming.logical_id(handler, "ApiIntegration")
    alias = ref(naming.logical_id(handler, "Alias"))
    return {
        api: {
            "Type": "AWS::ApiGatewayV2::Api",
            "Properties": {
                "Name": inputs.config.resource_name(handler),
                "ProtocolType": "HTTP",
                **({} if declared.default_endpoint else {"DisableExecuteApiEndpoint": True}),
            },
        },
        integration: {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": ref(api),
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": alias,
                "PayloadFormatVersion": "2.0",
            },
        },
        naming.logical_id(handler, "ApiRoute"): {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {
                "ApiId": ref(api),
                "RouteKey": "$default",
                "Target": {"Fn::Sub": f"integrations/${{{integration}}}"},
            },
        },
        **_stage(inputs, handler, declared),
        naming.logical_id(handler, "ApiPermission"): {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": alias,
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": arn("execute-api", f"${{{api}}}/*"),
            },
        },
    }


def _stage(inputs: Inputs, handler: str, declared: ApiGateway) -> dict[str, Resource]:
    """The API's stage, with the log group of its access log, if it has one."""
    stage: Resource = {
        "Type": "AWS::ApiGatewayV2::Stage",
        "Properties": {"ApiId": ref(naming.logical_id(handler, "Api")), "StageName": "$default", "AutoDeploy": True},
    }
    found = {naming.logical_id(handler, "ApiStage"): stage}
    if declared.throttling is not None:
        stage["Properties"]["DefaultRouteSettings"] = {
            "ThrottlingRateLimit": declared.throttling.rate_limit,
            "ThrottlingBurstLimit": declared.throttling.burst_limit,
        }
    if declared.access_log:
        logs, name = naming.logical_id(handler, "ApiLogs"), access_log_name(inputs.config, handler)
        found[logs] = {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": name, "RetentionInDays": log_retention(inputs, handler)},
        }
        # The group's own ARN ends with a star, which API Gateway does not accept.
        stage["Properties"]["AccessLogSettings"] = {
            "DestinationArn": arn("logs", f"log-group:{name}"),
            "Format": json.dumps({key: f"$context.{value}" for key, value in LOGGED.items()}),
        }
        stage["DependsOn"] = logs
    return found


def function_url(handler: str) -> dict[str, Resource]:
    """A URL of the handler's alias, open to all.

    Since October 2025 a caller needs both permissions:
    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    alias_id = naming.logical_id(handler, "Alias")
    return {
        naming.logical_id(handler, "Url"): {
            "Type": "AWS::Lambda::Url",
            "Properties": {
                "TargetFunctionArn": ref(naming.logical_id(handler, "Function")),
                "Qualifier": naming.ALIAS,
                "AuthType": "NONE",
            },
            "DependsOn": alias_id,
        },
        naming.logical_id(handler, "UrlPermission"): _open_to_all(
            alias_id, "lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
        ),
        naming.logical_id(handler, "UrlInvokePermission"): _open_to_all(
            alias_id, "lambda:InvokeFunction", InvokedViaFunctionUrl=True
        ),
    }


def _open_to_all(alias_id: str, action: str, **only: Any) -> Resource:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"FunctionName": ref(alias_id), "Action": action, "Principal": "*", **only},
    }
