"""The patterns for names in `pocket.toml`, each with its meaning in words.

They use only syntax that means the same in Rust (pydantic), ECMAScript (JSON Schema) and Python.
"""

from __future__ import annotations

from pocket import naming

STAGE = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
PREVIEWS = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*-?\*(-[a-z0-9]+)*$"
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
EMAIL = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
DURATION = r"^[1-9][0-9]{0,5}[smh]$"
ARN = r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:([0-9]{12}|\*)?:[!-~]+$"
ACCOUNT = r"^[0-9]{12}$"
ACTION = r"^(\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$"
PERMITTED = r"^(\*|arn:[!-~]+|\$\{[A-Za-z0-9]+(\.[A-Za-z0-9.]+)?\}[!-~]*)$"
POLICY_ARN = r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+$"
TOPIC_ARN = r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$"
STREAM_ARN = r"^arn:aws[a-z-]*:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+/stream/[0-9T:.-]+$"
EVENT_BUS = r"^(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[A-Za-z0-9_./-]+$"
HOST = r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"
DATABASE_RESOURCE = r"^(cluster|db|prx)-[A-Za-z0-9]+$"
SUBNET = r"^subnet-[0-9a-f]{8,17}$"
SECURITY_GROUP = r"^sg-[0-9a-f]{8,17}$"
NEON_ID = r"^[a-z0-9-]{1,60}$"
KEY_PART = r"^([A-Za-z0-9!_.'()=+@,:-][A-Za-z0-9!_.'()=+@,:/-]*)?$"
ZONE_ID = r"^Z[A-Z0-9]{1,31}$"
EDGE_CERTIFICATE_ARN = r"^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$"
CERTIFICATE_ARN = r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$"
ORIGIN = r"^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$"
WEB_ACL = r"^arn:aws[a-z-]*:wafv2:us-east-1:[0-9]{12}:global/webacl/[!-~]+$"
BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
LOG_PREFIX = r"^([A-Za-z0-9!_.()-]+/)*$"
CONFIGURATION_SET = r"^[A-Za-z0-9_-]{1,64}$"
OBJECT_DIRECTORY = r"^[A-Za-z0-9!_'()-][A-Za-z0-9!_.'()-]*(/[A-Za-z0-9!_'()-][A-Za-z0-9!_.'()-]*)*/?$"

MEANINGS = {
    PREVIEWS: "names of stages with one `*` for a part of them, such as preview-*",
    STAGE: "the name of a stage: lowercase letters, digits and single hyphens between them, starting with a letter",
    PROJECT: "lowercase letters, digits and hyphens, without a hyphen at either end",
    PREFIX: "lowercase letters, digits and hyphens, starting with a letter",
    REGION: 'the name of an AWS region, such as "ap-northeast-1"',
    HANDLER: "the name of a handler: lowercase letters, digits, hyphens and underscores, starting with a letter",
    VARIABLE: "the name of an environment variable: a letter, then at least one letter, digit or underscore",
    SUFFIX: "letters, digits and underscores",
    SETTING: "the name of a Django setting: capital letters, digits and underscores, starting with a letter",
    DOTTED_PATH: f'the dotted path of a function, such as "{naming.WSGI_HANDLER}"',
    APPLICATION: 'a module and an attribute, such as "config.api:app"',
    HOST: 'the name of a host, such as "board.cluster-abc.eu-west-1.rds.amazonaws.com"',
    DATABASE_RESOURCE: 'the resource id of a cluster, an instance or a proxy, such as "cluster-ABCDEFGHIJKL"',
    SUBNET: 'the id of a subnet, such as "subnet-0a1b2c3d4e5f60718"',
    SECURITY_GROUP: 'the id of a security group, such as "sg-0a1b2c3d4e5f60718"',
    NEON_ID: 'the id of a project on Neon, such as "shiny-wind-028834"',
    PATH_PREFIX: 'the beginning of a path, such as "/api", without a trailing slash',
    REQUEST_PATH: 'a percent-encoded path, such as "/health/" or "/?ready=1"',
    EMAIL: 'an address, such as "team@example.com"',
    DURATION: 'a duration in seconds, minutes or hours, such as "15m"',
    ARN: 'an ARN, such as "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:name-AbCdEf"',
    ACCOUNT: 'the number of an AWS account: 12 digits in quotation marks, such as "123456789012"',
    ACTION: 'an action of IAM: a service in lowercase, a colon and a name, such as "s3:GetObject"',
    PERMITTED: 'an ARN, a reference such as "${Table.Arn}", or "*" for every resource',
    POLICY_ARN: 'the ARN of an IAM policy, such as "arn:aws:iam::123456789012:policy/boundary"',
    TOPIC_ARN: 'the ARN of an SNS topic that is not FIFO, such as "arn:aws:sns:ap-northeast-1:123456789012:orders"',
    STREAM_ARN: "the ARN of a table's stream, such as"
    ' "arn:aws:dynamodb:ap-northeast-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"',
    EVENT_BUS: 'the name or the ARN of an event bus, such as "default"',
    KEY_PART: 'part of an object\'s key, such as "media/" or ".jpg", without wildcards or a leading slash',
    ZONE_ID: 'the id of a hosted zone of Route 53, such as "Z0123456789ABCDEFGHIJ"',
    EDGE_CERTIFICATE_ARN: "the ARN of a certificate in us-east-1, the region of CloudFront's certificates",
    CERTIFICATE_ARN: 'the ARN of a certificate, such as "arn:aws:acm:eu-west-1:123456789012:certificate/01-23"',
    ORIGIN: 'the origin of a site, such as "https://www.example.com", without a path, or "*"',
    WEB_ACL: "the ARN of a web ACL of AWS WAF for CloudFront, whose region is us-east-1 and whose scope is global",
    BUCKET: "the name of an S3 bucket",
    LOG_PREFIX: 'the prefix of object keys, such as "board/", with a slash at its end',
    CONFIGURATION_SET: "the name of an SES configuration set: letters, digits, underscores and hyphens",
    OBJECT_DIRECTORY: 'the prefix of object keys, such as "static", without a leading slash or dot',
}
"""What follows "expected" in the message about a value that does not match."""
