"""From what is deployed to what is wanted, in steps between which the gates stand.

First an update publishes the new versions, and traffic still goes to the old ones. Once the gates have passed, a
second one moves `live` of all handlers together, with all that stands in front of them. What the stage needs no
more goes last, when the address has answered: until then there is a way back.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pocket import naming
from pocket.deploy.build import upload
from pocket.deploy.build.revision import Revision
from pocket.deploy.gates import NAMES, Candidate, checks, migrations, request, smoke, startup
from pocket.deploy.gates.gate import CHECKS, MIGRATIONS, REQUEST, SMOKE, STARTUP, refusal, without_management
from pocket.deploy.releases.history import KEPT, KEPT_SNAPSHOTS, History, Release, Standing, standing
from pocket.deploy.releases.versions import numbers
from pocket.deploy.stacks import secrets
from pocket.deploy.stacks.plan import outlook
from pocket.deploy.template import Template, render
from pocket.deploy.template.outputs import addresses, routes, url_hosts
from pocket.deploy.template.steps import alike, candidate, going_live, settled
from pocket.deploy.template.storage import storage_stack_name
from pocket.errors import GateRefused, PlanRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.stacks.plan import Planned, Plans
    from pocket.deploy.stacks.stack import Stack
    from pocket.deploy.template import Inputs


@dataclass(frozen=True)
class Deployed:
    """What stands after a deploy. `addresses` and `routes` go by handler, `outputs` by the stack's own names.

    A route is the id of the handler's HTTP API or function URL. `generated` names the variables whose secrets were
    generated on the way. `history` has the releases that are kept, with the one that is live.
    """

    changed: bool
    addresses: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    generated: tuple[str, ...] = ()
    history: History = field(default_factory=History)


@dataclass(frozen=True)
class Options:
    """How the user wants it: gates to skip, questions that are answered; `warnings` are those shown already."""

    skipped: frozenset[str] = frozenset()
    allow_destructive: bool = False
    assume_yes: bool = False
    warnings: frozenset[str] = frozenset()
    revision: Revision = field(default_factory=Revision)
    published: Callable[[Mapping[str, str]], None] | None = None


class Rollout:
    """One deploy of one stage; `before` is what it meets."""

    def __init__(self, plans: Plans, inputs: Inputs, built: Artifact, before: Standing, options: Options) -> None:
        self.plans = plans
        self.inputs = inputs
        self.built = built
        self.before = before
        self.options = options
        self.stage = inputs.config
        self.reporter = plans.reporter
        self.clients = plans.clients
        self.generated: tuple[str, ...] = ()
        self.uploaded = 0
        self.kept = KEPT_SNAPSHOTS if inputs.container.snapstart else KEPT

    def run(self, storage: Template) -> Deployed:
        """The whole way. Raises as `release.deploy` does."""
        wanted = render(self.inputs)
        versions = self._versions(wanted)
        live = self.before.history.live_release
        stands = all(self.before.aliases.get(name) == version for name, version in versions.items())
        if live is not None and stands and not self._unknown_hosts:
            return self._keep_live(storage, wanted, replace(live, versions=versions))
        return self._change_live(storage, wanted)

    def _keep_live(self, storage: Template, wanted: Template, live: Release) -> Deployed:
        """The functions are those that are live: whatever else differs is changed at once, and no gate is asked."""
        kept = self.before.history
        releases = tuple(live if item.number == live.number else item for item in kept.releases)
        history = replace(kept, releases=releases)
        body = settled(wanted.body, self.before.body, history.to_metadata(), kept=history.version_ids)
        if alike(body, self.before.body):
            body = dict(self.before.body)
        changed, stack = self._apply(storage, replace(wanted, body=body))
        self._put_static()
        done = self._deployed(stack, history, changed=changed)
        self._publish(done)
        with self.reporter.step("Ask each address once"):
            for handler, address in done.addresses.items():
                smoke.check(self.clients, self.stage, handler, address, self.reporter)
        return done

    def _change_live(self, storage: Template, wanted: Template) -> Deployed:
        history = self.before.history.keeping(self.kept)
        first = self._candidate(wanted, self.before.body, history)
        last = settled(wanted.body, self.before.body, {}, kept=history.version_ids)
        _, stack = self._apply(storage, first, last)
        if self._unknown_hosts:
            self.reporter.note("AWS has made a function URL; now the functions are told its host.")
            self.inputs = replace(self.inputs, url_hosts=url_hosts(self.stage, stack.outputs))
            wanted = render(self.inputs)
            first = self._candidate(wanted, first.body, history)
            stack = self._carry_out(first) or stack
        destructive = self._ask_gates(stack, wanted)
        self._put_static()
        release = self._release(wanted, destructive)
        history = history.with_live(release, self.kept)
        self.reporter.note(f"`live` moves to release {release.number}.")
        live = replace(wanted, body=going_live(wanted.body, first.body, history.to_metadata()))
        stack = self._carry_out(live) or stack
        done = self._deployed(stack, history, changed=True)
        self._publish(done)
        self._ask_addresses(done, first, release)
        body = settled(wanted.body, live.body, history.to_metadata(), kept=history.version_ids)
        # AWS charges for the snapshot of a version; any other that nothing refers to can wait for the next deploy.
        if body != live.body if self.inputs.container.snapstart else not alike(body, live.body):
            stack = self._carry_out(replace(wanted, body=body)) or stack
        return self._deployed(stack, history, changed=True)

    def _candidate(self, wanted: Template, standing_body: Mapping[str, Any], history: History) -> Template:
        closed = {naming.logical_id(name, kind) for name in self._unknown_hosts for kind in ("Alias", "Url")}
        body = candidate(wanted.body, standing_body, history.to_metadata(), kept=history.version_ids, closed=closed)
        return replace(wanted, body=body)

    @property
    def _unknown_hosts(self) -> tuple[str, ...]:
        """The handlers with a function URL whose host AWS has yet to invent."""
        return tuple(
            name
            for name, handler in self.inputs.handlers.items()
            if handler.function_url is not None
            and handler.apigateway is None
            and name not in self.inputs.addresses
            and name not in self.inputs.url_hosts
        )

    def _versions(self, wanted: Template) -> Mapping[str, str]:
        """The logical id of each handler's version."""
        return standing(self.stage, wanted.body).aliases

    def _apply(self, storage: Template, main: Template, last: dict[str, Any] | None = None) -> tuple[bool, Stack]:
        """Plans both stacks, asks, and carries both plans out, with what has to happen between them.

        `last` is where the way ends that `main` begins. Returns whether anything was changed, and the main stack.
        """
        stage, bucket = self.stage, self.inputs.code.bucket
        with self.reporter.step("Plan the changes"):
            if last is not None:
                # What AWS would refuse after the gates is found before anything is changed.
                self.plans.validate(stage.stack_name, last, self.before.body)
            base = self.plans.add(storage_stack_name(stage), storage, adopt=True)
            plan = self.plans.add(stage.stack_name, main, bucket=bucket if base.existing is not None else None)
        later = outlook(main.body, last) if last is not None else ()
        if base.changes or plan.changes or later:
            self._confirm(base, plan, later)
        self.plans.carry_out(base)
        self.generated = secrets.ensure(self.clients, stage, self.reporter)
        if plan.changes:
            with self.reporter.step("Upload the artifact"):
                upload.put_artifact(self.clients.s3, bucket, self.built)
        if plan.deferred:
            plan = self.plans.add(stage.stack_name, main, bucket=bucket)
        stack = self.plans.carry_out(plan)
        if stack is None:
            raise StackFailed(f"Stack {stage.stack_name} was not created.")
        return bool(base.changes or plan.changes or self.generated), stack

    def _confirm(self, base: Planned, plan: Planned, later: tuple[Any, ...]) -> None:
        self.reporter.plan([*base.rows, *plan.rows, *later])
        if self.options.assume_yes or self.reporter.confirm(f"Apply these changes to stage {self.stage.name}?"):
            return
        raise PlanRefused("The plan was not confirmed; nothing was changed.", "--yes applies it without asking.")

    def _carry_out(self, template: Template) -> Stack | None:
        return self.plans.carry_out(self.plans.add(self.stage.stack_name, template, bucket=self.inputs.code.bucket))

    def _put_static(self) -> None:
        """Puts the static files where pages find them: last before `live` moves, since a plain name is overwritten."""
        bucket = self.stage.bucket_name
        if self.built.static is not None and bucket is not None:
            self.uploaded = upload.put_static(self.clients.s3, bucket, self.built.static, self.reporter).uploaded

    def _ask_gates(self, stack: Stack, wanted: Template) -> tuple[str, ...]:
        """Asks the gates of the published release; the destructive migrations that were applied on the way."""
        number = numbers(self.clients, stack.stack_id)
        release = Candidate(
            stage=self.stage,
            clients=self.clients,
            reporter=self.reporter,
            versions={handler: number[version] for handler, version in self._versions(wanted).items()},
            addresses=addresses(self.stage, stack.outputs),
            live=self.before.history.live,
        )
        skipped, target = self.options.skipped, self.clients.target
        destructive: tuple[str, ...] = ()
        if release.management_version is None and not {CHECKS, MIGRATIONS} <= skipped:
            without_management(release)
        if CHECKS not in skipped:
            checks.check_inside(release, target, self.options.warnings)
        if MIGRATIONS not in skipped:
            destructive = migrations.check(release, target, allow_destructive=self.options.allow_destructive)
        with _owning_up(destructive):
            if STARTUP not in skipped:
                startup.check(release, target)
            if REQUEST not in skipped:
                request.check(release)
        return destructive

    def _release(self, wanted: Template, destructive: tuple[str, ...]) -> Release:
        return Release(
            number=self.before.history.next_number,
            versions=self._versions(wanted),
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            artifact=self.inputs.code.key,
            git=self.options.revision.commit,
            dirty=self.options.revision.dirty,
            skipped=tuple(name for name in NAMES if name in self.options.skipped),
            destructive=destructive,
        )

    def _ask_addresses(self, done: Deployed, before: Template, release: Release) -> None:
        """Gate `smoke`: asks each address once, and takes `live` back where one does not answer as it should."""
        if SMOKE in self.options.skipped:
            return
        path = self.inputs.container.gate.path
        with self.reporter.step(f"Gate {SMOKE}: ask each address once"):
            for handler, address in done.addresses.items():
                answer = smoke.ask(address, path)
                if not request.passes(answer.status, path):
                    said = smoke.told(self.clients, self.stage, handler, address, answer)
                    raise self._taken_back(before, release, f"Handler {handler!r}, GET {path}: {said}")
                self.reporter.note(f"{address} answers with {answer.status}.")

    def _taken_back(self, before: Template, release: Release, fault: str) -> GateRefused:
        """Moves `live` back to where it was; the error that says so."""
        live = self.before.history.live
        if live is None:
            return GateRefused(
                f"Gate {SMOKE} refused release {release.number}, the first of stage {self.stage.name!r}. There is no"
                f" release to go back to, so it stays live.\n{fault}",
                "Repair the cause and deploy again.",
                gate=SMOKE,
                messages=[fault],
                live=None,
            )
        self.reporter.note(f"`live` goes back to release {live}.")
        self._carry_out(before)
        error = refusal(self.stage, live, SMOKE, [fault])
        return GateRefused(
            f"Gate {SMOKE} refused release {release.number}; `live` of stage {self.stage.name!r} is back at release"
            f" {live}.\n{fault}",
            error.hint,
            gate=SMOKE,
            messages=[fault],
            live=live,
        )

    def _publish(self, done: Deployed) -> None:
        if self.options.published is not None:
            self.options.published(done.routes)

    def _deployed(self, stack: Stack, history: History, *, changed: bool) -> Deployed:
        outputs = stack.outputs
        return Deployed(
            changed or bool(self.uploaded),
            addresses(self.stage, outputs),
            outputs,
            routes(self.stage, outputs),
            self.generated,
            history,
        )


@contextmanager
def _owning_up(destructive: Sequence[str]) -> Iterator[None]:
    """Adds to a gate's refusal that migrations were applied before it which the live release may not run after."""
    try:
        yield
    except GateRefused as error:
        if not destructive:
            raise
        raise GateRefused(
            f"{error.message}\nDestructive migrations were applied before: {', '.join(destructive)}. Release"
            f" {error.live} may not run on the database as it is.",
            error.hint,
            gate=error.gate,
            messages=error.messages,
            live=error.live,
        ) from error
