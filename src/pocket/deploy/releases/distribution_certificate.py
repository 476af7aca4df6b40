"""The certificate of the stage's distribution: a stack of its own in us-east-1, made before the stage's stack.

The stage's template needs the certificate's ARN, so a new certificate is confirmed and issued before the plan of the
stage. A certificate that only the release before used is removed once the new one is live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.stacks.deletion import delete
from pocket.deploy.stacks.ownership import own_state
from pocket.deploy.template.certificate import (
    ARN_OUTPUT,
    certificate_stack_name,
    render_certificate,
    used_by_distribution,
    with_former,
)
from pocket.errors import PlanRefused, StackFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pocket.config import StageConfig
    from pocket.deploy.releases.domains import Domains
    from pocket.deploy.releases.run import Options
    from pocket.deploy.reporting import PlanRow
    from pocket.deploy.stacks.plan import Plans
    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template.body import Template


UNKNOWN = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"
"""Stands in a plan for the ARN of a certificate that does not exist yet."""


def issued(
    stage: StageConfig, plans: Plans, found: Domains, options: Options
) -> tuple[dict[str, str], tuple[PlanRow, ...]]:
    """The ARN of the certificate by each domain of the distribution, once it is issued; empty if it is in no stack.

    `plans` are those of us-east-1. If nothing may be made before the plan, a certificate that is missing has a
    placeholder for its ARN, and its rows in the plan. Raises PlanRefused if the user declines, StackFailed if ACM does
    not issue it.
    """
    wanted = _wanted(stage, found)
    if wanted is None:
        return {}, ()
    name = certificate_stack_name(stage)
    before = own_state(plans.clients, stage, name)
    plan = plans.add(name, with_former(wanted, before.body), since=before)
    names = [domain.name for domain in stage.domains if domain.handler is None]
    if plan.changes and options.careful:
        return dict.fromkeys(names, UNKNOWN), plan.rows
    if plan.changes:
        plans.reporter.plan(plan.rows)
        question = f"Apply these changes to the certificate of stage {stage.name} in {plans.clients.target.region}?"
        if not options.assume_yes and not plans.reporter.confirm(question):
            raise PlanRefused(
                "The certificate was not confirmed; nothing was changed.", "Pass --yes to apply it without being asked."
            )
    stack = plans.carry_out(plan).stack
    if stack is None or ARN_OUTPUT not in stack.outputs:
        raise StackFailed(f"Stack {name} has no certificate.")
    return dict.fromkeys(names, stack.outputs[ARN_OUTPUT]), ()


def settle(stage: StageConfig, plans: Plans, found: Domains, before: Mapping[str, Any]) -> None:
    """Removes certificates that the distribution no longer uses; `before` is the stage's template before the deploy."""
    wanted = _wanted(stage, found)
    if wanted is None and not used_by_distribution(before):
        return
    name = certificate_stack_name(stage)
    state: State = own_state(plans.clients, stage, name)
    if wanted is not None:
        plans.carry_out(plans.add(name, wanted, since=state))
    elif state.stack is not None:
        with plans.reporter.step(f"Delete stack {name}"):
            delete(plans.clients, state.stack, plans.reporter)


def _wanted(stage: StageConfig, found: Domains) -> Template | None:
    names = [domain.name for domain in stage.domains if domain.handler is None]
    if not names or names[0] in found.certificates:
        return None
    return render_certificate(stage, names, found.zones)
