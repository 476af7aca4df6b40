"""The updates that bring a stage from the deployed state to the wanted one, with the gates between them.

A first update publishes the new versions; traffic still goes to the old ones. Once the gates have passed, a second one
moves `live` of all handlers at once, with everything in front of them. Resources that the stage no longer needs are
removed last, after the addresses have answered: until then `live` can move back.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.build import invalidation, upload
from pocket.deploy.gates import NAMES, smoke
from pocket.deploy.releases import gatekeeping, journal
from pocket.deploy.releases.history import History, Release, deployed_state
from pocket.deploy.releases.preparation import FirstChanges, prepare
from pocket.deploy.releases.run import unknown_hosts
from pocket.deploy.stacks.secret_stores import place_of
from pocket.deploy.template import Template, render, render_storage
from pocket.deploy.template.api_domains import leading_to_live
from pocket.deploy.template.cdn import SECRET_PARAMETER
from pocket.deploy.template.outputs import distribution_id, targets, url_hosts
from pocket.deploy.template.steps import alike, candidate, going_live, settled
from pocket.deploy.template.storage import storage_stack_name
from pocket.deploy.template.storage_steps import before_functions, storage_candidate, storage_settled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pocket.config import StageConfig
    from pocket.deploy.releases.run import Deployed, Progress, Run
    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template import Inputs


def roll_out(run: Run) -> Deployed:
    """Carries out a deploy after the build. Raises as `deploy.deploy`."""
    wanted = render(run.inputs)
    changes = first_changes(run, wanted)
    return _keep_live(run, changes) if changes.last is None else _change_live(run, wanted, changes)


def first_changes(run: Run, wanted: Template) -> FirstChanges:
    """What the deploy changes first: without `last` if the functions are those of the live release."""
    before, inputs = run.before, run.inputs
    versions = versions_of(run.stage, wanted)
    live = before.history.live_release
    unchanged = all(before.aliases.get(name) == version for name, version in versions.items())
    if live is not None and unchanged and not unknown_hosts(inputs):
        return _without_release(run, wanted, replace(live, versions=versions))
    history = before.history.keeping(run.kept)
    return FirstChanges(
        storage_candidate(run.wanted_storage, run.storage.body),
        _candidate(inputs, wanted, run.main.body, history),
        history,
        settled(wanted.body, run.main.body, {}, kept=history.version_ids),
    )


def versions_of(stage: StageConfig, wanted: Template) -> Mapping[str, str]:
    """The logical id of each handler's version."""
    return deployed_state(stage, wanted.body).aliases


def _without_release(run: Run, wanted: Template, live: Release) -> FirstChanges:
    kept = run.before.history
    history = replace(kept, releases=tuple(live if item.number == live.number else item for item in kept.releases))
    body = settled(wanted.body, run.main.body, history.to_metadata(), kept=history.version_ids)
    if alike(body, run.main.body):
        body = dict(run.main.body)
    storage = storage_settled(run.wanted_storage, run.storage.body)
    return FirstChanges(before_functions(storage, run.storage.body), replace(wanted, body=body), history)


def _keep_live(run: Run, changes: FirstChanges) -> Deployed:
    """The functions are those of the live release: other differences are changed at once, without gates."""
    progress = prepare(run, changes)
    progress = _with_static(run, _with_storage(run, progress))
    _invalidate(run, progress)
    done = progress.result(run.stage, changes.history)
    _publish(run, done)
    behind = targets(run.stage, done.outputs)
    with run.reporter.step("Request each address once"):
        for handler, address in done.addresses.items():
            smoke.check(run.clients, run.stage, handler, address, run.reporter, through=behind.get(handler, ""))
    return done


def _change_live(run: Run, wanted: Template, changes: FirstChanges) -> Deployed:
    inputs, history, first = run.inputs, changes.history, changes.main
    progress = prepare(run, changes)
    if unknown_hosts(inputs):
        run.reporter.note("AWS has created a function URL; adding its host to the functions' environment.")
        outputs = progress.main.stack.outputs if progress.main.stack is not None else {}
        inputs = replace(inputs, url_hosts=url_hosts(run.stage, outputs))
        wanted = render(inputs)
        first = _candidate(inputs, wanted, progress.main.body, history)
        progress = _with(run, progress, first)
    run.journal.reached(journal.PUBLISHED)
    # A bucket of many files takes as long to list as the gates.
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(_held, run)
        destructive = gatekeeping.check_candidate(run, progress.main, versions_of(run.stage, wanted))
        run.journal.reached(journal.GATES)
        run, progress = _with_distribution(run, progress)
        progress = _with_static(run, progress, listing.result)
    run.journal.reached(journal.STATIC)
    release = _release(run, inputs, wanted, destructive)
    history = history.with_live(release, run.kept)
    run.reporter.note(f"Moving `live` to release {release.number}.")
    progress = _with(run, progress, _live(wanted, progress, history))
    run.journal.reached(journal.LIVE)
    _invalidate(run, progress)
    done = replace(progress.result(run.stage, history), changed=True)
    _publish(run, done)
    gatekeeping.check_addresses(run, done, release, lambda: _with(run, progress, first))
    return replace(_settle(run, progress, wanted, history).result(run.stage, history), changed=True)


def _live(wanted: Template, progress: Progress, history: History) -> Template:
    return replace(wanted, body=going_live(wanted.body, progress.main.body, history.to_metadata()))


def _settle(run: Run, progress: Progress, wanted: Template, history: History) -> Progress:
    """Removes what the stage no longer needs; the storage last, since functions still refer to it until then."""
    now = progress.main.body
    body = settled(wanted.body, now, history.to_metadata(), kept=history.version_ids)
    # AWS charges for a version's snapshot; other unused versions can wait for the next deploy.
    snapstart = run.stage.awscontainer is not None and run.stage.awscontainer.snapstart
    if body != now if snapstart else not alike(body, now):
        progress = _with(run, progress, replace(wanted, body=body))
    progress = _with_storage(run, progress)
    run.journal.reached(journal.SETTLED)
    return progress


def _with_storage(run: Run, progress: Progress) -> Progress:
    """The storage stack as it is wanted. Whether that changes anything the plan has shown."""
    storage = storage_settled(run.wanted_storage, progress.storage.body)
    plan = run.plans.add(storage_stack_name(run.stage), storage, since=progress.storage)
    return replace(progress, storage=run.plans.carry_out(plan), changed=progress.changed or bool(plan.changes))


def _candidate(inputs: Inputs, wanted: Template, now: Mapping[str, Any], history: History) -> Template:
    closed = {naming.logical_id(name, kind) for name in unknown_hosts(inputs) for kind in ("Alias", "Url")}
    closed |= leading_to_live(inputs, now)
    body = candidate(wanted.body, now, history.to_metadata(), kept=history.version_ids, closed=closed)
    # A deployed distribution goes on sending the secret that the live release knows.
    kept = {SECRET_PARAMETER} & (now.get("Parameters") or {}).keys()
    return Template(body, {name: value for name, value in wanted.parameters.items() if name not in kept})


def _with(run: Run, progress: Progress, template: Template) -> Progress:
    """Brings the stage's stack to `template`, from the state that this deploy left it in."""
    plan = run.plans.add(run.stage.stack_name, template, since=progress.main, bucket=run.bucket)
    main: State = run.plans.carry_out(plan)
    return progress.with_main(main)


def _held(run: Run) -> upload.Held:
    """What the stage's bucket has of its static files, if it has any."""
    bucket, static = run.stage.bucket_name, run.made.static
    if static is None or bucket is None:
        return upload.Held({}, {})
    return upload.held(run.clients.s3, bucket, static.prefix)


def _with_static(run: Run, progress: Progress, found: Callable[[], upload.Held] | None = None) -> Progress:
    """The static files where pages find them: last before `live` moves, since a plain name is overwritten."""
    bucket = run.stage.bucket_name
    if run.made.static is None or bucket is None:
        return progress
    counts = upload.put_static(run.clients.s3, bucket, run.made.static, run.reporter, found)
    return replace(progress, uploaded=counts.uploaded, stale=counts.stale)


def _with_distribution(run: Run, progress: Progress) -> tuple[Run, Progress]:
    """The bucket opened to the stage's distribution, whose id AWS has chosen since the deploy began."""
    if progress.distribution is None or progress.distribution == _distribution_before(run):
        return run, progress
    run = replace(run, wanted_storage=render_storage(run.stage, run.account, progress.distribution))
    storage = storage_candidate(run.wanted_storage, progress.storage.body)
    plan = run.plans.add(storage_stack_name(run.stage), storage, since=progress.storage)
    return run, replace(progress, storage=run.plans.carry_out(plan))


def _invalidate(run: Run, progress: Progress) -> None:
    """Has the distribution forget changed files. One that is new has kept none."""
    bucket, distribution = run.stage.bucket_name, progress.distribution
    if progress.stale and bucket is not None and distribution is not None:
        keys = progress.stale if distribution == _distribution_before(run) else ()
        invalidation.invalidate(run.clients, bucket, distribution, keys, run.reporter)


def _distribution_before(run: Run) -> str | None:
    return distribution_id(run.main.stack.outputs) if run.main.stack is not None else None


def _release(run: Run, inputs: Inputs, wanted: Template, destructive: tuple[str, ...]) -> Release:
    return Release(
        number=run.before.history.next_number,
        versions=versions_of(run.stage, wanted),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        artifact=inputs.code.key,
        git=run.made.revision.commit,
        dirty=run.made.revision.dirty,
        skipped=tuple(name for name in NAMES if name in run.options.skipped),
        proof=run.made.proof,
        destructive=destructive,
        secrets=place_of(run.stage),
        generated=tuple(item.name for item in run.stage.generated_variables),
    )


def _publish(run: Run, done: Deployed) -> None:
    if run.options.published is not None:
        run.options.published(done.routes)
