"""Reads the values of a stage's secret variables in as few calls as the services allow.

Secrets Manager: one BatchGetSecretValue for twenty secrets. SSM: one GetParameters for ten parameters. Several calls
are made in parallel.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pocket.errors import AWSCallFailed, SecretUnavailable
from pocket.runtime import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocket.manifest import Database, SecretVariable, Stage

    _Found = dict[tuple[str, str], str | SecretUnavailable]

_BATCH = {"secretsmanager": 20, "ssm": 10}
_OPERATION = {"secretsmanager": "BatchGetSecretValue", "ssm": "GetParameters"}

_FIXES = {
    "AccessDeniedException": "Deploy again, so that the function's role may read it. A secret with its own KMS key"
    " also needs kms:Decrypt.",
    "ResourceNotFoundException": "Create it, or correct its name in pocket.toml. `pocket deploy` creates generated"
    " secrets.",
    "InvalidRequestException": "It is marked for deletion: restore it (aws secretsmanager restore-secret), or use"
    " another one in pocket.toml.",
    "DecryptionFailure": "Allow kms:Decrypt on the secret's key in the function's role.",
    "InvalidParameters": "Create the parameter, or correct its name in pocket.toml.",
}


def read(stage: Stage, region: str, *, until: float | None = None) -> dict[str, str]:
    """The values of the stage's secret variables by name; makes no call without variables.

    `until` is the deadline on the monotonic clock. Raises one SecretUnavailable for all errors, whose `names` are the
    variables without a value. No frame that raises an exception has a secret in its variables, which error reports
    show.
    """
    found = _values(stage, region, time.monotonic() + aws.DEADLINE if until is None else until)
    if isinstance(found, SecretUnavailable):
        raise found
    return found


def _values(stage: Stage, region: str, until: float) -> dict[str, str] | SecretUnavailable:
    batches = [
        (service, where, ids[start : start + _BATCH[service]])
        for service in _BATCH
        for where, ids in _by_region(stage.secret_ids(service), region).items()
        for start in range(0, len(ids), _BATCH[service])
    ]
    errors: list[SecretUnavailable] = []
    texts: dict[tuple[str, str], str] = {}
    for found in _in_parallel([_reader(stage, *batch, until) for batch in batches]):
        for key, text in found.items():
            if isinstance(text, SecretUnavailable):
                errors.append(text)
            else:
                texts[key] = text
    values = {}
    for item in stage.secrets:
        if (item.service, item.secret_id) in texts:
            value = _pick(item, texts[item.service, item.secret_id])
            if stage.database is not None and item.name == stage.database.variable and isinstance(value, str):
                value = _database_url(item, value, stage.database)
            if isinstance(value, SecretUnavailable):
                errors.append(value)
            else:
                values[item.name] = value
    return _all(errors) if errors else values


def _all(errors: list[SecretUnavailable]) -> SecretUnavailable:
    first = errors[0]
    return SecretUnavailable(
        "\n".join(error.message for error in errors),
        "\n".join(dict.fromkeys(error.hint for error in errors)),
        service=first.service,
        operation=first.operation,
        code=first.code,
        names=list(dict.fromkeys(name for error in errors for name in error.names)),
    )


def _by_region(ids: Sequence[str], region: str) -> dict[str, list[str]]:
    """An ARN is read in its own region, a name in the stage's."""
    found: dict[str, list[str]] = {}
    for secret_id in ids:
        where = secret_id.split(":")[3] if secret_id.startswith("arn:") and secret_id.count(":") >= 5 else region
        found.setdefault(where, []).append(secret_id)
    return found


def _reader(stage: Stage, service: str, region: str, ids: list[str], until: float) -> Callable[[], _Found]:
    fetch = _secrets if service == "secretsmanager" else _parameters

    def run() -> _Found:
        try:
            found = fetch(stage, ids, region, until)
        except AWSCallFailed as error:
            names = _names(stage, service, ids)
            unavailable = SecretUnavailable(
                f"{error.message} (for {', '.join(ids)}; not set: {', '.join(names)})",
                error.hint,
                service=service,
                operation=error.operation,
                code=error.code,
                names=names,
            )
            return {(service, ids[0]): unavailable}
        return {(service, secret_id): text for secret_id, text in found.items()}

    return run


def _in_parallel(readers: list[Callable[[], _Found]]) -> list[_Found]:
    if len(readers) < 2:
        return [run() for run in readers]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(readers)) as pool:
        return [future.result() for future in [pool.submit(run) for run in readers]]


def _secrets(stage: Stage, ids: list[str], region: str, until: float) -> dict[str, str | SecretUnavailable]:
    entries, errors = _with_retries(ids, region, until)
    found: dict[str, str | SecretUnavailable] = {}
    for secret_id in ids:
        entry = next((entry for entry in entries if _is_entry(entry, secret_id)), None)
        if entry is None:
            error = next((error for error in errors if _same(error.get("SecretId", ""), secret_id)), {})
            code = error.get("ErrorCode") or "ResourceNotFoundException"
            found[secret_id] = _unreadable(stage, "secretsmanager", secret_id, code)
        elif isinstance(entry.get("SecretString"), str):
            found[secret_id] = entry["SecretString"]
        else:
            found[secret_id] = _unreadable(
                stage,
                "secretsmanager",
                secret_id,
                "BinarySecret",
                reason="has binary data; expected text",
                hint="Store the value as text, for example in Base64.",
            )
    return found


def _with_retries(ids: list[str], region: str, until: float) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """An entry or error for each secret; secrets for which AWS failed temporarily are read again."""
    entries: list[dict[str, Any]] = []
    attempt = 0
    while True:
        attempt += 1
        found, errors = _batch(ids, region, until)
        entries += found
        temporary = [error["SecretId"] for error in errors if error.get("ErrorCode") in aws.RETRIED_CODES]
        pause = aws.backoff(attempt)
        if len(temporary) < len(errors) or not temporary or time.monotonic() + pause >= until:
            return entries, errors
        time.sleep(pause)
        ids = temporary


def _batch(ids: list[str], region: str, until: float) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Entries and errors of all pages of the response."""
    entries: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    payload: dict[str, Any] = {"SecretIdList": ids}
    while True:
        left = until - time.monotonic()
        answer = aws.call_json("secretsmanager", "BatchGetSecretValue", payload, region=region, deadline=left)
        entries += answer.get("SecretValues") or []
        errors += answer.get("Errors") or []
        token = answer.get("NextToken")
        if not token:
            return entries, errors
        payload = {"SecretIdList": ids, "NextToken": token}


def _is_entry(entry: dict[str, Any], secret_id: str) -> bool:
    return entry.get("Name") == secret_id or _same(entry.get("ARN", ""), secret_id)


def _same(arn: str, secret_id: str) -> bool:
    """Whether both are one secret. An ARN ends with a hyphen and six random characters, which may be left out."""
    return arn == secret_id or (secret_id.startswith("arn:") and arn[:-7] == secret_id)


def _parameters(stage: Stage, ids: list[str], region: str, until: float) -> dict[str, str | SecretUnavailable]:
    payload = {"Names": ids, "WithDecryption": True}
    answer = aws.call_json("ssm", "GetParameters", payload, region=region, deadline=until - time.monotonic())
    found: dict[str, str | SecretUnavailable] = {}
    for secret_id in ids:
        for entry in answer.get("Parameters") or []:
            selector = entry.get("Selector") or ""
            if secret_id in {entry.get("Name"), entry.get("ARN"), f"{entry.get('Name')}{selector}"}:
                found[secret_id] = str(entry["Value"])
        if secret_id not in found:
            found[secret_id] = _unreadable(stage, "ssm", secret_id, "InvalidParameters")
    return found


def _pick(item: SecretVariable, text: str) -> str | SecretUnavailable:
    if item.key is None:
        return text
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    where = f"{item.service} secret {item.secret_id}"
    if not isinstance(data, dict):
        hint = f"{item.name} is its key {item.key!r}: store a JSON object."
        return _unfit(item, "NotJSON", f"{where} is not a JSON object", hint)
    value = data.get(item.key)
    if value is None:
        hint = "`pocket deploy` adds the keys of generated secrets. Add the keys of other secrets yourself."
        return _unfit(item, "MissingKey", f"{where} has no key {item.key!r}", hint)
    return value if isinstance(value, str) else json.dumps(value)


def _database_url(item: SecretVariable, text: str, database: Database) -> str | SecretUnavailable:
    url, missing = database.url_in(text)
    if not missing:
        return url
    where = f"The secret {item.secret_id} of the database has no text for {', '.join(missing)}"
    hint = "A secret that RDS manages has no host and no name: set host and name in [database]."
    return _unfit(item, "MissingKey", where, hint)


def _unfit(item: SecretVariable, code: str, reason: str, hint: str) -> SecretUnavailable:
    return SecretUnavailable(
        f"{reason}: {item.name} cannot be set.",
        hint,
        service=item.service,
        operation=_OPERATION[item.service],
        code=code,
        names=[item.name],
    )


def _unreadable(
    stage: Stage, service: str, secret_id: str, code: str, *, reason: str = "", hint: str = ""
) -> SecretUnavailable:
    names = _names(stage, service, [secret_id])
    return SecretUnavailable(
        f"{service} secret {secret_id} {reason or f'could not be read: {code}'}; not set: {', '.join(names)}.",
        hint or _FIXES.get(code, "Try again. AWS's code is above."),
        service=service,
        operation=_OPERATION[service],
        code=code,
        names=names,
    )


def _names(stage: Stage, service: str, ids: Sequence[str]) -> list[str]:
    return [item.name for item in stage.secrets if item.service == service and item.secret_id in ids]
