"""The stage's own domains before anything is changed: where their records go, and what AWS would wait or fail for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pocket.deploy.aws import zones
from pocket.deploy.stacks import certificates
from pocket.deploy.template.api_domains import deployed_domains, used_certificates
from pocket.deploy.template.cdn import CLOUDFRONT_ZONE, aliases_of
from pocket.deploy.template.certificate import REGION, used_by_distribution
from pocket.deploy.template.domains import RECORD_TYPES, domain_id, recorded
from pocket.deploy.template.outputs import target_output, target_zone_output
from pocket.errors import AWSCallFailed, PlanRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from pocket.config import Project, StageConfig
    from pocket.config.stage import Domain
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.releases.run import Options
    from pocket.deploy.reporting import Reporter


@dataclass(frozen=True)
class Domains:
    """What was found, by domain: ids of hosted zones, and ARNs of certificates that are in no stack of the stage's.

    `lines` describe in the plan what is added and removed.
    """

    zones: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


def examine(
    project: Project,
    stage: StageConfig,
    clients: Clients,
    deployed: Mapping[str, Any],
    reporter: Reporter,
    *,
    options: Options,
) -> Domains:
    """Looks at each domain of the stage; `deployed` is its stack's template.

    A certificate that waits for the user's records is requested, after a question, if anything may be made before the
    plan. Raises ConfigError, with the line of the domain, for what prevents it; PlanRefused where the certificate is
    not issued yet.
    """
    known = deployed_domains(deployed) | aliases_of(deployed) | {name for name, _, _ in recorded(deployed)}
    found_zones: dict[str, str] = {}
    arns: dict[str, str] = {}
    lines: list[str] = []
    for domain in stage.domains:
        new = domain.name not in known
        try:
            if new and domain.handler is not None:
                _refuse_taken(clients, domain)
            zone = _zone(clients, domain, deployed, reporter) if domain.create_records else None
        except PlanRefused as error:
            raise project.error(stage.name, domain.path, error.message, error.hint) from error
        if zone is not None:
            found_zones[domain.name] = zone.zone_id
        if new:
            lines.append(_line(domain, zone))
    for domains in together(stage):
        arn = _outside(project, stage, clients, domains, reporter, options=options)
        arns.update({domain.name: arn for domain in domains if arn is not None})
    return Domains(found_zones, arns, (*lines, *_going(stage, deployed)))


def together(stage: StageConfig) -> Iterator[list[Domain]]:
    """The domains that have a certificate in common: each of an API has its own, all of the distribution have one."""
    yield from ([domain] for domain in stage.domains if domain.handler is not None)
    if of_distribution := [domain for domain in stage.domains if domain.handler is None]:
        yield of_distribution


def _outside(
    project: Project,
    stage: StageConfig,
    clients: Clients,
    domains: Sequence[Domain],
    reporter: Reporter,
    *,
    options: Options,
) -> str | None:
    """The ARN of the domains' certificate if that is in no stack of Pocket's: the user's own, or a requested one."""
    first, names = domains[0], [domain.name for domain in domains]
    there = clients.in_region(REGION) if first.handler is None else clients
    if first.certificate_arn is None and not first.create_records:
        return _requested(there, stage, names, reporter, options=options)
    if first.certificate_arn is not None and clients.target.delegated:
        try:
            certificates.check(there, first.certificate_arn, names)
        except PlanRefused as error:
            raise project.error(stage.name, first.path, error.message, error.hint) from error
    return first.certificate_arn


def to_enter(stage: StageConfig, outputs: Mapping[str, str], already: Mapping[str, Any]) -> Iterator[str]:
    """What to enter in DNS for each domain without records of Pocket's that is not in the template `already`."""
    before = deployed_domains(already) | aliases_of(already)
    for domain in stage.domains:
        handler = domain.handler or stage.cdn_handler or ""
        target = outputs.get(target_output(handler))
        if domain.create_records or domain.name in before or target is None:
            continue
        zone = CLOUDFRONT_ZONE if domain.handler is None else outputs.get(target_zone_output(handler), "")
        yield (
            f"Enter a record where the DNS of {domain.name} is: {domain.name} CNAME {target}. In Route 53, or where the"
            f" domain is the zone's own name, an alias (ALIAS, ANAME) to the same name; its hosted zone is {zone}."
        )


def remove_unused(
    clients: Clients, stage: StageConfig, before: Mapping[str, Any], after: Mapping[str, Any], reporter: Reporter
) -> None:
    """Deletes certificates that Pocket requested and that the template used before."""
    for there, used in ((clients, used_certificates), (clients.in_region(REGION), used_by_distribution)):
        for certificate in certificates.requested_of(there, stage, sorted(used(before) - used(after))):
            _remove(there, certificate, reporter)


def _remove(clients: Clients, certificate: certificates.Certificate, reporter: Reporter) -> None:
    try:
        reporter.note(f"Removed {certificates.delete(clients, certificate.arn)}, which nothing uses any more.")
    except AWSCallFailed as error:
        reporter.note(f"Certificate {certificate.arn} is left: {error.message} `pocket destroy` removes it.")


def _zone(clients: Clients, domain: Domain, deployed: Mapping[str, Any], reporter: Reporter) -> zones.Zone:
    """The domain's hosted zone; what AWS would wait for is compared where the zone is not in use already."""
    if not clients.target.delegated:
        return zones.rehearsed(clients, domain.name)
    zone = zones.find_zone(clients, domain.name, domain.zone_id)
    if any((domain.name, kind, zone.zone_id) in recorded(deployed) for kind in RECORD_TYPES):
        return zone
    if domain.certificate_arn is None:
        zones.check_delegation(clients, zone, reporter)
    zones.check_records(clients, zone, domain.name)
    return zone


def _refuse_taken(clients: Clients, domain: Domain) -> None:
    try:
        clients.apigatewayv2.get_domain_name(DomainName=domain.name)
    except AWSCallFailed as error:
        if error.code == "NotFoundException":
            return
        raise
    raise PlanRefused(
        f"API Gateway has the domain {domain.name} already in {clients.target.region}, and not from this stage.",
        "Use another domain. Or remove it where it is used: `aws apigatewayv2 delete-domain-name --domain-name"
        f" {domain.name}`.",
    )


def _requested(clients: Clients, stage: StageConfig, names: Sequence[str], reporter: Reporter, options: Options) -> str:
    """The ARN of the issued certificate that Pocket requested for the names, now or in an earlier deploy."""
    listed = ", ".join(names)
    found = certificates.requested(clients, stage, names)
    if found is None:
        if options.careful:
            raise PlanRefused(
                f"A deploy first requests a certificate for {listed}, and ends until that is issued.",
                f"Begin with that: pocket deploy --stage {stage.name}",
            )
        question = f"Request a certificate for {listed}, which waits for a record that you enter?"
        if not options.assume_yes and not reporter.confirm(question):
            raise PlanRefused(
                f"No certificate was requested for {listed}; nothing was changed.",
                "Pass --yes to request it without being asked, or set certificate_arn.",
            )
        found = certificates.request(clients, stage, names)
    if found.status == certificates.ISSUED:
        return found.arn
    if found.status != certificates.PENDING:
        raise PlanRefused(
            f"Certificate {found.arn} for {listed} was not issued: its status is {found.status}.",
            f"`aws acm describe-certificate --region {clients.target.region} --certificate-arn {found.arn}` shows why.",
        )
    entered = "\n".join(f"{name} CNAME {value}" for name, value in found.records)
    raise PlanRefused(
        f"The certificate for {listed} is not issued yet, so stage {stage.name!r} was not deployed. ACM waits for"
        f" this record:\n{entered}",
        f"Enter it where the DNS of {listed} is, and keep it: ACM renews the certificate by it. Then deploy again;"
        " ACM sees the record after some minutes.",
    )


def _line(domain: Domain, zone: zones.Zone | None) -> str:
    own = domain.certificate_arn
    issued = f"certificate {own}" if own is not None else "certificate of ACM"
    target = "the distribution" if domain.handler is None else f"the API of handler {domain.handler}"
    if zone is None:
        return f"{domain.name}: {issued}; its records are not created by Pocket. Leads to {target}."
    validated = "" if own is not None else ", validated there"
    return f"{domain.name}: hosted zone {zone}; {issued}{validated}; records {' and '.join(RECORD_TYPES)} to {target}."


def _going(stage: StageConfig, deployed: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(deployed_domains(deployed) - {domain.name for domain in stage.domains}):
        kept = domain_id(name, "RecordA") in (deployed.get("Resources") or {})
        records = " with its records" if kept else "; remove its records where you entered them"
        yield f"{name}: removed once the new release is live{records}."
