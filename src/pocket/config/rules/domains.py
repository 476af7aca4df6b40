"""Rules for domains: one owner for each, keys that fit together, a certificate where the stage is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pocket.config.issues import Issue
from pocket.config.overlay import KeyPath
from pocket.config.stage import StageConfig
from pocket.config.tables.handlers import ApiGateway

_OF_DOMAINS = ("create_records", "hosted_zone_id_override", "certificate_arn", "default_endpoint")
"""Keys of `apigateway` that have an effect only with a domain."""


def issues(stage: StageConfig) -> Iterator[Issue]:
    """The issues with the domains of one stage."""
    taken: dict[str, KeyPath] = {}
    for domain in stage.domains:
        if domain.name in taken:
            message = f"The domain {domain.name} is also declared by {'.'.join(map(str, taken[domain.name]))}."
            yield Issue(domain.path, "twice", message, "A domain leads to one place.", (taken[domain.name],))
        taken.setdefault(domain.name, domain.path)
    for name, handler in (stage.awscontainer.handlers if stage.awscontainer else {}).items():
        if handler.apigateway is not None:
            yield from _of_api(stage, handler.apigateway, ("awscontainer", "handlers", name, "apigateway"))


def _of_api(stage: StageConfig, declared: ApiGateway, path: KeyPath) -> Iterator[Issue]:
    if declared.domain is None:
        for key in _OF_DOMAINS:
            if getattr(declared, key) != ApiGateway.model_fields[key].default:
                message = "This key has no effect without a domain."
                yield Issue((*path, key), "no-domain", message, "Add domain, or remove this key.", ((*path, "domain"),))
        return
    if not declared.create_records and declared.hosted_zone_id_override is not None:
        message = "With create_records = false, no hosted zone is used."
        needs = ((*path, "create_records"),)
        yield Issue((*path, "hosted_zone_id_override"), "no-records", message, "Remove one of the two.", needs)
    if declared.certificate_arn is not None and (region := declared.certificate_arn.split(":")[3]) != stage.region:
        message = f"The certificate is in {region}; an API in {stage.region} needs one in {stage.region}."
        hint = f"Request or import it in {stage.region}, or remove this key: Pocket then creates one."
        yield Issue((*path, "certificate_arn"), "region", message, hint, (("general", "region"),))


def shared(stages: Sequence[StageConfig]) -> Iterator[tuple[str, Issue]]:
    """The issues with stages that have the same domain."""
    taken: dict[str, str] = {}
    for stage in stages:
        for domain in stage.domains:
            other = taken.setdefault(domain.name, stage.name)
            if other != stage.name:
                message = f'The stages {other} and {stage.name} would share the domain "{domain.name}".'
                hint = f"Set it in the table of one stage: [{stage.name}.{'.'.join(map(str, domain.path[:-1]))}]."
                yield stage.name, Issue(domain.path, "shared", message, hint)
