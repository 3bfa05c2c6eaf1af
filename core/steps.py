"""A long action is a named list of steps, each with a way forward and a way back.

A plan is written down as its name and arguments, so that any worker can build it again after
a crash. A step's functions take what they need by parameter name from the plan's arguments,
and optionally ``run`` (see ``Run``). ``do`` and ``undo`` must be harmless when repeated: a
step that had begun counts as done when unwinding, and a step is done again when a worker
died in it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

StepFunction = Callable[..., Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """``check`` asks the world whether ``do`` has already happened; it is asked when a worker
    died in the step. Truthy means skip it; a dict is taken as what ``do`` would have returned.

    What ``do`` returns (plain JSON values, no secrets) is stored and handed to later steps
    through ``run.results[name]``. ``patience_s`` is how long transient failures are tried
    again before the plan is unwound.
    """

    do: StepFunction
    undo: StepFunction | None = None
    check: StepFunction | None = None
    label: str = ""
    patience_s: int = 60

    @property
    def name(self) -> str:
        return self.do.__name__

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ")


class Later(Exception):
    """Raised by a step that has nothing to do but wait: it is called again after
    ``seconds``. Not a failure, so no patience is used up."""

    def __init__(self, seconds: float, note: str) -> None:
        super().__init__(note)
        self.seconds = seconds
        self.note = note


class Run(Protocol):
    """What a step sees of its job."""

    job_uuid: str
    correlation_id: str
    results: dict[str, Any]

    def progress(self, percent: float, note: str = "") -> None:
        """Show how far the step is; raises if the job was cancelled."""

    def fences(self) -> dict[str, int]:
        """Lease numbers of this job's resources, for the agent to compare."""

    def secret(self, name: str) -> str:
        """A sealed argument, opened; gone once the job has ended."""

    def reply_once(self, field: str, text: str) -> None:
        """Hand a secret to whoever asked; sealed until it is shown with the job's result."""

    def once(self, name: str, read: Callable[[], T]) -> T:
        """What ``read`` gave when a step of this very run first asked by this name: rows that
        nobody else may change meanwhile, because the job holds their leases."""

    def start(self, plan: Plan, *, command: str = "", event_type: str = "") -> str:
        """Begin a plan of its own on the same account's behalf; returns its job's uuid."""


@dataclass(frozen=True)
class PlanKind:
    name: str
    build: Callable[..., list[Step]]
    cancellable: bool


PLANS: dict[str, PlanKind] = {}


@dataclass
class Plan:
    """A plan to be run: what a service answers when the rest is host work.

    ``subject`` is the row the job is about; ``args`` its further arguments (plain values or
    rows); ``resources`` rows beside the subject that no other job may work on meanwhile;
    ``secrets`` are sealed apart from the job row and forgotten at its end; ``response`` what
    the finished job shows (default: the subject).
    """

    kind: Callable[..., list[Step]]
    subject: Any
    args: dict[str, Any] = field(default_factory=dict)
    resources: Sequence[Any] = ()
    secrets: dict[str, str] = field(default_factory=dict)
    response: Any = None

    @property
    def name(self) -> str:
        return plan_name(self.kind)


def plan_name(build: Callable[..., Any]) -> str:
    return f"{build.__module__}.{build.__qualname__}"


def plan(
    *, cancellable: bool = True
) -> Callable[[Callable[..., list[Step]]], Callable[..., list[Step]]]:
    """Registers a function ``(subject, **args) -> list[Step]`` as a plan."""

    def register(build: Callable[..., list[Step]]) -> Callable[..., list[Step]]:
        PLANS[plan_name(build)] = PlanKind(plan_name(build), build, cancellable)
        return build

    return register


def call(function: StepFunction, run: Run, arguments: dict[str, Any]) -> Any:
    """Call a step function with those of ``arguments`` (and ``run``) that it names."""
    wanted = inspect.signature(function).parameters
    given = {"run": run, **arguments}
    return function(**{name: given[name] for name in wanted if name in given})
