"""What one deploy is made of: what it was told, and how far it has come. Neither changes; a step makes a new one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pocket.deploy.build.revision import Revision
from pocket.deploy.releases.history import KEPT, KEPT_SNAPSHOTS, DeployedState, History, standing
from pocket.deploy.template.outputs import addresses, routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.releases.journal import Journal
    from pocket.deploy.reporting import Reporter
    from pocket.deploy.stacks.lock import Lock
    from pocket.deploy.stacks.plan import Plans
    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template import Inputs, Template


@dataclass(frozen=True)
class Deployed:
    """What stands after a deploy. `addresses` and `routes` go by handler, `outputs` by the stack's own names.

    A route is the id of the handler's HTTP API or function URL. `generated` names the variables whose secrets were
    put into their store on the way. `history` has the releases that are kept, with the one that is live.
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
    allow_loss: bool = False
    assume_yes: bool = False
    warnings: frozenset[str] = frozenset()
    revision: Revision = field(default_factory=Revision)
    origin: str = ""
    published: Callable[[Mapping[str, str]], None] | None = None


@dataclass(frozen=True)
class Run:
    """One deploy of one stage: `main` and `storage` are the states in which it met its two stacks."""

    plans: Plans
    lock: Lock
    journal: Journal
    built: Artifact
    wanted_storage: Template
    main: State
    storage: State
    options: Options
    stage: StageConfig
    bucket: str
    """Of artifacts."""

    @property
    def before(self) -> DeployedState:
        """The releases as the deploy met them."""
        return standing(self.stage, self.main.body)

    @property
    def reporter(self) -> Reporter:
        return self.plans.reporter

    @property
    def clients(self) -> Clients:
        return self.plans.clients

    @property
    def kept(self) -> int:
        """How many releases are kept."""
        container = self.stage.awscontainer
        return KEPT_SNAPSHOTS if container is not None and container.snapstart else KEPT


@dataclass(frozen=True)
class Progress:
    """How far a deploy has come: the states that its stacks are in now, and what was done beside them.

    `uploaded` counts static files.
    """

    main: State
    storage: State
    changed: bool = False
    generated: tuple[str, ...] = ()
    uploaded: int = 0

    def with_main(self, main: State) -> Progress:
        """With the stage's stack in another state."""
        return replace(self, main=main)

    def result(self, stage: StageConfig, history: History) -> Deployed:
        """What the deploy returns at this point."""
        outputs = self.main.stack.outputs if self.main.stack is not None else {}
        return Deployed(
            self.changed or bool(self.uploaded),
            addresses(stage, outputs),
            outputs,
            routes(stage, outputs),
            self.generated,
            history,
        )


def unknown_hosts(inputs: Inputs) -> Sequence[str]:
    """The handlers with a function URL whose host AWS has yet to invent."""
    return [
        name
        for name, handler in inputs.handlers.items()
        if handler.function_url is not None
        and handler.apigateway is None
        and name not in inputs.addresses
        and name not in inputs.url_hosts
    ]
