"""One signed call to AWS with the standard library's HTTP client, with retries inside a deadline.

Supports JSON (Secrets Manager, SSM, SQS), requests of the query protocol (CloudFormation) and plain HTTP (S3,
EventBridge Scheduler). Every failure raises AWSCallFailed.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from pocket.errors import AWSCallFailed
from pocket.runtime import credentials, endpoints, sigv4, tls

DEADLINE = 5.0
"""Seconds that a start may wait for AWS, for all calls with their retries; INIT as a whole has ten."""

ATTEMPT = 2.5
"""Seconds that one attempt may wait for the network."""

_TARGETS = {
    "secretsmanager": ("secretsmanager", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
    "sqs": ("AmazonSQS", "1.0"),
}
"""The prefix of `X-Amz-Target` and the JSON version, from the services' models."""

RETRIED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class Channel:
    """How requests reach a service: its name in signatures, seconds of an attempt, and a connection.

    With `keep`, the connection stays open from one call to the next, until `close()`.
    """

    def __init__(self, signing_name: str = "", attempt: float = ATTEMPT, *, keep: bool = False) -> None:
        self.signing_name = signing_name
        self.attempt = attempt
        self.keep = keep
        self.connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


_ONCE = Channel()


def call_json(
    service: str, operation: str, payload: dict[str, Any], *, region: str, deadline: float = DEADLINE
) -> dict[str, Any]:
    """The response of a JSON service to `operation`; raises AWSCallFailed after `deadline` seconds of retries."""
    prefix, version = _TARGETS[service]
    headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": f"{prefix}.{operation}"}
    body = json.dumps(payload).encode()
    return checked(service, operation, _call(service, operation, headers, body, region=region, deadline=deadline))


def checked(service: str, operation: str, answer: bytes) -> dict[str, Any]:
    """The JSON object that `answer` is; raises AWSCallFailed, which does not show it, for anything else."""
    result = _object(answer)
    if result is None:
        # The response may contain secrets: it is not shown, not chained, and not a variable of the frame that raises.
        raise AWSCallFailed(
            f"{service} {operation}: expected a JSON object, got another response.",
            "Check the endpoint in AWS_ENDPOINT_URL, or try again.",
            service=service,
            operation=operation,
            code="UnreadableAnswer",
        )
    return result


def _object(answer: bytes) -> dict[str, Any] | None:
    try:
        result = json.loads(answer)
    except ValueError:
        return None
    return result if isinstance(result, dict) else None


def call_query(
    service: str, operation: str, version: str, parameters: dict[str, str], *, region: str, deadline: float = DEADLINE
) -> bytes:
    """The XML response of a query service to `operation`; raises AWSCallFailed after `deadline` seconds of retries."""
    body = urlencode({"Action": operation, "Version": version, **parameters}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    return _call(service, operation, headers, body, region=region, deadline=deadline)


def call_rest(
    service: str,
    operation: str,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    region: str,
    kind: str = "application/json",
    deadline: float = DEADLINE,
    channel: Channel | None = None,
) -> bytes:
    """The response of a REST service to `method` at `path`, in which only letters, digits and `/-_.~` are allowed.

    `operation` names the call in errors; a `channel` may keep its connection for the next call. Raises AWSCallFailed
    after `deadline` seconds of retries.
    """
    headers = {"Content-Type": kind, "X-Amz-Content-Sha256": hashlib.sha256(body).hexdigest()}
    return _call(
        service, operation, headers, body, region=region, deadline=deadline, method=method, path=path, channel=channel
    )


def _call(
    service: str,
    operation: str,
    headers: dict[str, str],
    body: bytes,
    *,
    region: str,
    deadline: float,
    method: str = "POST",
    path: str = "/",
    channel: Channel | None = None,
) -> bytes:
    end = time.monotonic() + deadline
    attempt = 0
    code = reason = ""
    while True:
        attempt += 1
        try:
            left = end - time.monotonic()
            status, kind, answer = _exchange(
                service, region, headers, body, left, method=method, place=path, channel=channel or _ONCE
            )
        except (OSError, http.client.HTTPException) as error:
            # The response to an earlier attempt is more useful than the timeout of the last.
            code, reason = (code, reason) if code else ("NoAnswer", f"{type(error).__name__}: {error}")
            again = not isinstance(error, ssl.SSLCertVerificationError)
        else:
            if status < 300:
                return answer
            code, reason = _error_in(kind, answer)
            again = status >= 500 or status == 429 or code in RETRIED_CODES
        pause = backoff(attempt)
        if not again or time.monotonic() + pause >= end:
            raise AWSCallFailed(
                f"{service} {operation} failed: {code}: {reason}",
                _hint(service, operation, code),
                service=service,
                operation=operation,
                code=code,
            )
        time.sleep(pause)


def backoff(attempt: int) -> float:
    """Seconds to wait after the attempt of this number, which counts from one.

    Full jitter, so that functions that start together do not retry together.
    """
    return random.uniform(0, min(1.0, 0.05 * 2**attempt))  # noqa: S311


def _exchange(
    service: str,
    region: str,
    headers: dict[str, str],
    body: bytes,
    remaining: float,
    *,
    method: str,
    place: str,
    channel: Channel,
) -> tuple[int, str, bytes]:
    """Status, error type header and body of one attempt; raises OSError or HTTPException."""
    address = urlsplit(endpoints.endpoint(service, region))
    path = address.path.rstrip("/") + place
    signed = sigv4.signed_headers(
        {"Host": address.netloc, **headers},
        body,
        service=channel.signing_name or service,
        region=region,
        credentials=credentials.current(),
        now=time.time(),
        method=method,
        path=path,
    )
    if channel.connection is not None:
        try:
            return _send(channel.connection, method, path, signed, body, channel=channel)
        except (OSError, http.client.HTTPException):
            # The service has closed it in the meantime.
            channel.close()
    timeout = max(0.05, min(channel.attempt, remaining))
    if address.scheme == "http":
        return _send(_Connection(address.netloc, timeout=timeout), method, path, signed, body, channel=channel)
    try:
        quick = _SecureConnection(address.netloc, timeout=timeout, context=tls.quick_context())
        return _send(quick, method, path, signed, body, channel=channel)
    except ssl.SSLCertVerificationError:
        # A proxy or endpoint with another root certificate: verified against the whole bundle.
        full = _SecureConnection(address.netloc, timeout=timeout, context=tls.full_context())
        return _send(full, method, path, signed, body, channel=channel)


class _Connection(http.client.HTTPConnection):
    """Connects to the host as bytes: for a string, socket imports the IDNA codec, which takes 2 ms of a start."""

    def connect(self) -> None:
        address: Any = self.host.encode("ascii"), self.port
        self.sock = socket.create_connection(address, self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _SecureConnection(_Connection):
    """The same over TLS; the context verifies the certificate and the host's name."""

    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, *, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(host, timeout=timeout)
        self.context = context

    def connect(self) -> None:
        super().connect()
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host.encode("ascii"))


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    *,
    channel: Channel,
) -> tuple[int, str, bytes]:
    """One request over `connection`, which is closed afterwards unless the channel keeps it."""
    stays = False
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        found = response.status, response.getheader("x-amzn-errortype") or "", response.read()
        stays = channel.keep and not response.will_close
        return found
    finally:
        if channel.keep:
            channel.connection = connection if stays else None
        if not stays:
            connection.close()


def _error_in(kind: str, answer: bytes) -> tuple[str, str]:
    """AWS's error code and message, from a JSON or an XML response."""
    text = answer.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return kind or _between(text, "Code") or "UnknownError", _between(text, "Message") or "no reason given"
    code = str(kind or data.get("__type") or data.get("code") or "UnknownError")
    reason = data.get("message") or data.get("Message") or "no reason given"
    return code.partition(":")[0].rpartition("#")[2], str(reason)


def _between(text: str, tag: str) -> str:
    return text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]


def _hint(service: str, operation: str, code: str) -> str:
    if code in {"AccessDeniedException", "AccessDenied", "AccessDeniedFault", "UnauthorizedOperation"}:
        return f"Allow {service}:{operation} in the function's role."
    if code in {"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"}:
        return "The credentials are invalid or have expired; invoke the function again."
    if code in {"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired"}:
        return "The clock or the secret key is wrong, or a proxy changes the request."
    if code == "NoAnswer":
        return (
            f"The function cannot reach {service}. In a VPC it needs a NAT gateway or a VPC endpoint for {service},"
            " and a security group that allows outbound traffic on port 443."
        )
    return "Try again. AWS's reason is above."
