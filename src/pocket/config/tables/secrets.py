"""`[awscontainer.secretsmanager]`: the secrets that the run time puts into the environment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pocket.config import patterns
from pocket.config.formats import DEFAULT_FORMAT, checked_format
from pocket.config.secret_references import fault_of_reference
from pocket.config.tables.table import Arn, Table, VariableName, refused

Store = Literal["secretsmanager", "ssm"]
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _reference(text: str) -> str:
    fault = fault_of_reference(text)
    if fault:
        raise refused(fault)
    return text


class SecretOptions(Table):
    """How a generated secret is made."""

    length: int = Field(50, ge=8, le=1024, description="Characters of a password.")
    pem_base64_environ_suffix: str = Field(
        "_PEM_BASE64", pattern=patterns.SUFFIX, description="Follows the name in the private key's variable."
    )
    pub_base64_environ_suffix: str = Field(
        "_PUB_BASE64", pattern=patterns.SUFFIX, description="Follows the name in the public key's variable."
    )


class PocketSecret(Table):
    """A secret that Pocket generates once and keeps."""

    type: Literal["password", "rsa_pem_base64"] = Field(
        description="A random password, or an RSA key pair in PEM form, in base64, in two variables."
    )
    options: SecretOptions = Field(default_factory=SecretOptions, description="How it is made.")

    def variables(self, name: str) -> tuple[str, ...]:
        """The environment variables that the secret called `name` fills: private key first, where it is a pair."""
        if self.type == "password":
            return (name,)
        return (name + self.options.pem_base64_environ_suffix, name + self.options.pub_base64_environ_suffix)


class SecretsManager(Table):
    """The secrets of a stage, generated ones and the user's own."""

    store: Store = Field(
        "secretsmanager", description="Where generated secrets are kept, and where a bare name is looked up."
    )
    refresh: Annotated[str, Field(pattern=patterns.DURATION)] | None = Field(
        None, description="Age at which secrets are read again, such as `15m`; once an environment where it is absent."
    )
    pocket_key_format: Annotated[str, AfterValidator(checked_format)] = Field(
        DEFAULT_FORMAT,
        description="Name of the secret that holds the generated values; {prefix}, {stage} and {project} stand for"
        " their values.",
    )
    pocket_secrets: dict[VariableName, PocketSecret] = Field(
        default_factory=dict, description="Secrets that Pocket generates once and keeps, by environment variable."
    )
    secrets: dict[VariableName, Annotated[str, AfterValidator(_reference)]] = Field(
        default_factory=dict,
        description="Your own secrets by environment variable: an ARN or a name, `#key` for one key of a JSON secret.",
    )
    placeholders: dict[VariableName, str] = Field(
        default_factory=dict,
        description="What stands for a secret where settings are loaded without it, on a laptop, by environment"
        " variable; never the secret itself.",
    )
    extra_resources: list[Arn] = Field(
        default_factory=list, description="ARNs of more secrets that the functions may read."
    )
    require_list_secrets: bool = Field(False, description="Lets the functions list the account's secrets.")

    @property
    def refresh_seconds(self) -> int | None:
        """`refresh` in seconds."""
        return None if self.refresh is None else int(self.refresh[:-1]) * _SECONDS[self.refresh[-1]]
