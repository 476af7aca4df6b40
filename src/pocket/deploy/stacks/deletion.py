"""The deletion of stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocket.deploy.stacks.failures import failed
from pocket.deploy.stacks.stack import EventFeed, State, watch

if TYPE_CHECKING:
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.stack import Stack


def cleared(clients: Clients, found: State, reporter: Reporter) -> State:
    """The state after deleting what a failed creation left; AWS allows no other operation on it."""
    if found.stack is None or found.stack.usable:
        return found
    reporter.note(f"Stack {found.stack.name} was never completed; deleting what is left of it first.")
    delete(clients, found.stack, reporter)
    return State()


def delete(clients: Clients, stack: Stack, reporter: Reporter) -> None:
    """Deletes the stack and waits until it is gone. Raises StackFailed if a resource cannot be deleted."""
    feed = EventFeed(clients, stack.stack_id)
    clients.cloudformation.delete_stack(StackName=stack.stack_id)
    ended = watch(clients, feed, reporter)
    if ended.status != "DELETE_COMPLETE":
        raise failed(clients, feed, f"Stack {stack.name} could not be deleted", ended)
