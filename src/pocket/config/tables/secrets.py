"""`[awscontainer.secretsmanager]`: the secrets to put into the environment at run time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.name_formats import DEFAULT_FORMAT, checked_format
from pocket.config.secret_references import issue_with_reference
from pocket.config.tables.table import Arn, Table, VariableName, refused

Store = Literal["secretsmanager", "ssm"]
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _reference(text: str) -> str:
    issue = issue_with_reference(text)
    if issue:
        raise refused(issue)
    return text


class SecretOptions(Table):
    """Options of a generated secret."""

    length: int = Field(50, ge=8, le=1024, description="Length of a password in characters.")
    pem_base64_environ_suffix: str = Field(
        "_PEM_BASE64", pattern=patterns.SUFFIX, description="Suffix of the private key's variable."
    )
    pub_base64_environ_suffix: str = Field(
        "_PUB_BASE64", pattern=patterns.SUFFIX, description="Suffix of the public key's variable."
    )


class PocketSecret(Table):
    """A secret that Pocket generates once, or the URL of the stage's database."""

    type: Literal["password", "rsa_pem_base64", "database_url"] = Field(
        description="A random password, an RSA key pair as base64-encoded PEM in two variables, or the URL of the"
        " database in [database]."
    )
    options: SecretOptions = Field(default_factory=SecretOptions, description="Options for generating it.")

    def variables(self, name: str) -> tuple[str, ...]:
        """The environment variables of the secret called `name`; of a key pair, the private key's first."""
        if self.type != "rsa_pem_base64":
            return (name,)
        return (name + self.options.pem_base64_environ_suffix, name + self.options.pub_base64_environ_suffix)


class SecretsManager(Table):
    """The secrets of a stage: generated ones and your own."""

    store: Store = Field(
        "secretsmanager",
        description="Where generated secrets are stored, and where names without an ARN are looked up.",
    )
    refresh: Annotated[str, Field(pattern=patterns.DURATION)] | None = Field(
        None,
        description="Age at which secrets are read again, such as `15m`. By default, only once per environment.",
    )
    pocket_key_format: Annotated[str, AfterValidator(checked_format)] = Field(
        DEFAULT_FORMAT,
        description="Name of the secret with the generated values, with the placeholders {prefix}, {stage} and"
        " {project}.",
    )
    pocket_secrets: dict[VariableName, PocketSecret] = Field(
        default_factory=dict, description="Secrets that Pocket generates once, by environment variable."
    )
    secrets: dict[VariableName, Annotated[str, AfterValidator(_reference)]] = Field(
        default_factory=dict,
        description="Your own secrets, by environment variable: an ARN or a name; `#key` is one key of a JSON secret.",
    )
    placeholders: dict[VariableName, str] = Field(
        default_factory=dict,
        description="Values to use instead of secrets when settings are loaded outside of Lambda, by environment"
        " variable; never the secret itself.",
    )
    extra_resources: list[Arn] = Field(
        default_factory=list, description="ARNs of other secrets that the functions may read."
    )
    require_list_secrets: bool = Field(False, description="Allow the functions to list the account's secrets.")

    @property
    def generated(self) -> dict[str, PocketSecret]:
        """Those of `pocket_secrets` that Pocket generates."""
        return {name: secret for name, secret in self.pocket_secrets.items() if secret.type != "database_url"}

    @property
    def database_variables(self) -> tuple[str, ...]:
        """Those of `pocket_secrets` that hold the URL of the stage's database."""
        return tuple(name for name, secret in self.pocket_secrets.items() if secret.type == "database_url")

    @property
    def refresh_seconds(self) -> int | None:
        """`refresh` in seconds."""
        return None if self.refresh is None else int(self.refresh[:-1]) * _SECONDS[self.refresh[-1]]
