"""What a deploy would do to its stacks: change sets, which are then executed or deleted."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from pocket.deploy.build.upload import ARTIFACT_PREFIX
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import changeset
from pocket.deploy.stacks.changeset import LIVE_MOVES, ChangeSet
from pocket.deploy.stacks.deletion import cleared
from pocket.deploy.stacks.stack import State, state
from pocket.deploy.stacks.tags import recording, retagging
from pocket.deploy.template import validate
from pocket.deploy.template.body import Template
from pocket.deploy.template.functions import FINGERPRINT
from pocket.deploy.template.replacement import replacing
from pocket.deploy.template.steps import ALIAS, ROLE, VERSION
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.changeset import Source
    from pocket.deploy.stacks.tags import Retagging
    from pocket.deploy.template.intrinsics import Resource

TEMPLATE_LIMIT = 51_200
"""Bytes of a template that CloudFormation accepts in a request; it fetches a larger one from S3."""

TEMPLATE_PREFIX = "templates/"

_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Planned:
    """The plan that brings one stack from the state `before` to `template`.

    Without a change set there is nothing to do or, if there are rows, the change set has to wait for the bucket that a
    large template is put into.
    """

    stack_name: str
    before: State
    template: Template
    rows: tuple[PlanRow, ...] = ()
    change_set: ChangeSet | None = None

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return self.change_set is not None or self.deferred

    @property
    def deferred(self) -> bool:
        """Whether it has to be planned again once the bucket exists."""
        return self.change_set is None and bool(self.rows)


class Plans:
    """The plans of one deploy, as a context manager that discards those that were not carried out.

    `tags` are put on every stack, and `own_tags`, those in pocket.toml; if both are None, a stack keeps its tags.
    `allowed` is called before each change, and raises if it must not happen. With `looks`, a plan leaves no trace: a
    stack that does not exist gets no change set, for which AWS would create it, and an incomplete one stays.
    """

    def __init__(
        self,
        clients: Clients,
        reporter: Reporter,
        *,
        tags: Mapping[str, str] | None = None,
        own_tags: Mapping[str, str] | None = None,
        allowed: Callable[[], None] = lambda: None,
        looks: bool = False,
    ) -> None:
        self.clients = clients
        self.reporter = reporter
        self._tags = tags or {}
        self._own_tags = own_tags
        self._allowed = allowed
        self._looks = looks
        self._waiting: list[ChangeSet] = []
        self._sound: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for change_set in tuple(self._waiting):
            try:
                self._forget(change_set)
            except AWSCallFailed as failed:
                self.reporter.note(
                    f"Change set {change_set.name} of stack {change_set.stack_name} is left undeleted: {failed.message}"
                )

    def add(
        self,
        stack_name: str,
        template: Template,
        *,
        since: State | None = None,
        bucket: str | None = None,
        adopt: bool = False,
    ) -> Planned:
        """The plan that brings the stack to `template`; changes nothing.

        `since` is the state that the template was made for. `bucket` is where a large template can be put, None if
        there is none yet. `adopt` is that of `changeset.create`. Raises DeployError if the stack is no longer in that
        state, PlanRefused for a template in which cfn-lint finds issues.
        """
        clients = self.clients
        if since is not None and since.stack is not None and since.stack.usable:
            # Nothing is asked where nothing changes: what is deployed is compared again before each change.
            plan, tagging = self._compared(stack_name, template, since)
            if not _differs(plan, tagging):
                return plan
        found = state(clients, stack_name)
        if since is not None and not found.same_as(since):
            raise changeset.changed(stack_name)
        if self._looks:
            before = found if found.stack is not None and found.stack.usable else State()
        else:
            before = cleared(clients, found, self.reporter)
        plan, tagging = self._compared(stack_name, template, before)
        template = plan.template
        if not _differs(plan, tagging):
            return plan
        text = template.to_json()
        self.validate(stack_name, template.body, before.body)
        if (self._looks and before.stack is None) or (len(text.encode()) > TEMPLATE_LIMIT and bucket is None):
            return replace(plan, rows=_all_added(template))
        source = _source(clients, text, bucket)
        values = {key: template.parameters.get(key) for key in template.body.get("Parameters", {})}
        wanted = ChangeSet(stack_name, before.stack)
        # Recorded before it is created: an interruption in between must not leave it behind.
        self._waiting.append(wanted)
        made = changeset.create(clients, wanted, source, values, tags=self._all_tags(before, tagging), adopt=adopt)
        if made is None:
            self._forget(wanted)
            return plan
        self._waiting[self._waiting.index(wanted)] = made
        rows = _with_tags(made, tagging) or (PlanRow("change", stack_name, _STACK, "outputs"),)
        return replace(plan, rows=rows, change_set=made)

    def _compared(self, stack_name: str, template: Template, before: State) -> tuple[Planned, Retagging]:
        """The plan without its changes, and what it does to the user's tags."""
        return Planned(stack_name, before, recording(template, before, self._own_tags)), retagging(
            before, self._own_tags
        )

    def _all_tags(self, before: State, tagging: Retagging) -> dict[str, str]:
        """All tags of the stack after the change; tags that something else has set stay."""
        existing = before.stack.tags if before.stack is not None else {}
        kept = {key: value for key, value in existing.items() if key not in tagging.removed}
        return {**kept, **self._tags, **(self._own_tags or {})}

    def carry_out(self, planned: Planned) -> State:
        """Executes the plan and waits for its end; returns the stack's new state.

        Raises DeployError if the stack is no longer in the state that the plan was made for.
        """
        made = planned.change_set
        if made is None:
            return planned.before
        with self.reporter.step(f"{'Create' if made.creates else 'Update'} stack {planned.stack_name}"):
            self._allowed()
            # AWS deletes a change set once another one is executed, so no change can come between check and execution.
            if not state(self.clients, planned.stack_name).same_as(planned.before):
                raise changeset.changed(planned.stack_name)
            stack = changeset.execute(self.clients, made, self.reporter)
            self._waiting.remove(made)
            return State(stack, planned.template.body)

    def _forget(self, change_set: ChangeSet) -> None:
        changeset.discard(self.clients, change_set)
        self._waiting.remove(change_set)

    def validate(self, stack_name: str, body: dict[str, Any], deployed: Mapping[str, Any]) -> None:
        """Checks a template with cfn-lint, which is slow, unless a template of the same shape has passed before.

        `deployed` has passed. Raises PlanRefused for a template in which cfn-lint finds issues.
        """
        shape = _shape(body)
        if shape not in {*self._sound, _shape(deployed)}:
            validate.check({stack_name: Template(body).to_json()}, self.clients.target.region)
        self._sound.add(shape)


def _differs(plan: Planned, tagging: Retagging) -> bool:
    # Secret parameters need no comparison: the date of a new value is in the functions' environment.
    # AWS accepts new metadata only with another change.
    return {**plan.before.body, "Metadata": None} != {**plan.template.body, "Metadata": None} or bool(tagging)


def pending_changes(first: Mapping[str, Any], last: Mapping[str, Any]) -> tuple[PlanRow, ...]:
    """The changes from template `first` to template `last`, which follow once the gates have passed."""
    before, after = first["Resources"], last["Resources"]
    return tuple(
        _later(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name) and (after.get(name) or before[name])["Type"] not in {VERSION, ROLE}
    )


def _later(name: str, before: Resource | None, after: Resource | None) -> PlanRow:
    when = "after the gates"
    if after is None:
        kept = f"{changeset.RETAINED}, " if before is not None and "DeletionPolicy" in before else ""
        return PlanRow("remove", name, "" if before is None else before["Type"], f"{kept}{when}")
    if before is None:
        return PlanRow("add", name, after["Type"], when)
    if fixed := replacing(before, after):
        return PlanRow("replace", name, after["Type"], f"{', '.join(fixed)}, {when}")
    moves = f"{LIVE_MOVES}, " if after["Type"] == ALIAS else ""
    return PlanRow("change", name, after["Type"], f"{moves}{when}")


def _shape(body: Mapping[str, Any]) -> str:
    """A template without the parts that change with each release."""
    resources: Mapping[str, Any] = body.get("Resources") or {}
    lasting = {name: item for name, item in resources.items() if item["Type"] != VERSION}
    text = json.dumps({**body, "Metadata": None, "Resources": lasting}, sort_keys=True)
    return re.sub(rf"(?<=Version)[0-9a-f]{{{FINGERPRINT}}}|(?<={ARTIFACT_PREFIX})[0-9a-f]+", "", text)


def _source(clients: Clients, text: str, bucket: str | None) -> Source:
    if bucket is None or len(text.encode()) <= TEMPLATE_LIMIT:
        return {"TemplateBody": text}
    key = f"{TEMPLATE_PREFIX}{hashlib.sha256(text.encode()).hexdigest()}.json"
    clients.s3.put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json")
    return {"TemplateURL": f"{clients.s3.meta.endpoint_url}/{bucket}/{key}"}


def _with_tags(made: ChangeSet, tagging: Retagging) -> tuple[PlanRow, ...]:
    """The rows of a change set, with one for the tags instead of one for each resource that has them."""
    if made.creates or not tagging:
        return made.rows
    others = (row for row in made.rows if (row.action, row.detail) != ("change", changeset.TAGS))
    return (PlanRow("change", made.stack_name, _STACK, str(tagging)), *others)


def _all_added(template: Template) -> tuple[PlanRow, ...]:
    resources = template.body["Resources"].items()
    return tuple(PlanRow("add", name, resource["Type"]) for name, resource in resources)
