"""The distribution in a stage's template, by cfn-lint and by what it must never do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from deploying import CDN, FULL, SECRETS, inputs, project
from hypothesis import given, settings
from hypothesis import strategies as st

from pocket.config import Project
from pocket.deploy.build.invalidation import A_CALL, paths_of
from pocket.deploy.releases.domains import to_enter
from pocket.deploy.template import render, render_storage
from pocket.deploy.template.cdn import DISTRIBUTION, account_wide_name
from pocket.deploy.template.domains import before_look
from pocket.deploy.template.outputs import addresses, routes
from pocket.deploy.template.steps import candidate, settled
from pocket.deploy.template.storage_steps import storage_candidate, storage_settled
from pocket.deploy.template.validate import lint
from pocket.local.launcher.edge import rewritten

ACCOUNT = "123456789012"


def rendered(found: Project, **more: Any) -> dict[str, Any]:
    return render(inputs(found, **{"secrets": SECRETS, **more})).body


def config_of(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["Resources"][DISTRIBUTION]["Properties"]["DistributionConfig"]
    return found


def function_code(body: dict[str, Any]) -> str:
    return str(body["Resources"]["CloudFrontRewrites"]["Properties"]["FunctionCode"])


def test_cfn_lint_finds_nothing_in_the_templates_of_a_distribution(tmp_path: Path) -> None:
    found = project(tmp_path, CDN)
    assert lint(json.dumps(rendered(found)), "eu-central-1") == []
    assert lint(render_storage(found.stage("dev"), ACCOUNT, "E1").to_json(), "eu-central-1") == []


def test_an_error_is_cached_no_longer_than_its_headers_say_and_keeps_its_page(tmp_path: Path) -> None:
    found = config_of(rendered(project(tmp_path, CDN)))["CustomErrorResponses"]
    always = {404, 414, 500, 501, 502, 503, 504}
    with_max_age = {400, 403, 405}
    assert {item["ErrorCode"] for item in found} == always | with_max_age
    assert all(item.keys() == {"ErrorCode", "ErrorCachingMinTTL"} and not item["ErrorCachingMinTTL"] for item in found)


def test_the_secret_is_a_parameter_that_nothing_shows_and_part_of_no_body(tmp_path: Path) -> None:
    template = render(inputs(project(tmp_path, CDN), secrets=SECRETS))
    secret = SECRETS["POCKET_ORIGIN_SECRET"]
    assert secret not in template.to_json()
    assert secret not in repr(template)
    assert template.parameters["OriginSecret"] == secret
    assert template.body["Parameters"]["OriginSecret"] == {"Type": "String", "NoEcho": True}
    site = config_of(template.body)["Origins"][0]
    assert site["OriginCustomHeaders"] == [{"HeaderName": "x-pocket-origin", "HeaderValue": {"Ref": "OriginSecret"}}]


def test_a_new_secret_makes_new_versions_by_its_date_alone_since_lambda_refuses_two_of_one_function(
    tmp_path: Path,
) -> None:
    found, secrets = project(tmp_path, CDN), {**SECRETS, "POCKET_ORIGIN_SECRET": "x" * 50}

    def versions(body: dict[str, Any]) -> set[str]:
        return {name for name, item in body["Resources"].items() if item["Type"] == "AWS::Lambda::Version"}

    before = versions(rendered(found))
    assert versions(rendered(found, secrets=secrets)) == before
    assert not versions(rendered(found, secrets=secrets, secrets_changed="2026-11-28T09:00:00Z")) & before


def test_a_new_key_pair_is_another_public_key_since_cloudfront_changes_none(tmp_path: Path) -> None:
    found = project(tmp_path, CDN)
    body = rendered(found)
    [key] = [name for name, item in body["Resources"].items() if item["Type"] == "AWS::CloudFront::PublicKey"]
    assert body["Resources"]["CloudFrontKeyGroup"]["Properties"]["KeyGroupConfig"]["Items"] == [{"Ref": key}]
    variables = body["Resources"]["WebFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["POCKET_CLOUDFRONT_KEY_ID"] == {"Ref": key}
    public = body["Resources"][key]["Properties"]["PublicKeyConfig"]["EncodedKey"]
    assert public.startswith("-----BEGIN PUBLIC KEY-----")


def test_hosts_address_and_route_are_those_of_the_distribution(tmp_path: Path) -> None:
    found = project(tmp_path, CDN)
    body = rendered(found)
    variables = body["Resources"]["WebFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["POCKET_WEB_HOST"] == {"Fn::Sub": "${CloudFrontDistribution.DomainName}"}
    assert "execute-api" not in json.dumps(variables)
    outputs = {"WebEndpoint": "https://d1.cloudfront.net", "WebApiId": "a1", "CloudFrontDistributionId": "E1"}
    assert addresses(found.stage("dev"), outputs)["web"] == "https://d1.cloudfront.net"
    assert routes(found.stage("dev"), outputs)["web"] == "E1"


def test_the_site_gets_everything_but_the_host_and_its_pages_are_cached_as_they_say(tmp_path: Path) -> None:
    body = rendered(project(tmp_path, CDN))
    site = config_of(body)["DefaultCacheBehavior"]
    assert site["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    policy = body["Resources"]["CloudFrontCaching"]["Properties"]["CachePolicyConfig"]
    assert (policy["MinTTL"], policy["DefaultTTL"]) == (0, 0)
    key = policy["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["CookiesConfig"] == {"CookieBehavior": "all"}
    assert {"authorization", "x-pocket-host"} <= set(key["HeadersConfig"]["Headers"])
    assert "host" not in key["HeadersConfig"]["Headers"], "an HTTP API answers to its own host alone"
    assert len(key["HeadersConfig"]["Headers"]) <= 10, "CloudFront's quota"


def test_the_template_can_be_checked_before_a_deploy_has_looked(tmp_path: Path) -> None:
    found = project(tmp_path, WITH_DOMAIN)
    zones, certificates = before_look(found.stage("dev"))
    body = render(inputs(found, zones=zones, certificates=certificates)).body
    assert lint(json.dumps(body), "eu-central-1") == []


def test_files_come_from_the_private_bucket_and_uploads_only_signed(tmp_path: Path) -> None:
    body = rendered(project(tmp_path, CDN))
    behaviors = {item["PathPattern"]: item for item in config_of(body)["CacheBehaviors"]}
    assert behaviors.keys() == {"/media/*", "/static/*"}
    assert behaviors["/media/*"]["TrustedKeyGroups"] == [{"Ref": "CloudFrontKeyGroup"}]
    assert "TrustedKeyGroups" not in behaviors["/static/*"]
    files = config_of(body)["Origins"][1]
    assert files["OriginAccessControlId"] == {"Fn::GetAtt": ["CloudFrontAccess", "Id"]}
    uploads = body["Resources"]["CloudFrontUploads"]["Properties"]["ResponseHeadersPolicyConfig"]
    assert "default-src 'none'" in json.dumps(uploads), "an uploaded page has the site's origin"


def test_the_bucket_is_open_to_that_distribution_alone(tmp_path: Path) -> None:
    stage = project(tmp_path, CDN).stage("dev")
    before, after = (render_storage(stage, ACCOUNT, known).body["Resources"] for known in (None, "E1"))
    assert [item["Effect"] for item in before["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]] == ["Deny"]
    allowed = after["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"].endswith(":distribution/E1")
    assert [item["Fn::Sub"].rpartition(":::")[2] for item in allowed["Resource"]] == [
        "pocket-dev-full/media/*",
        "pocket-dev-full/static/*",
    ]
    assert set(after["Bucket"]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_pages_of_named_sites_may_upload_what_the_project_signed(tmp_path: Path) -> None:
    [rule] = render_storage(project(tmp_path, CDN).stage("dev"), ACCOUNT).body["Resources"]["Bucket"]["Properties"][
        "CorsConfiguration"
    ]["CorsRules"]
    assert rule["AllowedOrigins"] == ["https://www.example.com"]
    assert rule["AllowedMethods"] == ["POST", "PUT"]


def test_a_stage_that_gets_a_distribution_stays_public_until_it_is_live(tmp_path: Path) -> None:
    public = render_storage(project(tmp_path / "before", FULL).stage("dev"), ACCOUNT).body
    wanted = render_storage(project(tmp_path / "after", CDN).stage("dev"), ACCOUNT, "E1")
    between = storage_candidate(wanted, public).body["Resources"]
    principals = [item["Principal"] for item in between["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]]
    assert "*" in principals
    assert {"Service": "cloudfront.amazonaws.com"} in principals
    assert between["Bucket"]["Properties"]["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is False
    last = storage_settled(wanted, public).body["Resources"]
    statements = last["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [item["Principal"] for item in statements if item["Effect"] == "Allow"] == [
        {"Service": "cloudfront.amazonaws.com"}
    ]


def test_a_distribution_is_created_with_the_candidate_and_changes_when_it_goes_live(tmp_path: Path) -> None:
    plain = render(inputs(project(tmp_path / "plain", FULL))).body
    wanted = rendered(project(tmp_path / "cdn", CDN))
    assert candidate(wanted, plain, {}, kept=())["Resources"][DISTRIBUTION] == wanted["Resources"][DISTRIBUTION]
    cheaper = rendered(project(tmp_path / "all", CDN.replace("PriceClass_100", "PriceClass_200")))
    assert candidate(cheaper, wanted, {}, kept=())["Resources"][DISTRIBUTION] == wanted["Resources"][DISTRIBUTION]
    assert DISTRIBUTION not in settled(plain, wanted, {}, kept=())["Resources"]


WITH_DOMAIN = (
    CDN
    + """
domain = "www.example.com"
aliases = ["example.com"]
"""
)


def test_a_domain_has_its_certificate_its_records_and_its_redirects(tmp_path: Path) -> None:
    found = project(tmp_path, WITH_DOMAIN)
    zones = {"www.example.com": "Z1", "example.com": "Z1"}
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/01-23"
    body = rendered(found, zones=zones, certificates=dict.fromkeys(zones, arn))
    assert lint(json.dumps(body), "eu-central-1") == []
    config = config_of(body)
    assert config["Aliases"] == ["www.example.com", "example.com"]
    assert config["ViewerCertificate"]["AcmCertificateArn"] == arn
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    records = [item["Properties"] for item in body["Resources"].values() if item["Type"] == "AWS::Route53::RecordSet"]
    assert {(item["Name"], item["Type"]) for item in records} == {
        (name, kind) for name in zones for kind in ("A", "AAAA")
    }
    assert all(item["AliasTarget"]["DNSName"] == {"Fn::GetAtt": [DISTRIBUTION, "DomainName"]} for item in records)
    variables = body["Resources"]["WebFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["POCKET_WEB_ENDPOINT"] == "https://www.example.com"
    apex = {**EVENT, "request": {**REQUEST, "headers": {"host": {"value": "example.com"}}}}
    answer = rewritten(function_code(body), apex)
    assert answer["headers"]["location"]["value"] == "https://www.example.com/a%20b/?q=%C3%BC"


def test_a_domains_records_come_when_the_release_goes_live(tmp_path: Path) -> None:
    plain = render(inputs(project(tmp_path / "plain", CDN), secrets=SECRETS)).body
    wanted = rendered(project(tmp_path / "domain", WITH_DOMAIN), zones={"www.example.com": "Z1"})
    new = {name for name, item in wanted["Resources"].items() if item["Type"] == "AWS::Route53::RecordSet"}
    assert len(new) == 2
    assert not new & candidate(wanted, plain, {}, kept=())["Resources"].keys()


def test_records_that_are_entered_elsewhere_are_shown_once(tmp_path: Path) -> None:
    stage = project(tmp_path, WITH_DOMAIN + "create_records = false\n").stage("dev")
    outputs = {"WebDomainTarget": "d1.cloudfront.net"}
    lines = list(to_enter(stage, outputs, {}))
    assert [line.partition(": ")[2].partition(".  ")[0][:46] for line in lines] == [
        "www.example.com CNAME d1.cloudfront.net. In Ro",
        "example.com CNAME d1.cloudfront.net. In Route ",
    ]
    body = rendered(project(tmp_path / "again", WITH_DOMAIN))
    assert list(to_enter(stage, outputs, body)) == []


def test_names_that_cloudfront_has_once_for_all_regions_differ_by_region_and_fit(tmp_path: Path) -> None:
    long = CDN.replace('project_name = "full"', f'project_name = "{"p" * 30}"')
    names = {
        account_wide_name(project(tmp_path / region, long.replace("eu-central-1", region)).stage("dev"))
        for region in ("eu-central-1", "us-west-2")
    }
    assert len(names) == 2
    assert all(len(name) <= 64 - len("-0123456789") + 2 for name in names)


SEGMENTS = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,8}", fullmatch=True)
LOCATIONS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


STORAGES = {
    "locations": st.lists(LOCATIONS, min_size=1, max_size=4, unique_by=str.lower),
    "kinds": st.lists(st.sampled_from(["", "static = true", "signed = true"]), min_size=4, max_size=4),
}


def served_from(folder: Path, locations: list[str], kinds: list[str]) -> dict[str, Any]:
    """The template of a stage with a storage at each location."""
    lines = [
        f"s{number} = {{ {', '.join(filter(None, [kinds[number]]))}{',' if kinds[number] else ''}"
        f' store = "cloudfront", location = "{location}" }}'
        for number, location in enumerate(locations)
    ]
    head, _, rest = CDN.partition("[awscontainer.django.storages]\n")
    text = f"{head}[awscontainer.django.storages]\n" + "\n".join(lines) + "\n" + rest[rest.index("[cloudfront]") :]
    return rendered(project(folder, text))


@settings(max_examples=3, deadline=None)
@given(**STORAGES)
def test_cfn_lint_finds_nothing_in_a_distribution_with_any_locations(
    tmp_path_factory: pytest.TempPathFactory, locations: list[str], kinds: list[str]
) -> None:
    body = served_from(tmp_path_factory.mktemp("locations"), locations, kinds)
    assert lint(json.dumps(body), "eu-central-1") == []


@settings(max_examples=40, deadline=None)
@given(**STORAGES)
def test_a_path_belongs_to_the_most_specific_location(
    tmp_path_factory: pytest.TempPathFactory, locations: list[str], kinds: list[str]
) -> None:
    body = served_from(tmp_path_factory.mktemp("locations"), locations, kinds)
    patterns = [item["PathPattern"] for item in config_of(body)["CacheBehaviors"]]
    for location in locations:
        matching = [pattern for pattern in patterns if f"/{location}/x".startswith(pattern[:-1])]
        assert matching[0] == f"/{location}/*"


HEADERS = {"host": {"value": "www.example.com"}, "x-pocket-client": {"value": "203.0.113.9"}}
REQUEST = {
    "method": "GET",
    "uri": "/a%20b/",
    "querystring": {"q": {"value": "%C3%BC"}},
    "headers": HEADERS,
    "cookies": {},
}
EVENT = {"version": "1.0", "viewer": {"ip": "2001:db8::7"}, "request": REQUEST}


def test_the_function_overwrites_what_a_viewer_invents(tmp_path: Path) -> None:
    result = rewritten(function_code(rendered(project(tmp_path, CDN))), EVENT)
    assert result["headers"]["x-pocket-client"] == {"value": "2001:db8::7"}
    assert result["headers"]["x-pocket-host"] == {"value": "www.example.com"}


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node to run CloudFront's JavaScript")
def test_the_function_does_the_same_in_javascript_and_on_the_local_aws(tmp_path: Path) -> None:
    code = function_code(rendered(project(tmp_path, CDN)))
    code = code.replace('{"domain": "", "aliases": []}', '{"domain": "www.example.com", "aliases": ["example.com"]}')
    many = {"q": {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]}, "r": {"value": ""}}
    apex = {**REQUEST, "headers": {"host": {"value": "example.com"}}, "querystring": many}
    for request in (REQUEST, apex, {**apex, "querystring": {}}, {**REQUEST, "headers": {}}):
        event = {**EVENT, "request": request}
        script = f"{code}\nconsole.log(JSON.stringify(handler({json.dumps(event)})))"
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
        assert rewritten(code, event) == json.loads(done.stdout)


def test_only_what_changed_is_invalidated_as_a_browser_asks_for_it() -> None:
    assert paths_of(["static/b c.css", "static/a.css"]) == ["/static/a.css", "/static/b%20c.css"]
    assert paths_of([f"static/{number}.css" for number in range(A_CALL + 1)]) == ["/static/*"]
