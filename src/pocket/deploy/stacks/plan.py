"""What a deploy would do to its stacks: change sets that wait until they are carried out or forgotten."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pocket.deploy.build.upload import ARTIFACT_PREFIX
from pocket.deploy.releases.history import ALIAS, VERSION
from pocket.deploy.reporting import PlanRow
from pocket.deploy.stacks import changeset
from pocket.deploy.stacks.changeset import LIVE_MOVES
from pocket.deploy.stacks.stack import Stack, changeable
from pocket.deploy.template import validate
from pocket.deploy.template.body import Template
from pocket.deploy.template.functions import FINGERPRINT
from pocket.deploy.template.steps import ROLE
from pocket.errors import AWSCallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.changeset import ChangeSet, Source

TEMPLATE_LIMIT = 51_200
"""Bytes of a template that CloudFormation takes in a request; a larger one it fetches from S3."""

TEMPLATE_PREFIX = "templates/"


@dataclass(frozen=True)
class Planned:
    """The plan for one stack.

    Without a change set nothing is to be done or, where there are rows, the change set has to wait for the bucket
    that a large template goes through.
    """

    stack_name: str
    existing: Stack | None
    rows: tuple[PlanRow, ...] = ()
    change_set: ChangeSet | None = None

    @property
    def changes(self) -> bool:
        """Whether carrying it out changes anything."""
        return self.change_set is not None or self.deferred

    @property
    def deferred(self) -> bool:
        """Whether it has to be planned again once there is a bucket."""
        return self.change_set is None and bool(self.rows)


class Plans:
    """The plans of one deploy, as a context: what was not carried out when it is left is forgotten."""

    def __init__(self, clients: Clients, reporter: Reporter) -> None:
        self.clients = clients
        self.reporter = reporter
        self._waiting: list[ChangeSet] = []
        self._sound: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for change_set in self._waiting:
            try:
                changeset.discard(self.clients, change_set)
            except AWSCallFailed as failed:
                self.reporter.note(f"Change set {change_set.arn} stays, unexecuted: {failed.message}")

    def add(self, stack_name: str, template: Template, *, bucket: str | None = None, adopt: bool = False) -> Planned:
        """The plan that brings the stack to `template`; nothing is changed by it.

        `bucket` is where a large template can be put, None where there is none yet. `adopt` is that of
        `changeset.create`. Raises PlanRefused for a template that cfn-lint finds fault with.
        """
        clients = self.clients
        existing = changeable(clients, stack_name, self.reporter)
        body = deployed(clients, existing)
        # Secret parameters need no look: each function's version carries a digest of their values in its logical id.
        # AWS takes new metadata only with another change.
        if {**body, "Metadata": None} == {**template.body, "Metadata": None}:
            return Planned(stack_name, existing)
        text = template.to_json()
        self.validate(stack_name, template.body, body)
        if len(text.encode()) > TEMPLATE_LIMIT and bucket is None:
            return Planned(stack_name, existing, _all_added(template))
        source = _source(clients, text, bucket)
        declared = template.body.get("Parameters", {})
        values = {key: template.parameters.get(key) for key in declared}
        made = changeset.create(clients, stack_name, existing, source, values, adopt=adopt)
        if made is None:
            return Planned(stack_name, existing)
        self._waiting.append(made)
        return Planned(stack_name, existing, made.rows, made)

    def carry_out(self, planned: Planned) -> Stack | None:
        """Executes the plan and waits for its end; the stack, None where there was none and none was to be made."""
        if planned.change_set is None:
            return planned.existing
        verb = "Create" if planned.change_set.creates else "Update"
        with self.reporter.step(f"{verb} stack {planned.stack_name}"):
            self._waiting.remove(planned.change_set)
            return changeset.execute(self.clients, planned.change_set, self.reporter)

    def validate(self, stack_name: str, body: dict[str, Any], deployed: Mapping[str, Any]) -> None:
        """Has cfn-lint, which is slow, look at a template of a shape that has not passed it yet.

        What is `deployed` has passed. Raises PlanRefused for a template that cfn-lint finds fault with.
        """
        shape = _shape(body)
        if shape not in {*self._sound, _shape(deployed)}:
            validate.check({stack_name: Template(body).to_json()}, self.clients.target.region)
        self._sound.add(shape)


def deployed(clients: Clients, stack: Stack | None) -> Mapping[str, Any]:
    """The template that the stack was last brought to, as it was sent; empty where there is none, or none of ours."""
    if stack is None:
        return {}
    answer = clients.cloudformation.get_template(StackName=stack.stack_id, TemplateStage="Original")
    body: object = answer["TemplateBody"]
    return body if isinstance(body, dict) else {}


def outlook(first: Mapping[str, Any], last: Mapping[str, Any]) -> tuple[PlanRow, ...]:
    """What is still to happen, once the gates have passed, from the template `first` to the template `last`."""
    before, after = first["Resources"], last["Resources"]
    rows = []
    for name in sorted(before.keys() | after.keys()):
        kind = (after.get(name) or before[name])["Type"]
        if kind in {VERSION, ROLE} or before.get(name) == after.get(name):
            continue
        if name not in before:
            rows.append(PlanRow("add", name, kind, "after the gates"))
        elif name not in after:
            rows.append(PlanRow("remove", name, kind, "after the gates"))
        else:
            detail = f"{LIVE_MOVES}, after the gates" if kind == ALIAS else "after the gates"
            rows.append(PlanRow("change", name, kind, detail))
    return tuple(rows)


def _shape(body: Mapping[str, Any]) -> str:
    """A template without what each release changes."""
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


def _all_added(template: Template) -> tuple[PlanRow, ...]:
    resources = template.body["Resources"].items()
    return tuple(PlanRow("add", name, resource["Type"]) for name, resource in resources)
