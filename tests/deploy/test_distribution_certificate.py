"""The certificate of a distribution on the local AWS: a stack in us-east-1, whatever the stage's region."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploying import SMALL, PlanRecorder, project

from pocket.config import StageConfig
from pocket.config.stage import Domain
from pocket.deploy.aws.session import Clients
from pocket.deploy.operate import destroy
from pocket.deploy.releases.distribution_certificate import issued, settle
from pocket.deploy.releases.domains import Domains, together
from pocket.deploy.releases.run import Options
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.target import Target
from pocket.deploy.template.certificate import REGION, used_by_distribution
from pocket.deploy.template.deployer import deployer_policy
from pocket.deploy.template.marks import marks
from pocket.errors import DeployError, PlanRefused

BOUNDED = SMALL.replace('"small"', '"cdn"').replace(
    "[awscontainer]\n", '[awscontainer]\npermissions_boundary = "arn:aws:iam::123456789012:policy/b"\n', 1
)
STACK = "pocket-dev-cdn-certificate"


class Site:
    """A stage whose distribution has the given domains."""

    def __init__(self, folder: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = project(folder, BOUNDED).stage("dev")
        self.clients = clients.in_region(REGION)
        self.monkeypatch = monkeypatch

    def has(self, *names: str, **more: Any) -> Domains:
        """Gives the distribution those domains; returns what a look at them finds."""
        domains = tuple(Domain(name, ("cloudfront", "domain"), None, **more) for name in names)
        self.monkeypatch.setattr(StageConfig, "domains", domains)
        return Domains(dict.fromkeys(names, "Z0123456789ABC"))

    def plans(self, recorder: PlanRecorder | None = None) -> Plans:
        return Plans(self.clients, recorder or PlanRecorder(), tags=marks(self.stage))

    def issue(self, found: Domains, recorder: PlanRecorder | None = None) -> dict[str, str]:
        with self.plans(recorder) as plans:
            return issued(self.stage, plans, found, Options())[0]

    def settle(self, found: Domains, before: str = "") -> None:
        viewer = {"DistributionConfig": {"ViewerCertificate": {"AcmCertificateArn": before}}} if before else {}
        body = {"Resources": {"D": {"Type": "AWS::CloudFront::Distribution", "Properties": viewer}}} if before else {}
        with self.plans() as plans:
            settle(self.stage, plans, found, body)

    def certificates(self) -> set[str]:
        return {item["CertificateArn"] for item in self.clients.acm.list_certificates()["CertificateSummaryList"]}


@pytest.fixture
def site(tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    found = Site(tmp_path, clients, monkeypatch)
    yield found
    found.has("left.example.com")
    destroy.destroy(found.stage, clients.target, PlanRecorder())
    assert found.certificates() == set()


def test_the_certificate_is_issued_in_us_east_1_and_asked_for_once(site: Site) -> None:
    found, recorder = site.has("www.example.com", "example.com"), PlanRecorder()
    arns = site.issue(found, recorder)
    [arn] = set(arns.values())
    assert arns.keys() == {"www.example.com", "example.com"}
    assert arn.startswith(f"arn:aws:acm:{REGION}:")
    assert site.certificates() == {arn}
    assert [row.kind for rows in recorder.plans for row in rows] == ["AWS::CertificateManager::Certificate"]
    with site.plans() as plans:
        more = site.has("www.example.com", "other.example.com")
        unknown, rows = issued(site.stage, plans, more, Options(looks=True))
    assert "000000000000" in unknown["other.example.com"]
    assert [row.action for row in rows] == ["add"]
    assert site.certificates() == {arn}, "a plan requests none"
    found = site.has("www.example.com", "example.com")
    again = PlanRecorder()
    assert site.issue(found, again) == arns
    assert (again.plans, again.questions) == ([], [])
    stack = site.clients.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    assert marks(site.stage).items() <= {item["Key"]: item["Value"] for item in stack["Tags"]}.items()


def test_declining_the_certificate_makes_none(site: Site) -> None:
    with pytest.raises(PlanRefused, match="The certificate was not confirmed"):
        site.issue(site.has("www.example.com"), PlanRecorder(agrees=False))
    assert site.certificates() == set()


def test_another_certificate_stands_beside_the_one_in_use_until_the_release_is_live(site: Site) -> None:
    [before] = site.issue(site.has("old.example.com")).values()
    found = site.has("new.example.com")
    [after] = site.issue(found).values()
    assert site.certificates() == {before, after}
    site.settle(found, before)
    assert site.certificates() == {after}


def test_without_a_domain_the_stack_goes_once_nothing_uses_it(site: Site) -> None:
    [before] = site.issue(site.has("www.example.com")).values()
    found = site.has()
    assert site.issue(found) == {}
    site.settle(found)
    assert site.certificates() == {before}, "no distribution used it before, so nothing was looked for"
    site.settle(found, before)
    assert site.certificates() == set()


def test_a_certificate_that_is_in_no_stack_needs_none(site: Site) -> None:
    site.has("www.example.com")
    found = Domains({}, {"www.example.com": "arn:aws:acm:us-east-1:123456789012:certificate/own"})
    assert site.issue(found) == {}
    assert site.certificates() == set()


def test_a_stack_of_that_name_of_something_else_is_never_touched(site: Site) -> None:
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    site.clients.cloudformation.create_stack(StackName=STACK, TemplateBody=body)
    with pytest.raises(DeployError, match="was not made by Pocket"):
        site.issue(site.has("www.example.com"))
    site.clients.cloudformation.delete_stack(StackName=STACK)


def test_all_domains_of_a_distribution_have_one_certificate(site: Site) -> None:
    site.has("www.example.com", "example.com")
    assert [[domain.name for domain in domains] for domains in together(site.stage)] == [
        ["www.example.com", "example.com"]
    ]


def test_the_deployer_may_do_the_same_in_us_east_1(site: Site) -> None:
    site.has("www.example.com")
    found = {item["Sid"]: item for item in deployer_policy(site.stage)["Statement"]}
    assert f"arn:aws:cloudformation:us-east-1:123456789012:stack/{STACK}/*" in found["Stacks"]["Resource"]
    assert found["CertificatesOfDistribution"]["Resource"] == "arn:aws:acm:us-east-1:123456789012:certificate/*"
    assert "DomainNames" not in found
    site.has("www.example.com", certificate_arn="arn:aws:acm:us-east-1:123456789012:certificate/own")
    found = {item["Sid"]: item for item in deployer_policy(site.stage)["Statement"]}
    assert STACK not in str(found["Stacks"])
    assert found["OwnCertificates"]["Resource"].endswith("certificate/own")


def test_a_distributions_certificate_is_found_in_a_template() -> None:
    viewer = {"ViewerCertificate": {"AcmCertificateArn": "arn"}}
    default = {"ViewerCertificate": {"CloudFrontDefaultCertificate": True}}
    kinds = {
        name: {"Type": "AWS::CloudFront::Distribution", "Properties": {"DistributionConfig": found}}
        for name, found in {"A": viewer, "B": default, "C": {}}.items()
    }
    assert used_by_distribution({"Resources": kinds}) == {"arn"}


def test_destroy_removes_the_stack_in_us_east_1(site: Site, target: Target) -> None:
    site.issue(site.has("www.example.com"))
    shown: list[str] = []

    def confirm(removal: destroy.Removal) -> bool:
        shown.extend(removal.lines())
        return True

    assert f"stack {STACK}" in destroy.destroy(site.stage, target, PlanRecorder(), confirm=confirm).removed
    assert shown == [f"stack {STACK} in {REGION}"]
