"""Generated secrets: Pocket generates those that are missing and never changes one that exists."""

from __future__ import annotations

import base64
import secrets
import string
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pocket import naming
from pocket.deploy.stacks.secret_stores import Place, SecretStore, place_of, store_at
from pocket.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.config.tables.secrets import PocketSecret
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.tags import Retagging

ALPHABET = string.ascii_letters + string.digits + "-_"
"""64 characters, six bits each, without special ones of URLs, shells or .env files."""

RSA_BITS = 2048


class Recorded(Protocol):
    """What a release records about its secrets: where they are (None: not recorded), and the generated variables."""

    @property
    def secrets(self) -> Place | None: ...

    @property
    def generated(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Generation:
    """What a deploy puts into the store of generated secrets; `fresh` has the values by variable.

    `carried` names those copied from the live release's place. `lost` names those of the live release that are missing
    and are generated again, with other values. With `renews`, the live release has read some of them already: its
    functions have to read them again. With `restores`, the store is scheduled for deletion and is restored first.
    `existing` has the values in the store.
    """

    place: Place
    fresh: Mapping[str, str] = field(default_factory=dict, repr=False)
    existing: Mapping[str, str] = field(default_factory=dict, repr=False)
    carried: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    renews: bool = False
    restores: bool = False

    @property
    def changes(self) -> bool:
        """Whether the deploy changes the store."""
        return self.restores or bool(self.fresh)

    @property
    def is_new(self) -> bool:
        """Whether the deploy creates a secret that AWS bills: parameters are free."""
        return self.place.store == "secretsmanager" and bool(self.fresh) and not self.existing

    def of_distribution(self) -> dict[str, str]:
        """The values that the template of a distribution needs, by variable."""
        found = {**self.existing, **self.fresh}
        return {name: found[name] for name in (naming.ORIGIN_SECRET, naming.SIGNING_PUBLIC) if name in found}


def plan(clients: Clients, stage: StageConfig, live: Recorded | None = None) -> Generation:
    """The missing values of the stage's `pocket_secrets`; changes nothing. `live` is the live release.

    Raises DeployError for a key pair of which only the public key exists, for a secret that is not a JSON object, and
    for one that Pocket did not create and that is scheduled for deletion.
    """
    place, declared = place_of(stage), stage.generated_secrets
    if not declared:
        return Generation(place)
    store = store_at(clients, stage, place)
    if store.restorable():
        return Generation(place, restores=True)
    variables = [variable for name, secret in declared.items() for variable in secret.variables(name)]
    existing = store.read(variables)
    carried = _carried(clients, stage, live, [name for name in variables if name not in existing])
    fresh, made = dict(carried), []
    for name, secret in declared.items():
        if place.store == "ssm" and secret.type == "rsa_pem_base64":
            _refuse_mixed(stage, secret.variables(name), existing)
        found = missing(name, secret, {**existing, **carried})
        fresh.update(found)
        made += [variable for variable in found if set(secret.variables(name)) <= found.keys()]
    if made:
        _refuse_untaken(stage, store, made)
    lost = _lost(live, made, variables)
    renews = bool(lost) or (live is not None and not fresh.keys().isdisjoint(live.generated))
    return Generation(place, fresh, existing, tuple(carried), lost, renews)


def restored(clients: Clients, stage: StageConfig, live: Recorded | None, reporter: Reporter) -> Generation:
    """The plan after the store, which is scheduled for deletion, is restored: its values are part of a template."""
    place = place_of(stage)
    store_at(clients, stage, place).restore()
    reporter.note(_restored(place))
    return plan(clients, stage, live)


def _restored(place: Place) -> str:
    return f"Restored the {place}, which was scheduled for deletion, with its values."


def carry_out(clients: Clients, stage: StageConfig, generation: Generation, reporter: Reporter) -> tuple[str, ...]:
    """Puts the planned values into the store; returns their variables."""
    store = store_at(clients, stage, generation.place)
    if generation.restores and store.restore():
        reporter.note(_restored(generation.place))
        found = plan(clients, stage)
        generation = replace(found, fresh={**found.fresh, **generation.fresh})
    if generation.fresh:
        store.put(generation.fresh, reporter)
    return tuple(generation.fresh)


def retag(clients: Clients, stage: StageConfig, change: Retagging) -> None:
    """Changes the tags of the stage's generated secrets."""
    if change and stage.generated_variables:
        store_at(clients, stage, place_of(stage)).retag(change)


def _carried(clients: Clients, stage: StageConfig, live: Recorded | None, variables: list[str]) -> dict[str, str]:
    """The values of those variables in the live release's place, if that is another one."""
    if live is None or not variables or live.secrets in {None, place_of(stage)}:
        return {}
    before = store_at(clients, stage, live.secrets)
    return {} if before.restorable() else before.read(variables)


def _refuse_untaken(stage: StageConfig, store: SecretStore, made: list[str]) -> None:
    """Raises DeployError if magic-pocket has values in the same store of what would be generated."""
    declared = stage.generated_secrets
    names = [name for name in store.former(list(declared)) if set(declared[name].variables(name)) & {*made}]
    if names:
        raise DeployError(
            f"The {place_of(stage)} has values of magic-pocket for {', '.join(names)}, so no others are generated.",
            f"Copy them: pocket import --stage {stage.name}. For new ones: pocket secrets rotate NAME"
            f" --stage {stage.name}",
        )


def _lost(live: Recorded | None, made: list[str], variables: list[str]) -> tuple[str, ...]:
    if live is None:
        return ()
    if live.secrets is None:
        # An older Pocket did not record them. If all are missing, they are lost.
        return tuple(made) if made == variables else ()
    return tuple(name for name in made if name in live.generated)


def missing(name: str, secret: PocketSecret, existing: Mapping[str, str]) -> dict[str, str]:
    """New values for those variables of the declared secret `name` that `existing` lacks."""
    variables = secret.variables(name)
    if secret.type == "database_url":
        return {}  # `stacks.neon` has it
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
    return dict(zip(variables, key_pair(for_rsa=name == naming.SIGNING_KEY), strict=True))


def _refuse_mixed(stage: StageConfig, variables: Sequence[str], existing: Mapping[str, str]) -> None:
    """Raises DeployError if two keys do not belong together, as after an interrupted rotation."""
    from cryptography.hazmat.primitives import serialization

    private, public = variables
    if not {private, public} <= existing.keys():
        return
    try:
        half = base64.b64decode(public_half(existing[private], private))
        own, other = (serialization.load_pem_public_key(pem) for pem in (half, base64.b64decode(existing[public])))
    except (DeployError, ValueError):
        return  # a user's own, in another form
    if own != other:
        raise DeployError(
            f"{private} and {public} do not belong together.",
            f"Generate another pair: pocket secrets rotate {private} --stage {stage.name}",
        )


def password(length: int) -> str:
    """A random text of `length` characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def key_pair(*, for_rsa: bool = False) -> tuple[str, str]:
    """A new RSA key: private (PKCS #8) and public (SubjectPublicKeyInfo), each as PEM in base64.

    With `for_rsa` the private one is in PKCS #1, the only form that the package rsa reads.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    form = serialization.PrivateFormat.TraditionalOpenSSL if for_rsa else serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    private = base64.b64encode(pem).decode()
    return private, public_half(private, "the new key")


def public_half(private: str, variable: str) -> str:
    """The public key of a private one, both PEM in base64. Raises DeployError if `variable` has no such key."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(base64.b64decode(private, validate=True), password=None)
    except (TypeError, ValueError):
        raise DeployError(
            f"{variable} is not a private key in PEM form, encoded in base64, so its public half cannot be generated.",
            f"Restore {variable}, or delete it to have a new pair generated.",
        ) from None
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(pem).decode()
