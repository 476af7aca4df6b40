"""The values of a stage's secret variables, read in as few calls as the services allow.

Secrets Manager: one BatchGetSecretValue for twenty secrets; SSM: one GetParameters for ten parameters. More than that
go out in parallel.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from pocket.errors import AWSCallFailed, SecretUnavailable
from pocket.runtime import aws

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pocket.manifest import SecretVariable, Stage

_BATCH = {"secretsmanager": 20, "ssm": 10}
_OPERATION = {"secretsmanager": "BatchGetSecretValue", "ssm": "GetParameters"}

_FIXES = {
    "AccessDeniedException": "Deploy again, so that the function's role may read it; a secret with its own KMS key"
    " also needs kms:Decrypt.",
    "ResourceNotFoundException": "Create it, or correct its name in pocket.toml; `pocket deploy` creates the generated"
    " ones.",
    "InvalidRequestException": "It is marked for deletion: restore it (aws secretsmanager restore-secret), or name"
    " another one in pocket.toml.",
    "DecryptionFailure": "Allow kms:Decrypt on the secret's key in the function's role.",
    "InvalidParameters": "Create the parameter, or correct its name in pocket.toml.",
}


def read(stage: Stage, region: str) -> dict[str, str]:
    """The value of each of the stage's secret variables; makes no call where there are none.

    Raises SecretUnavailable, whose `names` are the variables that could not be had, for the first fault found.
    """
    batches = [
        (service, where, ids[start : start + _BATCH[service]])
        for service in _BATCH
        for where, ids in _by_region(stage.secret_ids(service), region).items()
        for start in range(0, len(ids), _BATCH[service])
    ]
    texts: dict[tuple[str, str], str] = {}
    for service, found in _in_parallel([_reader(stage, *batch) for batch in batches]):
        texts.update({(service, secret_id): text for secret_id, text in found.items()})
    return {item.name: _pick(item, texts[item.service, item.secret_id]) for item in stage.secrets}


def _by_region(ids: Sequence[str], region: str) -> dict[str, list[str]]:
    """An ARN is read in its own region, a name in the stage's."""
    found: dict[str, list[str]] = {}
    for secret_id in ids:
        where = secret_id.split(":")[3] if secret_id.startswith("arn:") and secret_id.count(":") >= 5 else region
        found.setdefault(where, []).append(secret_id)
    return found


def _reader(stage: Stage, service: str, region: str, ids: list[str]) -> Callable[[], tuple[str, dict[str, str]]]:
    fetch = _secrets if service == "secretsmanager" else _parameters

    def run() -> tuple[str, dict[str, str]]:
        try:
            return service, fetch(stage, ids, region)
        except SecretUnavailable:
            raise
        except AWSCallFailed as error:
            names = _names(stage, service, ids)
            raise SecretUnavailable(
                f"{error.message} (for {', '.join(ids)}; not set: {', '.join(names)})",
                error.hint,
                service=service,
                operation=error.operation,
                code=error.code,
                names=names,
            ) from error

    return run


def _in_parallel(
    readers: list[Callable[[], tuple[str, dict[str, str]]]],
) -> list[tuple[str, dict[str, str]]]:
    if len(readers) < 2:
        return [run() for run in readers]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(readers)) as pool:
        return [future.result() for future in [pool.submit(run) for run in readers]]


def _secrets(stage: Stage, ids: list[str], region: str) -> dict[str, str]:
    entries: list[dict[str, Any]] = []
    errors: list[dict[str, str]] = []
    payload: dict[str, Any] = {"SecretIdList": ids}
    while True:
        answer = aws.call_json("secretsmanager", "BatchGetSecretValue", payload, region=region)
        entries += answer.get("SecretValues") or []
        errors += answer.get("Errors") or []
        token = answer.get("NextToken")
        if not token:
            break
        payload = {"SecretIdList": ids, "NextToken": token}
    found = {}
    for secret_id in ids:
        entry = next((entry for entry in entries if _is_entry(entry, secret_id)), None)
        if entry is None:
            error = next((error for error in errors if _same(error.get("SecretId", ""), secret_id)), {})
            _refuse(stage, "secretsmanager", secret_id, error.get("ErrorCode") or "ResourceNotFoundException")
        if not isinstance(entry.get("SecretString"), str):
            _refuse(
                stage,
                "secretsmanager",
                secret_id,
                "BinarySecret",
                problem="holds binary data, and an environment variable holds text",
                hint="Store the value as text; base64 where it is binary.",
            )
        found[secret_id] = entry["SecretString"]
    return found


def _is_entry(entry: dict[str, Any], secret_id: str) -> bool:
    return entry.get("Name") == secret_id or _same(entry.get("ARN", ""), secret_id)


def _same(arn: str, secret_id: str) -> bool:
    """Secrets Manager ends an ARN with a hyphen and six random characters, and takes it without them too."""
    return arn == secret_id or (secret_id.startswith("arn:") and arn[:-7] == secret_id)


def _parameters(stage: Stage, ids: list[str], region: str) -> dict[str, str]:
    answer = aws.call_json("ssm", "GetParameters", {"Names": ids, "WithDecryption": True}, region=region)
    found = {}
    for secret_id in ids:
        for entry in answer.get("Parameters") or []:
            selector = entry.get("Selector") or ""
            if secret_id in {entry.get("Name"), entry.get("ARN"), f"{entry.get('Name')}{selector}"}:
                found[secret_id] = str(entry["Value"])
        if secret_id not in found:
            _refuse(stage, "ssm", secret_id, "InvalidParameters")
    return found


def _pick(item: SecretVariable, text: str) -> str:
    if item.key is None:
        return text
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    where = f"{item.service} secret {item.secret_id}"
    if not isinstance(data, dict):
        _fail(item, "NotJSON", f"{where} is not a JSON object", f"{item.name} takes its key {item.key!r}: store one.")
    value = data.get(item.key)
    if value is None:
        hint = "`pocket deploy` adds what is missing among the generated ones; add your own secrets' keys yourself."
        _fail(item, "MissingKey", f"{where} has no key {item.key!r}", hint)
    return value if isinstance(value, str) else json.dumps(value)


def _fail(item: SecretVariable, code: str, problem: str, hint: str) -> NoReturn:
    # No cause is chained: a decoder's error carries the document, and with it the values.
    raise SecretUnavailable(
        f"{problem}: {item.name} cannot be set.",
        hint,
        service=item.service,
        operation=_OPERATION[item.service],
        code=code,
        names=[item.name],
    ) from None


def _refuse(stage: Stage, service: str, secret_id: str, code: str, *, problem: str = "", hint: str = "") -> NoReturn:
    names = _names(stage, service, [secret_id])
    raise SecretUnavailable(
        f"{service} secret {secret_id} {problem or f'could not be read: {code}'}; not set: {', '.join(names)}.",
        hint or _FIXES.get(code, "Try again; AWS's code stands above."),
        service=service,
        operation=_OPERATION[service],
        code=code,
        names=names,
    )


def _names(stage: Stage, service: str, ids: Sequence[str]) -> list[str]:
    return [item.name for item in stage.secrets if item.service == service and item.secret_id in ids]
