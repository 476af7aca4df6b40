from pocket.deploy.target import Credentials, Target


def test_no_secret_shows_in_a_representation() -> None:
    target = Target(
        region="eu-central-1",
        credentials=Credentials("AKIDEXAMPLE", "the-secret-key", "the-session-token"),
        environment={"DATABASE_URL": "postgres://user:the-password@host/db"},
    )
    shown = repr(target)
    assert "AKIDEXAMPLE" in shown
    assert not any(secret in shown for secret in ("the-secret-key", "the-session-token", "the-password"))


def test_a_bare_target_is_aws_itself_on_lambdas_platform() -> None:
    target = Target(region="eu-central-1")
    assert target.endpoint_url is None
    assert target.platform == "lambda"
    assert not target.addresses
    assert not target.environment
