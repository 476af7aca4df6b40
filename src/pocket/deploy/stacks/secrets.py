"""Generated secrets: what is missing is made once, what exists is never touched."""

from __future__ import annotations

import base64
import secrets
import string
from typing import TYPE_CHECKING

from pocket.deploy.stacks.secret_stores import store_of
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pocket.config import StageConfig
    from pocket.config.tables.secrets import PocketSecret
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter

ALPHABET = string.ascii_letters + string.digits + "-_"
"""64 characters: six bits each, and none that a URL, a shell or a .env file reads as something else."""

RSA_BITS = 2048


def ensure(clients: Clients, stage: StageConfig, reporter: Reporter) -> tuple[str, ...]:
    """Generates what the stage's `pocket_secrets` lack; returns the variables that were generated.

    Raises DeployError for a key pair of which only the public half is left, for a secret that is no JSON object and
    for one that is scheduled for deletion.
    """
    declared = stage.secretsmanager.pocket_secrets
    if not declared:
        return ()
    store = store_of(clients, stage)
    existing = store.read()
    fresh: dict[str, str] = {}
    for name, secret in declared.items():
        fresh.update(missing(name, secret, existing))
    if fresh:
        store.add(fresh)
        reporter.note(f"Generated {', '.join(fresh)} into {store.name}.")
    return tuple(fresh)


def remove(clients: Clients, stage: StageConfig) -> tuple[str, ...]:
    """Deletes the stage's generated secrets for good; returns what was deleted, in words."""
    return store_of(clients, stage).delete() if stage.secretsmanager.pocket_secrets else ()


def missing(name: str, secret: PocketSecret, existing: Mapping[str, str]) -> dict[str, str]:
    """Values for those variables of the declared secret `name` that `existing` lacks."""
    variables = secret.variables(name)
    if all(variable in existing for variable in variables):
        return {}
    if secret.type == "password":
        return {name: password(secret.options.length)}
    private, public = variables
    if private in existing:
        return {public: public_half(existing[private], private)}
    if public in existing:
        raise DeployError(
            f"{public} exists and {private} is missing, so the pair cannot be completed.",
            f"Restore {private}, or delete {public} to have a new pair generated.",
        )
    return dict(zip(variables, key_pair(), strict=True))


def password(length: int) -> str:
    """A random text of `length` characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def key_pair() -> tuple[str, str]:
    """A new RSA key: private (PKCS #8) and public (SubjectPublicKeyInfo), each as PEM in base64."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private = base64.b64encode(pem).decode()
    return private, public_half(private, "the new key")


def public_half(private: str, variable: str) -> str:
    """The public key of a private one, both PEM in base64. Raises DeployError where `variable` holds no such key."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(base64.b64decode(private, validate=True), password=None)
    except (TypeError, ValueError):
        raise DeployError(
            f"{variable} holds no private key in PEM form, in base64, so its public half cannot be made.",
            f"Restore {variable}, or delete it to have a new pair generated.",
        ) from None
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(pem).decode()
