"""The state of one deploy: its input and its progress. Both are immutable; each step makes a new progress."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pocket.deploy.releases.history import KEPT, KEPT_SNAPSHOTS, DeployedState, History, deployed_state
from pocket.deploy.template.outputs import addresses, distribution_id, routes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pocket.config import StageConfig
    from pocket.deploy.aws.session import Clients
    from pocket.deploy.build.artifact import Artifact
    from pocket.deploy.gates.migrations import Backup
    from pocket.deploy.releases.journal import Journal
    from pocket.deploy.releases.making import Made
    from pocket.deploy.releases.saved_plan import SavedPlan
    from pocket.deploy.reporting import PlanRow, Reporter
    from pocket.deploy.stacks.lock import Lock
    from pocket.deploy.stacks.plan import Plans
    from pocket.deploy.stacks.secrets import Generation
    from pocket.deploy.stacks.stack import State
    from pocket.deploy.template import Inputs, Template


@dataclass(frozen=True)
class Deployed:
    """The result of a deploy. `addresses` and `routes` are by handler, `outputs` by the stack's own names.

    A route is the id of the handler's HTTP API or function URL. `generated` names the variables whose secrets were
    generated. `history` has the kept releases and the live one. `body` is the template of the stage's stack.
    """

    changed: bool
    addresses: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    generated: tuple[str, ...] = ()
    history: History = field(default_factory=History)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Options:
    """The user's choices: gates to skip, questions confirmed in advance, and the only plan that may be applied.

    With `looks`, nothing is changed: the deploy ends with its plan. `command` is what the stage's lock shows.
    `required` is asked once the artifact is made, for those of the skipped gates that run after all.
    """

    skipped: frozenset[str] = frozenset()
    allow_destructive: bool = False
    allow_loss: bool = False
    assume_yes: bool = False
    looks: bool = False
    plan: SavedPlan | None = None
    command: str = "deploy"
    published: Callable[[Mapping[str, str]], None] | None = None
    backup: Backup | None = None
    required: Callable[[], Collection[str]] = tuple

    @property
    def careful(self) -> bool:
        """Whether nothing may be made before the plan: it is only looked at, or compared with the one of the user."""
        return self.looks or self.plan is not None


@dataclass(frozen=True)
class Run:
    """One deploy of one stage; `main` and `storage` are its two stacks' states before the first change."""

    plans: Plans
    far: Plans
    """The plans of us-east-1, where a distribution's certificate is."""
    lock: Lock
    journal: Journal
    made: Made
    wanted_storage: Template
    main: State
    storage: State
    options: Options
    stage: StageConfig
    bucket: str
    """The artifact bucket."""
    account: str
    generation: Generation
    inputs: Inputs
    """The template's input before the first change."""
    origin: str = ""
    """The repository of the project, if it is known."""
    lines: tuple[str, ...] = ()
    """Text of the plan beside its rows."""
    first: tuple[PlanRow, ...] = ()
    """What a deploy makes before its plan, since templates need the names that AWS gives it, and what is missing."""

    @property
    def before(self) -> DeployedState:
        """The deployed state before the first change."""
        return deployed_state(self.stage, self.main.body)

    @property
    def built(self) -> Artifact:
        return self.made.artifact

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
    """The progress of a deploy: the present states of its stacks, the generated variables and uploaded static files.

    `stale` has the keys of files that the distribution has to forget.
    """

    main: State
    storage: State
    changed: bool = False
    generated: tuple[str, ...] = ()
    uploaded: int = 0
    stale: tuple[str, ...] = ()

    @property
    def distribution(self) -> str | None:
        """The id of the stage's distribution, None without one."""
        return distribution_id(self.main.stack.outputs) if self.main.stack is not None else None

    def with_main(self, main: State) -> Progress:
        """With the stage's stack in another state."""
        return replace(self, main=main)

    def result(self, stage: StageConfig, history: History) -> Deployed:
        """The result of the deploy at this point."""
        outputs = self.main.stack.outputs if self.main.stack is not None else {}
        return Deployed(
            self.changed or bool(self.uploaded),
            addresses(stage, outputs),
            outputs,
            routes(stage, outputs),
            self.generated,
            history,
            self.main.body,
        )


def unknown_hosts(inputs: Inputs) -> Sequence[str]:
    """The handlers with a function URL whose host is not known yet."""
    return [
        name
        for name, handler in inputs.handlers.items()
        if handler.function_url is not None
        and handler.apigateway is None
        and name not in inputs.addresses
        and name not in inputs.url_hosts
    ]
