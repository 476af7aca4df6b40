"""The patterns that names in `pocket.toml` have to match, each with what it means in words.

They are written in the subset that Rust (pydantic), ECMAScript (JSON Schema) and Python read alike.
"""

from __future__ import annotations

from pocket import naming

STAGE = r"^[a-z][a-z0-9]*$"
PROJECT = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
PREFIX = r"^([a-z][a-z0-9-]*)?$"
REGION = r"^[a-z]{2,4}(-[a-z]+){1,3}-[1-9][0-9]?$"
HANDLER = r"^[a-z][a-z0-9_-]*$"
VARIABLE = r"^[A-Za-z][A-Za-z0-9_]+$"
SUFFIX = r"^[A-Za-z0-9_]+$"
SETTING = r"^[A-Z][A-Z0-9_]*$"
DOTTED_PATH = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
APPLICATION = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
PATH_PREFIX = r"^(/[A-Za-z0-9._~-]+)+$"
REQUEST_PATH = r"^/[!-\"$-~]*$"
DURATION = r"^[1-9][0-9]{0,5}[smh]$"
ARN = r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:([0-9]{12}|\*)?:[!-~]+$"
POLICY_ARN = r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$"
OBJECT_DIRECTORY = r"^[A-Za-z0-9!_'()-][A-Za-z0-9!_.'()-]*(/[A-Za-z0-9!_'()-][A-Za-z0-9!_.'()-]*)*/?$"

MEANINGS = {
    STAGE: "a stage's name: lowercase letters and digits, a letter first",
    PROJECT: "lowercase letters, digits and hyphens, no hyphen at either end",
    PREFIX: "lowercase letters, digits and hyphens, a letter first",
    REGION: 'the name of an AWS region, such as "ap-northeast-1"',
    HANDLER: "a handler's name: lowercase letters, digits, hyphens and underscores, a letter first",
    VARIABLE: "the name of an environment variable: at least two letters, digits or underscores, a letter first",
    SUFFIX: "letters, digits and underscores",
    SETTING: "the name of a Django setting: capital letters, digits and underscores, a letter first",
    DOTTED_PATH: f'the dotted path of a function, such as "{naming.WSGI_HANDLER}"',
    APPLICATION: 'a module and an attribute, such as "config.api:app"',
    PATH_PREFIX: 'the beginning of a path, such as "/api", without a slash at the end',
    REQUEST_PATH: 'a path as a request has it, percent-encoded, such as "/health/" or "/?ready=1"',
    DURATION: 'a duration in seconds, minutes or hours, such as "15m"',
    ARN: 'an ARN, such as "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:name-AbCdEf"',
    POLICY_ARN: 'the ARN of an IAM policy, such as "arn:aws:iam::123456789012:policy/boundary"',
    OBJECT_DIRECTORY: 'the prefix of object keys, such as "static", without a slash or a dot in front',
}
"""What follows "expected" in a message about a value that does not match."""
