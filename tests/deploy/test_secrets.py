from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from deploying import SMALL, PlanRecorder, project

from pocket.config import StageConfig
from pocket.deploy.aws.session import Clients
from pocket.deploy.releases.history import Release
from pocket.deploy.stacks import secrets
from pocket.deploy.stacks.secret_stores import RECORD, Contents, place_of, store_at
from pocket.errors import DeployError

DECLARED = 'SECRET_KEY = { type = "password", options = { length = 60 } }\nTOKEN = { type = "rsa_pem_base64" }\n'


@pytest.fixture(params=["secretsmanager", "ssm"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> StageConfig:
    return declared(tmp_path, request.param, request.node.name)


def declared(folder: Path, store: str, test: str) -> StageConfig:
    """A stage with two generated secrets, kept under a name of the test's own."""
    name = "".join(letter if letter.isalnum() else "-" for letter in test)[:60]
    text = SMALL[: SMALL.index("[awscontainer.secretsmanager.pocket_secrets]")]
    text += f'[awscontainer.secretsmanager]\nstore = "{store}"\npocket_key_format = "{{stage}}-{name}"\n'
    return project(folder, f"{text}[awscontainer.secretsmanager.pocket_secrets]\n{DECLARED}").stage("dev")


def stored(clients: Clients, stage: StageConfig) -> dict[str, str]:
    if stage.secretsmanager.store == "ssm":
        names = {item.secret_id: item.name for item in stage.generated_variables}
        found = clients.ssm.get_parameters(Names=list(names), WithDecryption=True)["Parameters"]
        assert all(item["Type"] == "SecureString" for item in found)
        return {names[item["Name"]]: item["Value"] for item in found}
    values: dict[str, str] = json.loads(
        clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"]
    )
    return values


def ensure(clients: Clients, stage: StageConfig, recorder: PlanRecorder | None = None) -> tuple[str, ...]:
    return secrets.carry_out(clients, stage, secrets.plan(clients, stage), recorder or PlanRecorder())


def contents(clients: Clients, stage: StageConfig) -> Contents:
    return store_at(clients, stage, place_of(stage)).contents([item.name for item in stage.generated_variables])


def remove(clients: Clients, stage: StageConfig) -> str:
    return store_at(clients, stage, place_of(stage)).remove(contents(clients, stage).own)


def overwrite(clients: Clients, stage: StageConfig, values: dict[str, str]) -> None:
    clients.secretsmanager.put_secret_value(SecretId=stage.pocket_key, SecretString=json.dumps(values))


def test_what_is_missing_is_generated_and_never_shown(clients: Clients, stage: StageConfig) -> None:
    recorder = PlanRecorder()
    assert ensure(clients, stage, recorder) == ("SECRET_KEY", "TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64")
    values = stored(clients, stage)
    if stage.secretsmanager.store == "secretsmanager":
        assert values.pop(RECORD) == ["SECRET_KEY", "TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64"]
    assert len(values["SECRET_KEY"]) == 60
    assert len(set(values["SECRET_KEY"])) >= 5
    assert not any(value in note for note in recorder.notes for value in values.values())


def test_what_exists_is_never_generated_again(clients: Clients, stage: StageConfig) -> None:
    ensure(clients, stage)
    before = stored(clients, stage)
    assert ensure(clients, stage) == ()
    assert stored(clients, stage) == before


def test_a_pairs_halves_belong_together(clients: Clients, stage: StageConfig) -> None:
    ensure(clients, stage)
    values = stored(clients, stage)
    private = serialization.load_pem_private_key(base64.b64decode(values["TOKEN_PEM_BASE64"]), None)
    public = serialization.load_pem_public_key(base64.b64decode(values["TOKEN_PUB_BASE64"]))
    assert private.public_key() == public


def test_generated_values_are_removed_and_can_be_restored(clients: Clients, stage: StageConfig) -> None:
    ensure(clients, stage)
    values = stored(clients, stage)
    output = remove(clients, stage)
    assert all(name in output for name in ("SECRET_KEY", "TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64"))
    assert contents(clients, stage) == Contents()
    recorder = PlanRecorder()
    put = ensure(clients, stage, recorder)
    if stage.secretsmanager.store == "secretsmanager":
        assert put == ()
        assert recorder.notes == [
            f"Restored the secret {stage.pocket_key}, which was scheduled for deletion, with its values."
        ]
        assert stored(clients, stage) == values
    else:
        assert put, "a deleted parameter cannot be restored"


def test_a_users_keys_stay_when_pockets_are_removed(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "shared")
    ensure(clients, stage)
    values = json.loads(clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"])
    overwrite(clients, stage, {**values, "STRIPE_KEY": "their own"})
    assert contents(clients, stage) == Contents(("SECRET_KEY", "TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64"), ("STRIPE_KEY",))
    assert "whose previous version still has them" in remove(clients, stage)
    assert json.loads(clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"]) == {
        "STRIPE_KEY": "their own"
    }


def test_a_users_secret_of_that_name_is_never_deleted(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "theirs")
    clients.secretsmanager.create_secret(Name=stage.pocket_key, SecretString='{"SECRET_KEY": "mine"}')
    assert ensure(clients, stage) == ("TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64")
    assert contents(clients, stage).others == ("SECRET_KEY",)
    remove(clients, stage)
    text = clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"]
    assert json.loads(text) == {"SECRET_KEY": "mine"}


def test_the_secret_of_an_older_pocket_is_recognized_by_its_description(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "older")
    clients.secretsmanager.create_secret(
        Name=stage.pocket_key,
        SecretString='{"SECRET_KEY": "x", "OWN": "mine"}',
        Description="Generated by Pocket for stage dev of small",
    )
    assert contents(clients, stage) == Contents(("SECRET_KEY",), ("OWN",))


def test_a_parameter_that_a_user_made_stays(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "ssm", "theirs-ssm")
    name = f"/{stage.pocket_key}/SECRET_KEY"
    clients.ssm.put_parameter(Name=name, Value="mine", Type="SecureString")
    ensure(clients, stage)
    assert contents(clients, stage).others == (name,)
    remove(clients, stage)
    assert clients.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "mine"


def test_other_keys_of_the_secret_are_kept(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "kept")
    clients.secretsmanager.create_secret(Name=stage.pocket_key, SecretString='{"OWN": "mine", "SECRET_KEY": "old"}')
    assert ensure(clients, stage) == ("TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64")
    values = stored(clients, stage)
    assert values["OWN"] == "mine"
    assert values["SECRET_KEY"] == "old"


def test_a_lost_public_key_is_made_from_its_private_key(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "halves")
    ensure(clients, stage)
    whole = stored(clients, stage)
    overwrite(clients, stage, {key: value for key, value in whole.items() if key != "TOKEN_PUB_BASE64"})
    assert ensure(clients, stage) == ("TOKEN_PUB_BASE64",)
    assert stored(clients, stage) == whole


def test_functions_read_again_what_they_had_and_nothing_else(clients: Clients, stage: StageConfig) -> None:
    private, public = "TOKEN_PEM_BASE64", "TOKEN_PUB_BASE64"
    store_at(clients, stage, place_of(stage)).put({private: secrets.key_pair()[0]}, PlanRecorder())
    live = Release(1, {}, secrets=place_of(stage), generated=(private, public))
    found = secrets.plan(clients, stage, live)
    assert found.fresh.keys() == {"SECRET_KEY", public}
    assert found.lost == (), "the same value is made again"
    assert found.renews, "the store is newer than the functions once it has the value"
    assert not secrets.plan(clients, stage, replace(live, generated=(private,))).renews, "only new ones are missing"
    assert not secrets.plan(clients, stage).renews


def test_a_lost_private_key_is_an_error_and_nothing_changes(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "lost")
    ensure(clients, stage)
    left = {key: value for key, value in stored(clients, stage).items() if key == "TOKEN_PUB_BASE64"}
    overwrite(clients, stage, left)
    with pytest.raises(DeployError, match="TOKEN_PUB_BASE64 exists and TOKEN_PEM_BASE64 is missing"):
        ensure(clients, stage)
    assert stored(clients, stage) == left


def test_two_parameters_of_different_pairs_are_an_error(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "ssm", "mixed")
    ensure(clients, stage)
    private, _ = secrets.key_pair()
    store_at(clients, stage, place_of(stage)).put({"TOKEN_PEM_BASE64": private}, PlanRecorder())
    with pytest.raises(DeployError, match="do not belong together") as caught:
        ensure(clients, stage)
    assert caught.value.hint.endswith("pocket secrets rotate TOKEN_PEM_BASE64 --stage dev")


def test_values_of_magic_pocket_in_the_same_store_are_not_generated_again(clients: Clients, stage: StageConfig) -> None:
    former = {"SECRET_KEY": "hush", "TOKEN": {"pem": "a", "pub": "b"}}
    if stage.secretsmanager.store == "ssm":
        names = ["TOKEN"]
        for part in ("pem", "pub"):
            clients.ssm.put_parameter(Name=f"/{stage.pocket_key}/TOKEN/{part}", Value="hush", Type="SecureString")
    else:
        names = ["SECRET_KEY", "TOKEN"]
        text = json.dumps({"dev": {"small": former}, "prd": {"small": {}}})
        clients.secretsmanager.create_secret(Name=stage.pocket_key, SecretString=text)
    with pytest.raises(DeployError, match=f"values of magic-pocket for {', '.join(names)}") as caught:
        ensure(clients, stage)
    assert "hush" not in str(caught.value)
    assert "pocket import --stage dev" in caught.value.hint
    store_at(clients, stage, place_of(stage)).put({"SECRET_KEY": "a", "TOKEN_PEM_BASE64": "b"}, PlanRecorder())
    store_at(clients, stage, place_of(stage)).put({"TOKEN_PUB_BASE64": "c"}, PlanRecorder())
    assert ensure(clients, stage) == ()


def test_an_invalid_private_key_is_an_error_without_its_value(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "nokey")
    text = json.dumps({"TOKEN_PEM_BASE64": "n0t-4-k3y"})
    clients.secretsmanager.create_secret(Name=stage.pocket_key, SecretString=text)
    with pytest.raises(DeployError, match="TOKEN_PEM_BASE64 is not a private key") as caught:
        ensure(clients, stage)
    assert "n0t-4-k3y" not in str(caught.value)


@pytest.mark.parametrize("text", ["plain p4ssw0rd", "[1]", '"p4ssw0rd"'])
def test_a_secret_that_is_not_a_json_object_is_not_changed(clients: Clients, tmp_path: Path, text: str) -> None:
    stage = declared(tmp_path, "secretsmanager", f"text{len(text)}")
    clients.secretsmanager.create_secret(Name=stage.pocket_key, SecretString=text)
    with pytest.raises(DeployError, match="is not a JSON object") as caught:
        ensure(clients, stage)
    assert "p4ssw0rd" not in str(caught.value)
    assert clients.secretsmanager.get_secret_value(SecretId=stage.pocket_key)["SecretString"] == text


def test_a_secret_scheduled_for_deletion_is_an_error_with_a_hint(clients: Clients, tmp_path: Path) -> None:
    stage = declared(tmp_path, "secretsmanager", "pending")
    ensure(clients, stage)
    clients.secretsmanager.update_secret(SecretId=stage.pocket_key, Description="a person's")
    clients.secretsmanager.delete_secret(SecretId=stage.pocket_key, RecoveryWindowInDays=7)
    with pytest.raises(DeployError, match="scheduled for deletion") as caught:
        ensure(clients, stage)
    assert "restore-secret" in caught.value.hint


def test_a_stage_without_generated_secrets_makes_no_call(tmp_path: Path) -> None:
    stage = project(tmp_path, SMALL[: SMALL.index("[awscontainer.secretsmanager")]).stage("dev")
    unreachable: Clients = None  # type: ignore[assignment]
    assert not secrets.plan(unreachable, stage).changes


def test_a_password_needs_no_quoting_anywhere() -> None:
    assert set(secrets.password(4000)) == set(secrets.ALPHABET)
    assert len(secrets.ALPHABET) == 64
