"""One event a format, in the shape that AWS's documentation shows; no more than its examples are they records of calls.

- HTTP API: "Create AWS Lambda proxy integrations for HTTP APIs", payload formats 2.0 and 1.0.
- Function URL: "Invoking Lambda function URLs", request payload format.
- REST API: "Lambda proxy integrations in API Gateway", input format.
- Load balancer: "Use Lambda functions as targets of an Application Load Balancer", and its multi-value headers.
"""

from __future__ import annotations

from typing import Any

_TWO: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
    "cookies": ["cookie1", "cookie2"],
    "headers": {"header1": "value1", "header2": "value1,value2"},
    "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
    "isBase64Encoded": False,
}
_HTTP = {"method": "POST", "path": "/my/path", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"}
_CONTEXT_TWO: dict[str, Any] = {
    "accountId": "123456789012",
    "http": _HTTP,
    "requestId": "id",
    "routeKey": "$default",
    "stage": "$default",
    "time": "12/Mar/2020:19:03:58 +0000",
    "timeEpoch": 1583348638390,
}
_ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/lambda-279XGJDqGZ5rsrHC2Fjr/49e9d65c45c6791a"

HTTP_API: dict[str, Any] = {
    **_TWO,
    "requestContext": {
        **_CONTEXT_TWO,
        "apiId": "api-id",
        "authentication": {"clientCert": {"subjectDN": "www.example.com", "serialNumber": "a1:a1"}},
        "authorizer": {"jwt": {"claims": {"claim1": "value1"}, "scopes": ["scope1", "scope2"]}},
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
    },
    "body": "Hello from Lambda",
    "pathParameters": {"parameter1": "value1"},
    "stageVariables": {"stageVariable1": "value1"},
}

FUNCTION_URL: dict[str, Any] = {
    **_TWO,
    "requestContext": {
        **_CONTEXT_TWO,
        "apiId": "<urlid>",
        "authentication": None,
        "authorizer": {"iam": {"accessKey": "AKIA...", "accountId": "111122223333", "cognitoIdentity": None}},
        "domainName": "<url-id>.lambda-url.us-west-2.on.aws",
        "domainPrefix": "<url-id>",
    },
    "body": "Hello from client!",
    "pathParameters": None,
    "stageVariables": None,
}

REST_API: dict[str, Any] = {
    "resource": "/{proxy+}",
    "path": "/hello/world",
    "httpMethod": "POST",
    "headers": {
        "Accept": "*/*",
        "Host": "gy415nuibc.execute-api.us-east-1.amazonaws.com",
        "X-Forwarded-Proto": "https",
    },
    "multiValueHeaders": {
        "Accept": ["*/*"],
        "Host": ["gy415nuibc.execute-api.us-east-1.amazonaws.com"],
        "X-Forwarded-For": ["52.255.255.12, 192.0.2.9"],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    },
    "queryStringParameters": {"name": "me", "multivalueName": "me"},
    "multiValueQueryStringParameters": {"name": ["me"], "multivalueName": ["you", "me"]},
    "pathParameters": {"proxy": "hello/world"},
    "stageVariables": {"stageVariableName": "stageVariableValue"},
    "requestContext": {
        "accountId": "12345678912",
        "resourceId": "roq9wj",
        "path": "/testStage/hello/world",
        "stage": "testStage",
        "domainName": "gy415nuibc.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "gy415nuibc",
        "requestId": "deef4878-7910-11e6-8f14-25afc3e9ae33",
        "protocol": "HTTP/1.1",
        "identity": {"accountId": None, "sourceIp": "192.0.2.1", "user": None, "userAgent": "PostmanRuntime/2.4.5"},
        "authorizer": {"principalId": "admin", "clientId": 1, "clientName": "Exata"},
        "resourcePath": "/{proxy+}",
        "httpMethod": "POST",
        "requestTime": "15/May/2020:06:01:09 +0000",
        "requestTimeEpoch": 1589522469693,
        "apiId": "gy415nuibc",
    },
    "body": '{\r\n\t"a": 1\r\n}',
    "isBase64Encoded": False,
}

HTTP_API_FORMAT_ONE: dict[str, Any] = {
    "version": "1.0",
    "resource": "/my/path",
    "path": "/my/path",
    "httpMethod": "GET",
    "headers": {"header1": "value1", "header2": "value2"},
    "multiValueHeaders": {"header1": ["value1"], "header2": ["value1", "value2"]},
    "queryStringParameters": {"parameter1": "value1", "parameter2": "value"},
    "multiValueQueryStringParameters": {"parameter1": ["value1", "value2"], "parameter2": ["value"]},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "id",
        "authorizer": {"claims": None, "scopes": None},
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "domainPrefix": "id",
        "extendedRequestId": "request-id",
        "httpMethod": "GET",
        "identity": {"accountId": None, "sourceIp": "192.0.2.1", "userAgent": "user-agent", "userArn": None},
        "path": "/my/path",
        "protocol": "HTTP/1.1",
        "requestId": "id=",
        "resourceId": None,
        "resourcePath": "/my/path",
        "stage": "$default",
    },
    "pathParameters": None,
    "stageVariables": None,
    "body": "SGVsbG8gZnJvbSBMYW1iZGEh",
    "isBase64Encoded": True,
}

_BALANCED: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": _ARN}},
    "httpMethod": "GET",
    "path": "/lambda",
    "body": "",
    "isBase64Encoded": False,
}
_SENT = {
    "accept": "text/html,application/xhtml+xml",
    "host": "lambda-alb-123578498.us-east-1.elb.amazonaws.com",
    "x-amzn-trace-id": "Root=1-5c536348-3d683b8b04734faae651f476",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-port": "80",
    "x-forwarded-proto": "http",
    "x-imforwards": "20",
}

LOAD_BALANCER: dict[str, Any] = {**_BALANCED, "queryStringParameters": {"query": "1234ABCD"}, "headers": _SENT}

LOAD_BALANCER_MULTI: dict[str, Any] = {
    **_BALANCED,
    "multiValueHeaders": {
        **{name: [value] for name, value in _SENT.items()},
        "cookie": ["name1=value1", "name2=value2"],
    },
    "multiValueQueryStringParameters": {"myKey": ["val1", "val2"]},
}
