"""botocore's errors as `AWSCallFailed`, each with a hint.

No exception of botocore, boto3 or s3transfer leaves this package. For calls with secret values in their input, the
error has only AWS's code, since AWS and botocore quote rejected input in their messages.
"""

from __future__ import annotations

import json
import re
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore import exceptions as botocore
from s3transfer import exceptions as s3transfer

from pocket.errors import DOCUMENTATION, AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRANSLATED: tuple[type[Exception], ...] = (
    botocore.BotoCoreError,
    botocore.ClientError,
    botocore.UndefinedModelAttributeError,
    Boto3Error,
    s3transfer.CancelledError,
    s3transfer.InvalidSubscriberMethodError,
    s3transfer.RetriesExceededError,
    s3transfer.S3CopyFailedError,
    s3transfer.S3DownloadFailedError,
    s3transfer.S3UploadFailedError,
    s3transfer.S3ValidationError,
    s3transfer.TransferNotDoneError,
)
"""The roots of every error that a client, a paginator or a transfer raises."""

UNTRANSLATED: tuple[type[Exception], ...] = (
    AttributeError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors of the files, commands and prompts from which botocore takes credentials and endpoints."""

_SOURCE_MODULES = frozenset({"botocore.credentials", "botocore.endpoint", "botocore.tokens"})

SECRET_INPUT = frozenset({"CreateSecret", "PutParameter", "PutSecretValue", "UpdateSecret"})
"""Operations whose input holds a secret's value."""

PERMISSIONS_PAGE = f"{DOCUMENTATION}reference/deployer-permissions/"

_SIGN_IN = "Sign in again: `aws sso login`, or renew the keys in AWS_PROFILE or the AWS_* variables."
_NO_CREDENTIALS = (
    "Give credentials in one of AWS's usual ways: `aws configure sso`, AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY."
)
_PROFILE = "Check AWS_PROFILE and ~/.aws/config."
_SOURCES = (
    "Check credential_process, web_identity_token_file and endpoint_url in ~/.aws/config, and AWS_PROFILE, "
    "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ENDPOINT_URL."
)
_NO_TERMINAL = (
    "Sign in at a terminal first: `aws sso login`, or set AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN as `aws configure export-credentials` prints them."
)
_REACH = "Check the network, HTTPS_PROXY, and `general.region` in pocket.toml."
_AGAIN = "Try again; the call can be repeated."

_CLASS_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (botocore.NoCredentialsError, _NO_CREDENTIALS),
    (botocore.PartialCredentialsError, _NO_CREDENTIALS),
    (botocore.NoAuthTokenError, _NO_CREDENTIALS),
    (botocore.CredentialRetrievalError, _SIGN_IN),
    (botocore.TokenRetrievalError, _SIGN_IN),
    (botocore.SSOError, _SIGN_IN),
    (botocore.LoginError, _SIGN_IN),
    (botocore.RefreshWithMFAUnsupportedError, _SIGN_IN),
    (botocore.MetadataRetrievalError, _NO_CREDENTIALS),
    (botocore.ProfileNotFound, _PROFILE),
    (botocore.ConfigNotFound, _PROFILE),
    (botocore.ConfigParseError, _PROFILE),
    (botocore.InvalidConfigError, _PROFILE),
    (botocore.BaseEndpointResolverError, _REACH),
    (botocore.EndpointProviderError, _REACH),
    (botocore.ConnectionError, _REACH),
    (botocore.HTTPClientError, _REACH),
    (botocore.IncompleteReadError, _AGAIN),
    (botocore.ChecksumError, _AGAIN),
    (s3transfer.RetriesExceededError, _AGAIN),
    (s3transfer.CancelledError, _AGAIN),
)

_CODE_HINTS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "TokenRefreshRequired",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "UnrecognizedClientException",
            "AuthFailure",
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(
        ("SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"),
        "Check the secret access key and this machine's clock.",
    ),
    **dict.fromkeys(
        ("Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown", "RequestLimitExceeded"),
        "AWS is throttling this account; wait a minute and try again.",
    ),
    **dict.fromkeys(("InternalFailure", "InternalError", "ServiceUnavailable", "ServiceException"), _AGAIN),
    **dict.fromkeys(
        ("ResourceConflictException", "ResourceNotReadyException", "SnapStartNotReadyException"),
        "AWS is still preparing or changing it; wait some minutes and try again.",
    ),
    "OptInRequired": "Enable the service for this account in the AWS console, then try again.",
    "LimitExceededException": "Request a higher quota from AWS, or remove what you no longer need.",
}

_NO_BUCKET = (
    "If it was deleted outside Pocket, create it again under its name: `aws s3 mb s3://NAME --region REGION`. Its"
    " policy and settings are lost: CloudFormation's drift detection shows them, and `pocket destroy` and a new deploy"
    " restore them."
)

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})
_DENIED_ACTION = re.compile(r"not authorized to perform:? \[?([a-z0-9-]+:[A-Za-z*]+)")


@contextmanager
def translated(service: str, operation: str) -> Iterator[None]:
    """Translates boto3's errors in the block into AWSCallFailed; other errors pass."""
    try:
        yield
    except TRANSLATED as error:
        raise translate(error, service, operation) from None
    except UNTRANSLATED as error:
        if not _of_sources(error):
            raise
        raise translate(error, service, operation) from None


def translate(error: Exception, service: str, operation: str) -> AWSCallFailed:
    """`error` as AWSCallFailed; `service` is boto3's name (`"s3"`), `operation` the API's (`"PutObject"`)."""
    if isinstance(error, botocore.ClientError):
        return _refused(error, service, operation)
    if isinstance(error, Boto3Error) and isinstance(error.__context__, botocore.ClientError):
        # A transfer only has AWS's answer in its text.
        return _refused(error.__context__, service, error.__context__.operation_name)
    if isinstance(error, UNTRANSLATED) and not isinstance(error, TRANSLATED):
        return _unreadable(error, service, operation)
    reason = "its input was not accepted" if operation in SECRET_INPUT else _text(error)
    hint = next((hint for kind, hint in _CLASS_HINTS if isinstance(error, kind)), "")
    return _not_called(error, service, operation, reason, hint)


def _not_called(error: Exception, service: str, operation: str, reason: str, hint: str) -> AWSCallFailed:
    return AWSCallFailed(
        f"{service} {operation} could not be called: {reason}",
        hint,
        service=service,
        operation=operation,
        code=type(error).__name__,
    )


def _of_sources(error: BaseException) -> bool:
    """Whether botocore raised `error` while reading credentials or endpoints, not because of a wrong call."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__") in _SOURCE_MODULES for frame, _ in frames)


def _unreadable(error: Exception, service: str, operation: str) -> AWSCallFailed:
    """The error for credentials or an endpoint that cannot be read; a command's output is never shown."""
    hint = _SOURCES
    if isinstance(error, EOFError):
        reason, hint = "the profile needs an MFA code, but there is no terminal to enter it.", _NO_TERMINAL
    elif isinstance(error, FileNotFoundError) and error.filename is not None:
        reason = f"{error.filename}, the source of the credentials, does not exist."
    elif isinstance(error, json.JSONDecodeError) or not isinstance(error, OSError | RuntimeError | ValueError):
        reason = "credential_process did not return a JSON object with credentials."
    else:
        reason = _text(error)
        hint = _SIGN_IN if isinstance(error, RuntimeError) else _SOURCES
    return _not_called(error, service, operation, reason, hint)


def _refused(error: botocore.ClientError, service: str, operation: str) -> AWSCallFailed:
    facts = error.response.get("Error", {})
    code = str(facts.get("Code") or type(error).__name__)
    message = "" if operation in SECRET_INPUT else str(facts.get("Message") or "")
    if code in _DENIED:
        found = _DENIED_ACTION.search(str(facts.get("Message") or ""))
        action = found.group(1) if found else f"{service}:{operation}"
        hint = f"Allow {action} to the user or role that deploys. {PERMISSIONS_PAGE} lists all permissions."
        message = f"not allowed: {action}. {message}".rstrip(". ")
    elif code == "NoSuchBucket":
        hint = _NO_BUCKET
        message = " ".join(filter(None, [message, str(facts.get("BucketName") or "")]))
    else:
        hint = _CODE_HINTS.get(code, "")
    text = f"{service} {operation} was refused with {code}" + (f": {message}" if message else "")
    return AWSCallFailed(_sentence(text), hint, service=service, operation=operation, code=code)


def _text(error: Exception) -> str:
    return _sentence(" ".join(str(error).split()) or type(error).__name__)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
