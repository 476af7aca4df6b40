"""Reading a stage's secrets, from a double that botocore's models check."""

from __future__ import annotations

import time
import traceback

import pytest
from aws_double import ACCOUNT, REGION, AWSDouble

from pocket.errors import SecretUnavailable
from pocket.manifest import Database, SecretVariable, Stage
from pocket.runtime import aws as aws_calls
from pocket.runtime import secret_values


def stage(*variables: SecretVariable) -> Stage:
    return Stage(stack_name="pocket-dev-board", secrets=variables)


def of(name: str, secret_id: str, key: str | None = None, service: str = "secretsmanager") -> SecretVariable:
    return SecretVariable(name=name, service=service, secret_id=secret_id, key=key)


def test_all_secrets_are_read_in_one_request(aws: AWSDouble) -> None:
    aws.put("pocket-dev-board", {"SECRET_KEY": "k", "PORT": 5432, "FLAG": False})
    arn = aws.put("mine", "whole text")
    found = secret_values.read(
        stage(
            of("SECRET_KEY", "pocket-dev-board", "SECRET_KEY"),
            of("PORT", "pocket-dev-board", "PORT"),
            of("FLAG", "pocket-dev-board", "FLAG"),
            of("BY_ARN", arn),
            of("BY_PARTIAL_ARN", arn[:-7]),
            of("BY_NAME", "mine"),
        ),
        REGION,
    )
    assert found == {
        "SECRET_KEY": "k",
        "PORT": "5432",
        "FLAG": "false",
        "BY_ARN": "whole text",
        "BY_PARTIAL_ARN": "whole text",
        "BY_NAME": "whole text",
    }
    assert aws.operations == ["BatchGetSecretValue"]


def test_no_secrets_make_no_request(aws: AWSDouble) -> None:
    assert secret_values.read(stage(), REGION) == {}
    assert aws.calls == []


def test_forty_one_secrets_take_three_requests(aws: AWSDouble) -> None:
    variables = [of(f"V{number}", f"s{number}") for number in range(41)]
    for item in variables:
        aws.put(item.secret_id, item.name)
    found = secret_values.read(stage(*variables), REGION)
    assert found == {f"V{number}": f"V{number}" for number in range(41)}
    assert aws.operations == ["BatchGetSecretValue"] * 3


def test_all_pages_are_read(aws: AWSDouble) -> None:
    aws.page_size = 2
    variables = [of(f"V{number}", f"s{number}") for number in range(5)]
    for item in variables:
        aws.put(item.secret_id, item.name)
    assert len(secret_values.read(stage(*variables), REGION)) == 5
    assert aws.operations == ["BatchGetSecretValue"] * 3


def test_parameters_are_read_ten_at_a_time(aws: AWSDouble) -> None:
    variables = [of(f"V{number}", f"/app/v{number}", service="ssm") for number in range(11)]
    aws.parameters = {item.secret_id: item.name for item in variables}
    assert len(secret_values.read(stage(*variables), REGION)) == 11
    assert aws.operations == ["GetParameters"] * 2


def test_parameter_may_be_an_arn(aws: AWSDouble) -> None:
    aws.parameters["/app/key"] = "value"
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/app/key"
    assert secret_values.read(stage(of("KEY", arn, service="ssm")), REGION) == {"KEY": "value"}


def test_arn_is_read_in_its_own_region(aws: AWSDouble) -> None:
    aws.put("mine", "value")
    aws.secrets["mine"]["ARN"] = aws.secrets["mine"]["ARN"].replace(REGION, "us-east-1")
    arn = aws.secrets["mine"]["ARN"]
    aws.put("near", "here")
    found = secret_values.read(stage(of("FAR", arn), of("NEAR", "near")), REGION)
    assert found == {"FAR": "value", "NEAR": "here"}
    assert len(aws.calls) == 2


@pytest.mark.parametrize(
    ("case", "code", "hint"),
    [
        ("missing", "ResourceNotFoundException", "Create it"),
        ("denied", "AccessDeniedException", "role"),
        ("deleted", "InvalidRequestException", "restore"),
        ("binary", "BinarySecret", "Base64"),
        ("not json", "NotJSON", "JSON"),
        ("a json list", "NotJSON", "JSON"),
        ("no key", "MissingKey", "pocket deploy"),
        ("null", "MissingKey", "pocket deploy"),
    ],
)
def test_error_has_the_secret_its_variables_and_a_hint(aws: AWSDouble, case: str, code: str, hint: str) -> None:
    values: dict[str, object] = {
        "binary": b"\x00\x01",
        "not json": "swordfish",
        "a json list": '["swordfish"]',
        "no key": {"OTHER": "swordfish"},
        "null": {"DATABASE_URL": None},
    }
    if case != "missing":
        aws.put("app/db", values.get(case, {"DATABASE_URL": "swordfish"}))
    if case == "denied":
        aws.denied.add("app/db")
    if case == "deleted":
        aws.secrets["app/db"]["deleted"] = True
    with pytest.raises(SecretUnavailable) as caught:
        secret_values.read(stage(of("DATABASE_URL", "app/db", "DATABASE_URL")), REGION)
    error = caught.value
    assert error.names == ("DATABASE_URL",)
    assert error.code == code
    assert "app/db" in error.message
    assert "DATABASE_URL" in error.message
    assert hint in error.hint
    assert "swordfish" not in f"{error!s}{error.__cause__!s}{error.__context__!s}"


def test_error_has_the_missing_parameter(aws: AWSDouble) -> None:
    with pytest.raises(SecretUnavailable, match="/app/key") as caught:
        secret_values.read(stage(of("KEY", "/app/key", service="ssm")), REGION)
    assert caught.value.names == ("KEY",)


def test_error_of_a_call_has_every_variable(aws: AWSDouble) -> None:
    aws.failures.append((400, "AccessDeniedException"))
    with pytest.raises(SecretUnavailable) as caught:
        secret_values.read(stage(of("A", "one"), of("B", "two")), REGION)
    assert caught.value.names == ("A", "B")
    assert caught.value.code == "AccessDeniedException"
    assert "secretsmanager:BatchGetSecretValue" in caught.value.hint


def test_no_frame_of_an_error_has_a_value(aws: AWSDouble) -> None:
    """Many error reports show the variables of each frame, such as Django's e-mail to the administrators."""
    aws.page_size = 1
    aws.put("one", {"A": "swordfish", "B": "swordfish"})
    aws.put("two", "swordfish")
    aws.parameters["/three"] = "swordfish"
    wanted = (of("A", "one", "A"), of("C", "one", "missing"), of("D", "two"), of("E", "/three", service="ssm"))
    monstrous, denied = '["swordfish"]', (400, "AccessDeniedException")
    cases = [(wanted, []), (wanted, [denied]), (wanted, [monstrous] * 2), (wanted[:3], [None, denied])]
    for variables, failures in cases:
        aws.failures.extend(failures)
        with pytest.raises(SecretUnavailable) as caught:
            secret_values.read(stage(*variables), REGION)
        report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert "swordfish" not in "".join(part for part in report.format() if "tests/" not in part)


def test_all_errors_are_reported_at_once(aws: AWSDouble) -> None:
    aws.put("fine", "text")
    with pytest.raises(SecretUnavailable) as caught:
        secret_values.read(stage(of("A", "missing"), of("B", "fine"), of("C", "fine", "key")), REGION)
    assert caught.value.names == ("A", "C")
    assert "missing" in caught.value.message
    assert "'key'" in caught.value.hint


@pytest.mark.parametrize("code", ["InternalServiceError", "ThrottlingException"])
def test_secret_with_a_temporary_failure_is_read_again(aws: AWSDouble, code: str) -> None:
    aws.put("a", "1")
    aws.put("b", "2")
    aws.failing = {"b": [code, code]}
    assert secret_values.read(stage(of("A", "a"), of("B", "b")), REGION) == {"A": "1", "B": "2"}
    assert [payload["SecretIdList"] for _, payload in aws.calls] == [["a", "b"], ["b"], ["b"]]


def test_secret_that_keeps_failing_is_an_error_before_the_deadline(aws: AWSDouble) -> None:
    aws.put("b", "2")
    aws.failing = {"b": ["InternalServiceError"] * 1000}
    start = time.monotonic()
    with pytest.raises(SecretUnavailable, match="InternalServiceError"):
        secret_values.read(stage(of("B", "b")), REGION, until=start + 0.5)
    assert time.monotonic() - start < aws_calls.DEADLINE - 1


def test_missing_secret_stops_retries_of_others(aws: AWSDouble) -> None:
    aws.failing = {"b": ["InternalServiceError"]}
    aws.put("b", "2")
    with pytest.raises(SecretUnavailable, match="ResourceNotFoundException"):
        secret_values.read(stage(of("A", "a"), of("B", "b")), REGION)
    assert len(aws.calls) == 1


MANAGED = {"username": "app", "password": "p@ss:w/ord"}


def database(**keys: object) -> Stage:
    secrets = (of("DATABASE_URL", "rds!cluster-1"),)
    return Stage(stack_name="s", secrets=secrets, database=Database("postgresql", "DATABASE_URL", **keys))  # type: ignore[arg-type]  # keys of Database


def test_the_secret_that_rds_manages_becomes_a_url(aws: AWSDouble) -> None:
    aws.put("rds!cluster-1", MANAGED)
    found = secret_values.read(database(host="db.example.com", name="shop"), REGION)
    assert found == {"DATABASE_URL": "postgres://app:p%40ss%3Aw%2Ford@db.example.com:5432/shop"}
    aws.put(
        "rds!cluster-1", {**MANAGED, "host": "own.example.com", "port": 5433, "dbname": "own", "engine": "postgres"}
    )
    found = secret_values.read(database(), REGION)
    assert found == {"DATABASE_URL": "postgres://app:p%40ss%3Aw%2Ford@own.example.com:5433/own"}
    aws.put("rds!cluster-1", "postgres://a:b@c/d")
    assert secret_values.read(database(), REGION) == {"DATABASE_URL": "postgres://a:b@c/d"}


@pytest.mark.parametrize(
    ("secret", "missing"),
    [(MANAGED, "host, dbname"), ("{broken swordfish", "username, password, host, dbname"), ({}, "username, password")],
)
def test_a_secret_that_is_no_url_says_what_it_lacks(aws: AWSDouble, secret: object, missing: str) -> None:
    aws.put("rds!cluster-1", secret)
    with pytest.raises(SecretUnavailable, match=f"has no text for {missing}") as refused:
        secret_values.read(database(), REGION)
    assert "set host and name in [database]" in refused.value.hint
    assert refused.value.names == ("DATABASE_URL",)
    assert "swordfish" not in str(refused.value)
