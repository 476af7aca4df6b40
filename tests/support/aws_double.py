"""A server on loopback that speaks the AWS protocols which the run time uses.

It is held against botocore: every request is checked against the model and its signature recomputed, and every
answer is checked against the model before it goes out. The test adds secrets, parameters and failures.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import deque
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import botocore.session
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

ACCESS_KEY, SECRET_KEY, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI+bPxRfiCYEXAMPLEKEY", "a-session-token"
REGION = "eu-west-1"
ACCOUNT = "123456789012"


@cache
def model(service: str) -> ServiceModel:
    data = botocore.session.get_session().get_component("data_loader").load_service_model(service, "service-2")
    return ServiceModel(data, service)


def hold(service: str, operation: str, data: dict[str, Any], *, answer: bool) -> None:
    """Raises AssertionError where `data` is not what the service's model says."""
    found = model(service).operation_model(operation)
    shape = found.output_shape if answer else found.input_shape
    if shape is None:
        assert not data, f"{service} {operation} has nothing to say, and said {data}"
        return
    unknown = data.keys() - shape.members.keys()
    report = ParamValidator().validate(data, shape)
    assert not unknown, f"{service} {operation} knows no {unknown}"
    assert not report.has_errors(), report.generate_report()


class AWSDouble:
    """`secrets` and `parameters` by name, `failures` for the next calls (None: a normal response), `calls`.

    `failing` has, by secret, the error codes of the answers until it is found.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, dict[str, Any]] = {}
        self.parameters: dict[str, str] = {}
        self.outputs: dict[str, str] = {}
        self.objects: dict[str, bytes] = {}
        self.denied: set[str] = set()
        self.failing: dict[str, list[str]] = {}
        self.failures: deque[tuple[int, str] | str | None] = deque()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.connections: set[Any] = set()
        """The client's addresses from which mail was sent."""
        self.problems: list[str] = []
        self.latency = 0.0
        self.page_size = 20
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def environ(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_SESSION_TOKEN": TOKEN,
        }

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]

    def put(self, name: str, value: Any) -> str:
        """Stores a secret (a dictionary as JSON, bytes as binary) and returns its ARN."""
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
        entry: dict[str, Any] = {"ARN": arn, "Name": name, "VersionId": "0" * 32, "VersionStages": ["AWSCURRENT"]}
        if isinstance(value, bytes):
            entry["SecretBinary"] = value.decode("latin-1")
        else:
            entry["SecretString"] = value if isinstance(value, str) else json.dumps(value)
        self.secrets[name] = entry
        return arn

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, service: str, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "BatchGetSecretValue":
                return self._batch(payload)
            case "GetParameters":
                return self._parameters(payload)
            case "SendMessage":
                return {"MessageId": f"message-{len(self.calls)}", "MD5OfMessageBody": "0" * 32}
            case "DeleteMessage" | "ChangeMessageVisibility":
                return {}
            case "CreateSchedule":
                return {"ScheduleArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/g/{payload['Name']}"}
            case "SendEmail":
                return {"MessageId": f"mail-{len(self.calls)}"}
        raise AssertionError(f"{service} {operation} is not spoken here")

    def _batch(self, payload: dict[str, Any]) -> dict[str, Any]:
        ids = payload["SecretIdList"]
        assert len(ids) <= 20
        start = int(payload.get("NextToken", 0))
        values, errors = [], []
        for secret_id in ids[start : start + self.page_size]:
            entry = next((item for item in self.secrets.values() if _named(item, secret_id)), None)
            if secret_id in self.denied:
                errors.append({"SecretId": secret_id, "ErrorCode": "AccessDeniedException", "Message": "not you"})
            elif self.failing.get(secret_id):
                code = self.failing[secret_id].pop()
                errors.append({"SecretId": secret_id, "ErrorCode": code, "Message": "not now"})
            elif entry is None:
                code = "ResourceNotFoundException"
                errors.append({"SecretId": secret_id, "ErrorCode": code, "Message": "can't find it"})
            elif "deleted" in entry:
                code = "InvalidRequestException"
                errors.append({"SecretId": secret_id, "ErrorCode": code, "Message": "marked for deletion"})
            else:
                values.append(entry)
        answer: dict[str, Any] = {"SecretValues": values, "Errors": errors}
        if start + self.page_size < len(ids):
            answer["NextToken"] = str(start + self.page_size)
        return answer

    def _parameters(self, payload: dict[str, Any]) -> dict[str, Any]:
        assert len(payload["Names"]) <= 10
        assert payload["WithDecryption"] is True
        found, invalid = [], []
        for name in payload["Names"]:
            plain = name.split(":parameter", 1)[-1]
            if plain in self.parameters:
                arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{plain}"
                value = self.parameters[plain]
                found.append({"Name": plain, "ARN": arn, "Type": "SecureString", "Value": value, "Version": 1})
            else:
                invalid.append(name)
        return {"Parameters": found, **({"InvalidParameters": invalid} if invalid else {})}


def _named(entry: dict[str, Any], secret_id: str) -> bool:
    return secret_id in {entry["Name"], entry["ARN"], entry["ARN"][:-7]}


SIGNED_AS = {"sesv2": "ses"}


def _mail(double: AWSDouble, path: str, body: bytes, client: Any) -> tuple[str, str, dict[str, Any]]:
    assert model("sesv2").operation_model("SendEmail").http["requestUri"] == path
    payload = json.loads(body)
    hold("sesv2", "SendEmail", payload, answer=False)
    double.connections.add(client)
    return "sesv2", "SendEmail", payload


def _query(body: bytes) -> tuple[str, str, dict[str, Any]]:
    fields = {key: values[0] for key, values in parse_qs(body.decode()).items()}
    assert fields.pop("Version") == model("cloudformation").api_version
    operation = fields.pop("Action")
    hold("cloudformation", operation, fields, answer=False)
    return "cloudformation", operation, fields


def _handler(double: AWSDouble) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, over its double
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.object()

        def do_GET(self) -> None:
            self.object()

        def do_DELETE(self) -> None:
            self.object()

        def object(self) -> None:
            """An object of S3, at `/BUCKET/KEY`."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                assert self.headers["X-Amz-Content-Sha256"] == hashlib.sha256(body).hexdigest()
                self.check_signature("s3", body)
                operation = {"PUT": "PutObject", "GET": "GetObject", "DELETE": "DeleteObject"}[self.command]
                _, bucket, key = self.path.split("/", 2)
                double.calls.append((operation, {"Bucket": bucket, "Key": key}))
                if self.command == "PUT":
                    double.objects[self.path] = body
                if self.command == "GET" and self.path not in double.objects:
                    self.reply(404, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>", "text/xml")
                    return
                found = double.objects[self.path] if self.command == "GET" else b""
                if self.command == "DELETE":
                    double.objects.pop(self.path, None)
                self.reply(204 if self.command == "DELETE" else 200, found)
            except Exception as problem:  # noqa: BLE001 - shown when the test ends
                double.problems.append(repr(problem))
                self.reply(400, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(double.latency)
            try:
                service, operation, payload = self.read(body)
                self.check_signature(SIGNED_AS.get(service, service), body)
                double.calls.append((operation, payload))
                failure = double.failures.popleft() if double.failures else None
                if failure == "reset":
                    self.close_connection = True
                elif isinstance(failure, str):
                    self.reply(200, failure.encode())
                elif failure is not None:
                    self.reply(failure[0], json.dumps({"__type": f"com.amazon#{failure[1]}", "message": "no"}).encode())
                elif service == "cloudformation":
                    self.reply(200, _describe_stacks(payload["StackName"], double.outputs), "text/xml")
                else:
                    answer = double.answer(service, operation, payload)
                    hold(service, operation, answer, answer=True)
                    self.reply(200, json.dumps(answer).encode())
            except Exception as problem:  # noqa: BLE001 - shown when the test ends
                double.problems.append(repr(problem))
                self.reply(400, json.dumps({"__type": "ValidationException", "message": repr(problem)}).encode())

        def read(self, body: bytes) -> tuple[str, str, dict[str, Any]]:
            target = self.headers.get("X-Amz-Target")
            if self.path.startswith("/schedules/"):
                payload = {"Name": self.path.rpartition("/")[2], **json.loads(body)}
                hold("scheduler", "CreateSchedule", payload, answer=False)
                return "scheduler", "CreateSchedule", payload
            if target is None:
                return _query(body) if self.path == "/" else _mail(double, self.path, body, self.client_address)
            prefix, _, operation = target.partition(".")
            service = {"secretsmanager": "secretsmanager", "AmazonSSM": "ssm", "AmazonSQS": "sqs"}[prefix]
            version = model(service).metadata["jsonVersion"]
            assert model(service).metadata["targetPrefix"] == prefix
            assert self.headers["Content-Type"] == f"application/x-amz-json-{version}"
            payload = json.loads(body)
            hold(service, operation, payload, answer=False)
            return service, operation, payload

        def check_signature(self, service: str, body: bytes) -> None:
            given = self.headers["Authorization"]
            signed = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
            headers = {name: self.headers[name] for name in signed}
            region = given.split("/")[2]
            request = AWSRequest(self.command, f"{double.url}{self.path}", headers=headers, data=body)
            request.context["timestamp"] = self.headers["X-Amz-Date"]
            signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(
                Credentials(ACCESS_KEY, SECRET_KEY, TOKEN), service, region
            )
            expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
            assert given.endswith(f"Signature={expected}"), "the signature is wrong"

        def reply(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            with suppress(ConnectionError):  # whoever asked did not wait
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: pytest shows what failed."""

    return Handler


def _describe_stacks(name: str, outputs: dict[str, str]) -> bytes:
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in outputs.items()
    )
    return (
        '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>'
        f"<Stacks><member><StackName>{name}</StackName><Outputs>{members}</Outputs>"
        "<Tags><member><Key>a</Key><Value>b</Value></member></Tags></member></Stacks>"
        "</DescribeStacksResult></DescribeStacksResponse>"
    ).encode()
