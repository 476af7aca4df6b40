"""Gates and releases on the local AWS, without Django: what refuses, what is recorded, and the way back."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deploying import PlanRecorder
from gated_site import HEAD, STAGE, WEB, WORKER, Site
from waiting import wait_until

from pocket.check_issues import Issue
from pocket.config import Project, build_manifest
from pocket.deploy.aws import invoke
from pocket.deploy.aws.account import account_id
from pocket.deploy.build import artifact, upload
from pocket.deploy.gates.checks import _errors
from pocket.deploy.gates.request import bad_redirect, passes
from pocket.deploy.operate import destroy
from pocket.deploy.releases import journal
from pocket.deploy.releases.history import Release
from pocket.deploy.releases.rollback import rollback
from pocket.deploy.stacks.plan import Plans
from pocket.deploy.target import Target
from pocket.deploy.template import Code, Inputs, render, render_storage
from pocket.deploy.template.storage import artifact_bucket_name, storage_stack_name
from pocket.errors import DeployError, GateRefused, PlanRefused
from pocket.local import LocalAWS
from pocket.probe import http_event

DROP = {"migration": "shop.0007_drop", "operations": [{"operation": "Remove field a from b", "reason": "it is lost"}]}
GROW = {"migration": "shop.0006_grow", "operations": [{"operation": "Add field c to b", "reason": ""}]}


@pytest.fixture
def site(tmp_path: Path, target: Target, local_aws: LocalAWS) -> Iterator[Site]:
    found = Site(tmp_path, target, local_aws)
    yield found
    destroy.destroy(found.project().stage("dev"), target, PlanRecorder())


def refused(site: Site, gate: str, project: Project, recorder: PlanRecorder | None = None, **more: Any) -> GateRefused:
    with pytest.raises(GateRefused) as caught:
        site.deploy(project, recorder, **more)
    assert caught.value.gate == gate
    return caught.value


ERROR = {"id": "shop.E001", "level": 40, "message": "it is broken", "hint": "Mend it."}


def test_the_first_release_has_no_traffic_before_its_gates(site: Site) -> None:
    error = refused(site, "checks", site.project(MESSAGES=[ERROR]))
    assert error.live is None
    assert "no release is live yet.\n(shop.E001) it is broken\n  Mend it." in error.message
    assert not site.deployed_state().aliases
    assert site.deployed_state().history.releases == ()
    assert not any(item["Type"] == "AWS::ApiGatewayV2::Route" for item in site.deployed_state().resources.values())
    done = site.deploy(site.project("A"))
    assert done.changed
    assert done.history.live == 1
    assert site.answer() == "A"


def test_each_gate_refuses_in_its_turn_and_live_stays(site: Site) -> None:
    site.deploy(site.project("A"))
    assert refused(site, "checks", site.project("B", MESSAGES=[ERROR])).live == 1
    error = refused(site, "checks", site.project("B", MESSAGES=None))
    lines = error.message.splitlines()
    assert lines[1] == "pocket_check: handler 'management' failed with RuntimeError: out of order"
    assert lines.count("Traceback (most recent call last):") == 1
    assert lines[-1] == "RuntimeError: out of order"
    assert len([line for line in lines if "in crash" in line]) == 1
    error = refused(site, "migrations", site.project("C", PENDING=[GROW, DROP]), PlanRecorder(agrees_to_all=True))
    assert error.messages == ("shop.0007_drop: Remove field a from b: it is lost",)
    assert "--allow-destructive" in error.hint
    error = refused(site, "request", site.project("D", status="500"))
    assert "answered GET / with status 500; expected a status below 500.\nasked for /" in error.message
    assert "`--skip-gate request`" in error.hint
    chosen = f'{STAGE}\n[awscontainer.gate]\npath = "/health/?full=1"\n'
    error = refused(site, "request", site.project("E", status="404", stage=chosen))
    assert "answered GET /health/?full=1 with status 404; expected a status below 400." in error.message
    budget = f"{STAGE}\n[awscontainer.startup]\nbudget_ms = 100\n"
    assert "Not a start-up report" in refused(site, "startup", site.project("F", stage=budget)).message
    error = refused(site, "request", site.project("G", status="1/0"))
    assert "did not start, or failed at GET /: ZeroDivisionError: division by zero" in error.message
    assert site.answer() == "A"
    assert site.live() == 1
    candidates = [
        name for name, item in site.deployed_state().resources.items() if item["Type"] == "AWS::Lambda::Version"
    ]
    assert len(candidates) == 4, "those of release 1, and those of the last candidate"
    recorder = PlanRecorder()
    assert site.deploy(site.project("A"), recorder).changed, "the functions' own settings go back"
    assert not [step for step in recorder.steps if step.startswith("Gate")]
    assert site.live() == 1


def test_ctrl_c_at_a_gate_shows_the_completed_steps(site: Site) -> None:
    site.deploy(site.project("A"))

    class Pressed(PlanRecorder):
        @contextmanager
        def step(self, name: str) -> Iterator[None]:
            if name.startswith("Gate request"):
                raise KeyboardInterrupt
            with super().step(name):
                yield

    recorder = Pressed()
    with pytest.raises(KeyboardInterrupt):
        site.deploy(site.project("B"), recorder)
    shown = [note.strip() for note in recorder.notes]
    assert shown.index(journal.PUBLISHED) < shown.index("Not done; the next deploy continues from here:")
    assert shown.index("Not done; the next deploy continues from here:") < shown.index(journal.LIVE)
    assert site.live() == 1
    assert site.deploy(site.project("B")).history.live == 2


def test_deploying_the_live_release_again_runs_no_gate(site: Site) -> None:
    site.deploy(site.project("A"))
    recorder = PlanRecorder()
    done = site.deploy(site.project("A"), recorder)
    assert not done.changed
    assert done.history.live == 1
    assert recorder.questions == recorder.plans == []
    assert not [step for step in recorder.steps if step.startswith("Gate")]
    assert recorder.steps[-1] == "Request each address once"


def test_a_change_outside_of_versions_makes_no_release(site: Site) -> None:
    scheduled = HEAD + 'schedule = [{ expression = "rate(1 hour)", manage = "clearsessions" }]\n' + WEB
    site.deploy(site.project("A", stage=scheduled))
    recorder = PlanRecorder()
    done = site.deploy(site.project("A", stage=scheduled.replace("1 hour", "2 hours")), recorder)
    assert done.changed
    assert done.history.live == 1
    assert [row.kind for row in recorder.plans[0]] == ["AWS::Scheduler::Schedule"]


def test_warnings_are_shown_and_silenced_ones_are_not(site: Site) -> None:
    recorder = PlanRecorder()
    found = [
        {**ERROR, "level": 30, "file": "shop/models.py", "line": 3, "hint": None},
        {**ERROR, "level": 40, "silenced": True},
    ]
    site.deploy(site.project("A", MESSAGES=found), recorder)
    assert [note for note in recorder.notes if "shop.E001" in note] == [
        "Warning: shop/models.py:3: (shop.E001) it is broken"
    ]


def test_additive_migrations_are_applied_without_a_question(site: Site) -> None:
    site.deploy(site.project("A"))
    recorder = PlanRecorder()
    site.deploy(site.project("B", PENDING=[GROW]), recorder)
    assert "The database is PostgreSQL small at db.internal:5432." in recorder.notes
    assert "Pending migrations, all additive: shop.0006_grow" in recorder.notes
    assert "migrate ['--noinput'] report" in recorder.events
    assert len(recorder.questions) == 1, "the plan's"


def test_the_first_release_may_bring_any_migration_to_an_empty_database_and_shows_it(site: Site) -> None:
    recorder = PlanRecorder(agrees_to_all=True)
    done = site.deploy(site.project("A", PENDING=[GROW, DROP]), recorder)
    assert "Pending additive migrations: shop.0006_grow" in recorder.notes
    assert "  shop.0007_drop: Remove field a from b: it is lost" in recorder.notes
    assert "migrate ['--noinput'] report" in recorder.events
    assert done.history.releases[0].destructive == ("shop.0007_drop",)
    assert site.deploy(site.project("B")).history.live == 2
    assert site.rollback().release.number == 1, "which the migration came with"


def test_a_first_release_needs_confirmation_to_migrate_a_database_in_use_destructively(site: Site) -> None:
    recorder = PlanRecorder(agrees_to_all=True)
    error = refused(site, "migrations", site.project("A", PENDING=[DROP], USED=[1]), recorder)
    assert recorder.questions[-1] == (
        "Apply them to PostgreSQL small at db.internal:5432, which already has tables of their apps?"
    )
    assert error.messages == ("shop.0007_drop: Remove field a from b: it is lost",)
    assert recorder.events[-1:] != ["migrate ['--noinput'] report"]


def test_a_failed_migrate_shows_what_was_applied_and_its_effect_on_the_live_release(site: Site, tmp_path: Path) -> None:
    site.deploy(site.project("A"))
    fails = [str(tmp_path / "failed"), "shop.0007_drop"]
    error = refused(site, "migrations", site.project("B", PENDING=[GROW, DROP], FAILS_AT=fails), allow_destructive=True)
    assert error.messages == (
        "`migrate` failed:\n  CommandError: it broke",
        "shop.0007_drop failed and was rolled back.",
        "Applied before it: shop.0006_grow. They are additive, so release 1 still works.",
    )
    fails = [str(tmp_path / "again"), "shop.0008_fill"]
    last = {"migration": "shop.0008_fill", "operations": [], "whole": False}
    project = site.project("C", PENDING=[DROP, last], FAILS_AT=fails)
    error = refused(site, "migrations", project, allow_destructive=True)
    assert error.messages[1] == "shop.0008_fill failed and was not rolled back as a whole: what it did before remains."
    assert error.messages[2] == (
        "Applied before it: shop.0007_drop. Release 1 may not work with the database as it is now: shop.0007_drop:"
        " Remove field a from b: it is lost."
    )


def test_destructive_migrations_are_shown_confirmed_and_recorded_and_prevent_a_rollback(site: Site) -> None:
    site.deploy(site.project("A"))
    recorder = PlanRecorder()
    done = site.deploy(site.project("B", PENDING=[DROP]), recorder)
    assert "  shop.0007_drop: Remove field a from b: it is lost" in recorder.notes
    assert recorder.questions[1] == "Apply them to stage dev while release 1 is live?"
    assert done.history.releases[-1].destructive == ("shop.0007_drop",)
    site.deploy(site.project("C"))
    for number in (1, None):
        if number is None:
            assert site.rollback().release.number == 2, "which came after the migration"
        else:
            with pytest.raises(DeployError, match=r"destructive migrations were applied after it: shop\.0007_drop"):
                site.rollback(number)
    with pytest.raises(DeployError, match=r"shop\.0007_drop"):
        site.rollback()
    assert site.live() == 2


def test_allow_destructive_confirms_what_yes_does_not(site: Site) -> None:
    site.deploy(site.project("A"))
    recorder = PlanRecorder(agrees_to_all=True)
    done = site.deploy(site.project("B", PENDING=[DROP]), recorder, allow_destructive=True)
    assert done.history.releases[-1].destructive == ("shop.0007_drop",)
    assert len(recorder.questions) == 1


@pytest.mark.parametrize(
    ("own", "questions"), [(("small", ""), 1), (("small", "db.internal:5432"), 2), (("other", ""), 2), (None, 2)]
)
def test_only_the_rehearsals_own_database_is_migrated_without_confirmation(
    site: Site, own: tuple[str, str] | None, questions: int
) -> None:
    site.deploy(site.project("A"))
    site.target = replace(site.target, own_database=own)
    recorder = PlanRecorder()
    project = site.project("B", PENDING=[DROP])
    handlers = site.folder / "pocket/django/lambda_handlers.py"
    handlers.write_text(handlers.read_text().replace("db.internal:5432", ""))
    done = site.deploy(project, recorder)
    assert len(recorder.questions) == questions
    assert done.history.releases[-1].destructive == ("shop.0007_drop",)


def test_a_refusal_after_a_destructive_migration_names_it(site: Site) -> None:
    site.deploy(site.project("A"))
    error = refused(site, "request", site.project("B", PENDING=[DROP], status="500"), allow_destructive=True)
    assert error.message.endswith(
        "Destructive migrations were applied before: shop.0007_drop. Release 1 may not work with the database as it is"
        " now."
    )


def test_an_unrecorded_destructive_migration_prevents_a_rollback(site: Site) -> None:
    site.deploy(site.project("A", KNOWN=[GROW]))
    site.deploy(site.project("B", KNOWN=[GROW, DROP]))
    with pytest.raises(DeployError, match=r"applied after it: shop\.0007_drop"):
        site.rollback()
    assert site.live() == 2


def test_ctrl_c_shows_that_the_migration_continues_inside_lambda(site: Site, tmp_path: Path) -> None:
    site.deploy(site.project("A"))
    begun, go = tmp_path / "begun", tmp_path / "go"

    def interrupt() -> None:
        wait_until(begun.exists, 30)
        os.kill(os.getpid(), signal.SIGINT)

    output: list[str] = []
    thread = threading.Thread(target=interrupt)
    thread.start()
    stage = site.project().stage("dev")
    with pytest.raises(KeyboardInterrupt):
        invoke.manage(stage, site.target, "migrate", ["--meet", str(begun), str(go)], note=output.append)
    go.touch()
    thread.join()
    (text,) = output
    assert text.startswith(
        "The migration continues inside Lambda until it ends or reaches the function's timeout of 30 s."
    )
    assert text.endswith("`pocket logs --stage dev --follow` shows its progress.")


def test_a_rollback_between_releases_that_cannot_be_compared_needs_confirmation(site: Site) -> None:
    site.deploy(site.project("A", KNOWN=None))
    site.deploy(site.project("B"))
    recorder = PlanRecorder(agrees_to_all=True)
    with pytest.raises(PlanRefused, match=r"Release 2 stays live.*out of order"):
        site.rollback(recorder=recorder)
    assert recorder.questions == ["Go back to release 1, although it may not work with the database as it is now?"]
    assert site.live() == 2
    assert rollback(site.project().stage("dev"), site.target, recorder, uncompared=True).release.number == 1


def test_a_skipped_gate_does_not_run_and_is_recorded(site: Site) -> None:
    site.deploy(site.project("A"))
    recorder = PlanRecorder()
    faulty = site.project("B", status="500", MESSAGES=[ERROR], PENDING=[DROP])
    done = site.deploy(faulty, recorder, skip=["checks", "migrations", "request", "smoke"])
    assert done.history.releases[-1].skipped == ("project", "checks", "migrations", "request", "smoke")
    assert not [step for step in recorder.steps if step.startswith("Gate")]
    assert site.answer() == "500"


def test_an_unknown_gate_is_an_error_with_the_known_names(site: Site) -> None:
    recorder = PlanRecorder()
    with pytest.raises(DeployError, match="Unknown gate 'smok'") as caught:
        site.deploy(site.project("A"), recorder, skip=["smok"])
    assert caught.value.hint == "The gates are project, mail, network, checks, migrations, startup, request, smoke."
    assert recorder.steps == []


THROUGH_THE_API = """500 if event["requestContext"]["accountId"] != "anonymous" else 200"""


def test_live_moves_back_if_a_release_fails_behind_its_api(site: Site) -> None:
    site.deploy(site.project("A", stage=STAGE + WORKER))
    before = site.deployed_state()
    recorder = PlanRecorder()
    error = refused(site, "smoke", site.project("B", status=THROUGH_THE_API), recorder)
    assert "`live` of stage 'dev' is back at release 1" in error.message
    assert error.live == 1
    assert site.answer() == "A"
    assert site.deployed_state().history == before.history
    assert site.deployed_state().aliases == before.aliases, "the handler that was to go, too"
    assert "Moving `live` back to release 1." in recorder.notes


def test_a_first_release_that_fails_at_its_address_stays_live(site: Site) -> None:
    error = refused(site, "smoke", site.project("A", status=THROUGH_THE_API))
    assert "There is no release to go back to, so it stays live." in error.message
    assert site.live() == 1


def test_without_a_handler_for_commands_the_skipped_gates_are_noted(site: Site) -> None:
    recorder = PlanRecorder()
    site.deploy(
        site.project("A", stage=STAGE.replace("pocket.django.lambda_handlers.management_command_handler", "app.work")),
        recorder,
    )
    (note,) = [note for note in recorder.notes if "no handler for management commands" in note]
    assert "[awscontainer.handlers.management]" in note
    assert [step for step in recorder.steps if step.startswith("Gate")] == [
        "Gate startup: start management",
        "Gate request: GET / from web",
        "Gate smoke: request each address once",
    ]


def test_the_init_of_each_handler_is_noted(site: Site) -> None:
    recorder = PlanRecorder()
    site.deploy(site.project("A"), recorder)
    shown = [note.partition(":")[0] for note in recorder.notes if note.startswith("INIT of") and note.endswith(" ms")]
    assert shown == ["INIT of management", "INIT of web"]


def test_the_plan_has_the_changes_after_the_gates(site: Site) -> None:
    site.deploy(site.project("A", stage=STAGE + WORKER))
    recorder = PlanRecorder(agrees=False)
    with pytest.raises(PlanRefused):
        site.deploy(site.project("B", stage=STAGE), recorder)
    rows = {row.name: (row.action, row.detail) for row in recorder.plans[0]}
    assert rows["WebAlias"] == ("change", "`live` moves to the new version, after the gates")
    assert rows["WorkerQueue"] == ("remove", "after the gates")
    assert rows["WebFunction"][0] == "change"
    assert site.live() == 1


def test_rollback_moves_to_any_kept_release_and_forward_again(site: Site) -> None:
    for sign in "ABC":
        site.deploy(site.project(sign))
    done = site.rollback()
    assert (done.before.number, done.release.number) == (3, 2)
    assert site.answer() == "B"
    assert site.rollback().release.number == 1
    assert site.answer() == "A"
    with pytest.raises(DeployError, match="keeps no release before release 1"):
        site.rollback()
    with pytest.raises(DeployError, match="does not keep release 9") as caught:
        site.rollback(9)
    assert "1, 2, 3" in caught.value.hint
    with pytest.raises(DeployError, match="is live already"):
        site.rollback(1)
    with pytest.raises(PlanRefused, match="Release 1 stays live"):
        site.rollback(3, PlanRecorder(agrees=False))
    assert site.rollback(3).addresses == {"web": site.local.addresses["web"]}
    assert site.answer() == "C"
    site.rollback(1)
    done = site.deploy(site.project("C"))
    assert done.history.live == 4, "what a kept release has is a release of its own once more"
    assert site.answer() == "C"


def test_five_releases_are_kept(site: Site) -> None:
    for sign in "ABCDEF":
        done = site.deploy(site.project(sign))
    assert [item.number for item in done.history.releases] == [2, 3, 4, 5, 6]
    assert {
        version for item in done.history.releases for version in item.versions.values()
    } <= site.deployed_state().resources.keys()
    assert site.rollback(2).release.number == 2
    assert site.answer() == "B"


def test_a_handler_that_was_added_later_is_not_changed(site: Site) -> None:
    site.deploy(site.project("A"))
    site.deploy(site.project("B", stage=STAGE + WORKER))
    newer = site.deployed_state().aliases["worker"]
    recorder = PlanRecorder()
    site.rollback(1, recorder)
    assert "Handler worker was added after release 1 and stays unchanged." in recorder.notes
    assert site.answer() == "A"
    assert site.deployed_state().aliases["worker"] == newer
    assert site.live() == 1


def test_a_release_with_a_removed_handler_needs_a_deploy(site: Site) -> None:
    site.deploy(site.project("A", stage=STAGE + WORKER))
    site.deploy(site.project("B"))
    assert "worker" not in site.deployed_state().aliases
    with pytest.raises(DeployError, match="handlers that were removed since: worker"):
        site.rollback()
    site.deploy(site.project("A", stage=STAGE + WORKER))
    assert site.answer() == "A"


def deploy_as_before(site: Site, project: Project) -> None:
    """What a version of Pocket without releases left: aliases at the versions, and no metadata."""
    stage = project.stage("dev")
    account = account_id(site.clients)
    bucket = artifact_bucket_name(stage, account)
    built = artifact.build(project, stage, site.target, PlanRecorder())
    manifest = build_manifest(project).stages["dev"]
    code = Code(bucket, upload.artifact_key(built))
    with Plans(site.clients, PlanRecorder()) as plans:
        plans.carry_out(plans.add(storage_stack_name(stage), render_storage(stage, account)))
        upload.put_artifact(site.clients.s3, bucket, built)
        wanted = render(Inputs(stage, manifest, code, addresses=site.target.addresses))
        assert "Metadata" not in wanted.body
        plans.carry_out(plans.add(stage.stack_name, wanted, bucket=bucket))


def test_a_stage_from_before_there_were_releases_can_be_deployed_and_rolled_back(site: Site) -> None:
    deploy_as_before(site, site.project("A"))
    assert site.live() == 1
    assert not site.deploy(site.project("A")).changed
    assert site.answer() == "A"
    done = site.deploy(site.project("B"))
    assert [(item.number, bool(item.created)) for item in done.history.releases] == [(1, False), (2, True)]
    assert site.answer() == "B"
    site.rollback()
    assert site.answer() == "A"


def test_a_stage_that_is_not_deployed_cannot_be_rolled_back(site: Site) -> None:
    with pytest.raises(DeployError, match="has no release") as caught:
        site.rollback()
    assert caught.value.hint == "pocket deploy --stage dev"


def test_a_release_records_its_time_and_commit(site: Site) -> None:
    (made,) = site.deploy(site.project("A")).history.releases
    assert isinstance(made, Release)
    assert made.created.endswith("Z")
    assert made.artifact.startswith("artifacts/")
    assert made.git == ""


@pytest.mark.parametrize(
    ("status", "path", "good"),
    [(200, "/", True), (404, "/", True), (500, "/", False), (404, "/x/", False), (302, "/x/", True), (0, "/", False)],
)
def test_passing_statuses(status: int, path: str, good: bool) -> None:
    assert passes(status, path) is good


@pytest.mark.parametrize(
    ("address", "path", "status", "place", "cookies", "expected"),
    [
        ("http://localhost:8001", "/", 301, "https://localhost:8001/", [], "serves only http"),
        ("http://localhost:8001", "/a/?b=c", 308, "https://localhost:8001/login/", ["a=b"], "serves only http"),
        ("http://localhost:8001", "/", 302, "https://accounts.example.com/", [], ""),
        ("http://localhost:8001", "/", 302, "/login/?next=/", [], ""),
        ("http://localhost:8001", "/", 200, "https://localhost:8001/", [], ""),
        ("https://shop.example.com", "/", 301, "https://shop.example.com/", [], "to itself"),
        ("https://shop.example.com", "/a/?b=c", 302, "?b=c", [], "to itself"),
        ("https://shop.example.com", "/", 302, "https://shop.example.com/", ["language=de"], ""),
        ("https://shop.example.com", "/", 301, "https://www.shop.example.com/", [], ""),
        ("https://shop.example.com", "/a", 301, "/a/", [], ""),
    ],
)
def test_a_redirect_that_leads_nowhere_has_a_hint(
    address: str, path: str, status: int, place: str, *, cookies: list[str], expected: str
) -> None:
    payload = json.dumps({"statusCode": status, "headers": {"Location": place}, "cookies": cookies})
    issue, hint = bad_redirect(payload, address, path, "local")
    assert expected in issue
    assert bool(issue) is bool(expected) is bool(hint)
    if "only http" in issue:
        assert "[local.awscontainer.django.settings]\nSECURE_SSL_REDIRECT = false\n" in hint


def test_a_site_that_sends_its_visitors_to_https_is_refused_on_the_laptop(site: Site) -> None:
    site.deploy(site.project("A"))
    away = site.project("B", status="301, 'headers': {'location': 'https://' + event['headers']['host'] + '/'}")
    error = refused(site, "request", away)
    assert f"redirects GET / to {site.local.addresses['web'].replace('http', 'https')}/" in error.message
    assert "SECURE_SSL_REDIRECT = false" in error.hint
    assert site.answer() == "A"


def test_printed_mail_is_a_warning_only_in_a_rehearsal(site: Site) -> None:
    message = {"id": "mail.E001", "level": 40, "message": "a development-only backend", "hint": "Use SMTP."}
    recorder = PlanRecorder()
    site.deploy(site.project(MESSAGES=[message]), recorder)
    (note,) = [note for note in recorder.notes if "mail.E001" in note]
    assert note.endswith("Use SMTP.\n  It stops a deploy to AWS.")
    found = [Issue(**message)]
    assert _errors(found, site.target) == []
    assert _errors(found, replace(site.target, endpoint_url=None)) != []


def test_the_request_is_one_that_a_gateway_could_have_brought() -> None:
    event = http_event("https://shop.example.com", "/caf%C3%A9/%25?a=1&b=&a=2")
    assert event["rawPath"] == "/café/%25"
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["headers"]["host"] == event["requestContext"]["domainName"] == "shop.example.com"
    assert (event["headers"]["x-forwarded-proto"], event["headers"]["x-forwarded-port"]) == ("https", "443")
    local = http_event("http://localhost:8001", "/")
    assert (local["headers"]["x-forwarded-proto"], local["headers"]["x-forwarded-port"]) == ("http", "8001")
    assert "queryStringParameters" not in local
    url = http_event("https://x.lambda-url.eu-central-1.on.aws", "/caf%C3%A9/")
    assert url["rawPath"] == "/caf%C3%A9/"
    json.dumps(event)
