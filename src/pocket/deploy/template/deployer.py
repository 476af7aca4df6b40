"""The policy of a stage's deployer: what Pocket and CloudFormation need, on the stage's own resources.

A deployer creates roles and passes them to functions that run its code. So every permission on roles requires the
permissions boundary: without that condition, the policy would equal an administrator's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pocket.config.secret_references import Reference
from pocket.config.tables.database import Database
from pocket.deploy.template.boundary import ANY_ACCOUNT, place_of
from pocket.deploy.template.deployer_alarms import SUBSCRIPTIONS, alarm_statements
from pocket.deploy.template.deployer_cdn import cdn_statements
from pocket.deploy.template.deployer_domains import certificate_stacks, domain_statements
from pocket.deploy.template.intrinsics import allow
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.deploy.template.tasks import task_handlers
from pocket.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocket.config import StageConfig
    from pocket.deploy.template.boundary import Place

    Statement = dict[str, Any]

LIMIT = 6144
"""The characters that a managed policy may have in IAM, without white space."""

_SHORTEST = 20
"""How many characters of a stack's name CloudFormation keeps, at least, in a name that it derives."""

_STACKS = [
    "cloudformation:CancelUpdateStack",
    "cloudformation:ContinueUpdateRollback",
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:Describe*",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplate",
    "cloudformation:ListChangeSets",
    "cloudformation:ListStackResources",
]
_ALL_STACKS = ["cloudformation:DescribeStacks", "cloudformation:ListStacks"]
_BUCKETS = [
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketCors",
    "s3:DeleteBucketPolicy",
    "s3:Get*",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListTagsForResource",
    "s3:PutBucketCORS",
    "s3:PutBucketNotification",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
]
_OBJECTS = [
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:PutObject",
]
_ROLES_WITHIN = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
_ROLES = [
    "iam:DeleteRole",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
]
_FUNCTIONS = [
    "lambda:*FunctionConcurrency",
    "lambda:*FunctionEventInvokeConfig",
    "lambda:*FunctionUrlConfig",
    "lambda:AddPermission",
    "lambda:CreateAlias",
    "lambda:CreateFunction",
    "lambda:DeleteAlias",
    "lambda:DeleteFunction",
    "lambda:Get*",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
    "lambda:PublishVersion",
    "lambda:PutFunctionRecursionConfig",
    "lambda:RemovePermission",
    "lambda:*agResource",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
]
_MAPPINGS_OF_FUNCTIONS = [
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
]
_MAPPINGS = ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:*agResource"]
_LOGS = [
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:FilterLogEvents",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:*agResource",
]
_LOG_GROUPS = [
    "logs:DescribeIndexPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetDataProtectionPolicy",
]
ACCESS_LOGS = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
]
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html"""

_APIS = [
    "apigateway:DELETE",
    "apigateway:GET",
    "apigateway:PATCH",
    "apigateway:POST",
    "apigateway:PUT",
    "apigateway:*agResource",
]
_QUEUES = ["sqs:*Queue*", "sqs:*Message*"]
_SCHEDULES = ["scheduler:*Schedule*"]
_TAGS_OF_SCHEDULES = ["scheduler:*Resource"]
_RULES = ["events:*Rule", "events:*Targets*", "events:*agResource", "events:ListTagsForResource"]
_SECRETS = [
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
    "secretsmanager:*agResource",
]
_PARAMETERS = [
    "ssm:AddTagsToResource",
    "ssm:DeleteParameters",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
    "ssm:RemoveTagsFromResource",
]

_CLUSTERS = [
    "rds:AddTagsToResource",
    "rds:CreateDBCluster",
    "rds:DeleteDBCluster",
    "rds:DescribeDBClusters",
    "rds:RestoreDBClusterToPointInTime",
]
_INSTANCES = ["rds:AddTagsToResource", "rds:CreateDBInstance", "rds:DeleteDBInstance", "rds:DescribeDBInstances"]
"""The express configuration creates an instance with the cluster, which needs the permission for both."""
_FROM_DEFAULTS = ["rds:CreateDBCluster", "rds:CreateDBInstance", "rds:RestoreDBClusterToPointInTime"]
"""What needs a permission for the account's default groups of parameters, options and subnets, too:
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/security_iam_id-based-policy-examples.html"""
_SNAPSHOTS = ["rds:CreateDBClusterSnapshot"]

_NETWORK = [
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
]


def deployer_policy(stage: StageConfig) -> dict[str, Any]:
    """The policy document of the stage's deployer. Raises PlanRefused where the stage has no permissions boundary."""
    boundary = stage.awscontainer.permissions_boundary if stage.awscontainer else None
    if boundary is None:
        raise PlanRefused(
            f"Stage {stage.name!r} has no awscontainer.permissions_boundary."
            " A user who may create roles without a boundary is an administrator.",
            f"Create a policy from `pocket permissions --stage {stage.name} --boundary`, and set it in pocket.toml:"
            f' permissions_boundary = "arn:aws:iam::ACCOUNT:policy/{stage.stack_name}-boundary".',
        )
    place = place_of(stage)
    found = [
        *_storage(stage, place),
        *_roles(stage, place, boundary),
        *_functions(stage, place),
        *_fronts(stage, place),
        *_events(stage, place),
        *domain_statements(stage, place),
        *cdn_statements(stage, place),
        *_mail(stage),
        *alarm_statements(stage, place),
        *_secrets(stage, place),
        *_cluster(stage, place),
        *_neon(stage, place),
        *_network(stage),
    ]
    return {"Version": "2012-10-17", "Statement": found}


def parts(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The policy as policies that IAM takes: as few as their order allows, each with whole statements."""
    found: list[dict[str, Any]] = [{**policy, "Statement": []}]
    for statement in policy["Statement"]:
        longer = {**policy, "Statement": [*found[-1]["Statement"], statement]}
        if size(longer) > LIMIT and found[-1]["Statement"]:
            found.append({**policy, "Statement": [statement]})
        else:
            found[-1] = longer
    return found


def size(policy: dict[str, Any]) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(policy, separators=(",", ":")))


def _storage(stage: StageConfig, place: Place) -> Iterator[Statement]:
    artifacts = artifact_bucket_name(stage, place.account)
    if place.account == ANY_ACCOUNT:
        # The digits at its end depend on the account.
        artifacts = f"{artifacts.rpartition('-')[0]}-*"
    buckets = [place.bucket(name) for name in (artifacts, stage.bucket_name) if name]
    stacks = (stage.stack_name, storage_stack_name(stage))
    found = [place.arn("cloudformation", f"stack/{name}/*") for name in stacks]
    yield allow("Stacks", _STACKS, [*found, *certificate_stacks(stage, place)])
    yield allow("FindStacks", _ALL_STACKS, ["*"])
    yield allow("Buckets", _BUCKETS, buckets)
    yield allow("Objects", _OBJECTS, [f"{bucket}/*" for bucket in buckets])


def _roles(stage: StageConfig, place: Place, boundary: str) -> Iterator[Statement]:
    """CloudFormation names the roles: the stack's name, which may be cut, the logical id and random characters."""
    roles = [place.role(_derived(stage))]
    yield allow("RolesWithinTheBoundary", _ROLES_WITHIN, roles, StringEquals={"iam:PermissionsBoundary": boundary})
    yield allow("Roles", _ROLES, roles)
    services = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
    passed = {"StringEquals": {"iam:PassedToService": services}}
    yield allow("RolesOfFunctionsAndSchedules", ["iam:PassRole"], roles, **passed)


def _functions(stage: StageConfig, place: Place) -> Iterator[Statement]:
    named = f"{stage.stack_name}-*"
    functions = place.arn("lambda", f"function:{named}")
    groups = [place.arn("logs", f"log-group:/aws/lambda/{named}")]
    if _access_logs(stage):
        groups.append(place.arn("logs", f"log-group:/aws/vendedlogs/apis/{named}"))
    yield allow("Functions", _FUNCTIONS, [functions])
    yield allow("Logs", _LOGS, groups)
    yield allow("LogGroups", _LOG_GROUPS, ["*"])
    yield allow("QueuesToFunctions", _MAPPINGS_OF_FUNCTIONS, ["*"], ArnLike={"lambda:FunctionArn": functions})
    yield allow("QueueMappings", _MAPPINGS, [place.arn("lambda", "event-source-mapping:*")])
    yield allow("Queues", _QUEUES, [place.arn("sqs", named)])
    schedules, actions = [place.arn("scheduler", f"schedule/default/{_derived(stage)}")], _SCHEDULES
    if task_handlers(stage):
        schedules.append(place.arn("scheduler", f"schedule-group/{stage.stack_name}"))
        actions = [*_SCHEDULES, *_TAGS_OF_SCHEDULES]
    yield allow("Schedules", actions, schedules)


def _derived(stage: StageConfig) -> str:
    """A pattern of the names that CloudFormation derives from the stack's."""
    return f"{stage.stack_name}-*" if len(stage.stack_name) <= _SHORTEST else f"{stage.stack_name[:_SHORTEST]}*"


def _events(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """Subscriptions to the topics and rules on the buses that the handlers' events name."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    events = [event for handler in handlers.values() for event in handler.events]
    if topics := sorted({event.sns.topic for event in events if event.sns is not None}):
        yield allow("Subscribe", ["sns:Subscribe"], topics)
        yield allow("Subscriptions", SUBSCRIPTIONS, ["*"])
    named = {event.eventbridge.bus for event in events if event.eventbridge is not None}
    buses = {bus.partition(":event-bus/")[2] or bus for bus in named}
    if buses:
        rules = sorted(f"rule/{bus}/{_derived(stage)}" for bus in buses - {"default"})
        if "default" in buses:
            rules.append(f"rule/{_derived(stage)}")
        yield allow("Rules", _RULES, [place.arn("events", rule) for rule in rules])


def _mail(stage: StageConfig) -> Iterator[Statement]:
    """What the gate of mail reads: the state of the account's SES, which has no resource, and of identities."""
    if stage.ses is not None:
        yield allow("Mail", ["ses:GetAccount", "ses:GetEmailIdentity"], ["*"])


def _fronts(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """HTTP APIs have ids instead of names: a deployer with an HTTP API may change every API of the region."""
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    if any(handler.apigateway is not None for handler in handlers.values()):
        paths = [f"arn:{place.partition}:apigateway:{place.region}::/{path}" for path in ("apis", "apis/*", "tags/*")]
        yield allow("HttpApis", _APIS, paths)
    if _access_logs(stage):
        yield allow("AccessLogs", ACCESS_LOGS, ["*"])


def _access_logs(stage: StageConfig) -> bool:
    handlers = stage.awscontainer.handlers if stage.awscontainer else {}
    return any(handler.apigateway is not None and handler.apigateway.access_log for handler in handlers.values())


def _secrets(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The secrets that Pocket generates, and the dates of all secrets: a newer one renews the functions.

    A stage that generates none any more may still have some, which `pocket destroy` removes.
    """
    ids = {(item.service, item.secret_id) for item in stage.secret_variables}
    dated = sorted(_secret_arn(place, name) for service, name in ids if service == "secretsmanager")
    if dated:
        yield allow("DatesOfSecrets", ["secretsmanager:DescribeSecret"], dated)
    parameters = sorted(_parameter_arn(place, name) for service, name in ids if service == "ssm")
    if parameters:
        yield allow("DatesOfParameters", ["ssm:GetParameters"], parameters)
    if stage.secretsmanager.store == "ssm":
        root = f"parameter/{stage.pocket_key.strip('/')}"
        yield allow("GeneratedParameters", _PARAMETERS, [place.arn("ssm", name) for name in (root, f"{root}/*")])
    else:
        # The ARN of a secret that does not exist yet lacks the six characters after its name.
        names = [f"secret:{stage.pocket_key}{end}" for end in ("", "-??????")]
        yield allow("GeneratedSecrets", _SECRETS, [place.arn("secretsmanager", name) for name in names])


def _cluster(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The stage's Aurora cluster with its instances, whose names begin with the cluster's, and its last snapshot."""
    name = stage.cluster_name
    if name is not None:
        first = stage.formatted(Database.model_fields["cluster"].default)
        name = first if name.startswith(first) else name  # a copy, which the one before may be, too
        yield allow("Cluster", _CLUSTERS, [place.arn("rds", f"cluster:{name}*")])
        yield allow("ClusterInstances", _INSTANCES, [place.arn("rds", f"{kind}:{name}*") for kind in ("db", "cluster")])
        defaults = [place.arn("rds", f"{kind}:default*") for kind in ("cluster-pg", "og", "pg", "subgrp")]
        yield allow("ClusterDefaults", _FROM_DEFAULTS, defaults)
        yield allow("ClusterSnapshots", _SNAPSHOTS, [place.arn("rds", f"cluster-snapshot:{name[:40]}*")])


def _neon(stage: StageConfig, place: Place) -> Iterator[Statement]:
    """The secret with the key of Neon's API."""
    declared = None if stage.database is None else stage.database.api_key_secret
    if declared is None:
        return
    reference = Reference.parse(stage.formatted(declared))
    if (reference.service or stage.secretsmanager.store) == "ssm":
        yield allow("KeyOfNeon", ["ssm:GetParameters"], [_parameter_arn(place, reference.secret_id)])
    else:
        yield allow("KeyOfNeon", ["secretsmanager:GetSecretValue"], [_secret_arn(place, reference.secret_id)])


def _network(stage: StageConfig) -> Iterator[Statement]:
    """What Lambda, CloudFormation and the deploy read of the network, which has no resource."""
    if stage.vpc is not None:
        yield allow("Network", _NETWORK, ["*"])


def _secret_arn(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else place.arn("secretsmanager", f"secret:{name}-??????")


def _parameter_arn(place: Place, name: str) -> str:
    return name if name.startswith("arn:") else place.arn("ssm", f"parameter/{name.removeprefix('/')}")
