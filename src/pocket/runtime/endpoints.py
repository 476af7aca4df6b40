"""The endpoint of an AWS service: an override in the environment, as in AWS's SDKs, else the region's endpoint.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import os

_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}
_OVERRIDE_WORDS = {"secretsmanager": "SECRETS_MANAGER", "email": "SESV2"}


def domain_suffix(region: str) -> str:
    """The domain of the endpoints in the partition of `region`."""
    for prefix, suffix in _SUFFIXES.items():
        if region.startswith(prefix):
            return suffix
    return "amazonaws.com"


def override(service: str) -> str | None:
    """The endpoint that the environment sets for `service`, without a trailing slash; None without one."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    word = _OVERRIDE_WORDS.get(service, service.upper())
    found = os.environ.get(f"AWS_ENDPOINT_URL_{word}") or os.environ.get("AWS_ENDPOINT_URL")
    return found.rstrip("/") if found else None


def endpoint(service: str, region: str) -> str:
    """The URL of `service` in `region`, without a trailing slash."""
    return override(service) or f"https://{service}.{region}.{domain_suffix(region)}"
