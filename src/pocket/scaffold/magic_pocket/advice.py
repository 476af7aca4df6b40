"""What to do about the keys of magic-pocket that have no counterpart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple


class Note(NamedTuple):
    """Keys of the old file, as dotted paths without the stage, and what to do about them."""

    keys: tuple[str, ...]
    advice: str


_NAMES = "Pocket's names begin with object_prefix, stage and project_name; nothing refers to the old ones."
_VPC = (
    "Pocket attaches functions to a network that exists: name its subnets and security groups in [vpc]. "
    "It creates none, and has no EFS."
)
_IMAGE = (
    "Pocket packs a zip from uv.lock or requirements.txt, without Docker. Remove the Dockerfile, unless "
    "it installs more than Python packages."
)
_BROKER = "Its URL is a secret of yours from now on. The service itself stays; change it where you administer it."
_EDGE = (
    "Pocket's distribution serves Django, its static files and its uploads. For this, use a distribution "
    "of your own in [awscontainer] resources."
)
_OWN = "Create it as a secret of yours, and name it in [awscontainer.secretsmanager.secrets]."

_ADVICE: tuple[tuple[str, str], ...] = (
    ("general.namespace", _NAMES),
    ("general.prefix_template", _NAMES),
    ("general.vpcs", _VPC),
    ("vpc*", _VPC),
    ("iam.*", "Pocket creates the roles; [awscontainer] permissions_boundary limits them."),
    (
        "neon*",
        'Its URL is a secret of yours from now on. With [database] engine = "neon", each stage gets a branch.',
    ),
    ("tidb*", _BROKER),
    ("upstash*", _BROKER),
    ("dsql*", "Pocket has no Aurora DSQL. Set [database] engine to aurora or postgresql, and move the data."),
    (
        "rds*",
        (
            "Keep the cluster: name its secret and host in [database], and its network in [vpc]. Or set engine to "
            "aurora and restore a dump: pocket db restore."
        ),
    ),
    (
        "backup*",
        (
            "Keep the plan in AWS Backup, as a resource of yours in [awscontainer] resources; pocket db backup "
            "writes a dump."
        ),
    ),
    (
        "inbound*",
        (
            "Receive mail with rules of SES of your own, and let them call a handler: "
            "[awscontainer.handlers.NAME] events, with sns or s3."
        ),
    ),
    ("s3.public_dirs", "The distribution serves the static files, and the bucket is private."),
    ("s3.bucket_name_format", "The bucket of magic-pocket stays as it is, and Pocket creates one of its own."),
    ("s3.cors.*", "Name the sites that upload in [s3] upload_origins. Anyone's pages may read public_dirs."),
    ("s3.versioning", "Pocket keeps overwritten and deleted files for 30 days, always."),
    (
        "s3.lifecycle_rules",
        (
            "Pocket deletes overwritten and deleted files after 30 days. For other rules, use a bucket of your "
            "own in [awscontainer] resources."
        ),
    ),
    ("*.dockerfile_path", _IMAGE),
    ("*.build*", _IMAGE),
    ("*.ecr_name", _IMAGE),
    ("*.use_vpc", _VPC),
    ("*.vpc_ref", _VPC),
    ("*.vpc*", _VPC),
    ("*.iam.managed_policy_arns", "Write what the functions need of it as [[awscontainer.permissions]]."),
    (
        "*.iam.inline_policies*",
        "Write it as [[awscontainer.permissions]]: actions and resources, without Deny and NotAction.",
    ),
    (
        "*.sqs.dead_letter_alert*",
        "Add an alarm on the queue in [awscontainer] resources; pocket status counts the messages in it.",
    ),
    ("*.envs.*", "Lambda or Pocket sets this variable itself. Rename yours."),
    ("*.pocket_key_format", "Pocket's secret has a name of its own. With --stage, the values are copied into it."),
    ("*.pocket_secrets.*.type", _OWN),
    ("*.managed.*.shared", "A stage of Pocket has one artifact, so all its functions have the same secrets."),
    (
        "*.options.*",
        "Pocket has no such option of this secret. A password has 8 to 1024 characters.",
    ),
    ("*.managed.*", _OWN),
    ("*.pocket_secrets.*", _OWN),
    (
        "*.user.*",
        "Name it in [awscontainer.secretsmanager.secrets]; a parameter of another store than the stage's by its ARN.",
    ),
    ("*.extra_resources*", "Give the ARN of each secret, such as arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME*."),
    ("*.caches.*", "Pocket has no EFS. Use store redis, or database, whose table manage.py createcachetable creates."),
    ("*.storages.*.publish", "Each deploy of Pocket uploads the static files that are new."),
    ("*.storages.*.link", "Pocket collects static files into a folder of its own."),
    ("*.storages.*", "Pocket has the stores s3, cloudfront and filesystem; give each in a bucket a location."),
    ("*.project_dir", "Pocket's file is beside manage.py: move pocket.toml there."),
    (
        "*.handlers.*.command",
        "Pocket's handlers are in pocket.django.lambda_handlers, or a function of the project by its dotted path.",
    ),
    ("*.handlers.*", "Pocket has no such key of a handler; see the reference of pocket.toml."),
    (
        "scheduler.*",
        (
            "Pocket's schedules run management commands, and call functions of the project: "
            "[awscontainer.handlers.NAME] schedule."
        ),
    ),
    ("cloudfront.*waf*", "Pocket's distribution takes a web ACL of yours: [cloudfront] waf_acl_arn."),
    (
        "cloudfront.*enable_origin_verify",
        "Pocket's functions always refuse what does not come through the distribution.",
    ),
    ("cloudfront.*signing_key", "Pocket generates the key of signed addresses itself: signed = true of a storage."),
    (
        "cloudfront.*redirect_from*",
        (
            "All domains of the distribution are in the hosted zone hosted_zone_id_override, or in the one that "
            "each ends with."
        ),
    ),
    ("cloudfront*", _EDGE),
)
_UNKNOWN = "magic-pocket has no such key, so it had no effect."


def notes(left: Iterable[tuple[str, ...]]) -> Iterator[Note]:
    """A note for each advice about the values at those paths, in the file's order."""
    found: dict[str, list[str]] = {}
    for path in left:
        key = ".".join(path)
        found.setdefault(_advice(key), []).append(key)
    for advice, keys in found.items():
        yield Note(tuple(dict.fromkeys(keys)), advice)


def _advice(key: str) -> str:
    return next((advice for pattern, advice in _ADVICE if fnmatchcase(key, pattern)), _UNKNOWN)
