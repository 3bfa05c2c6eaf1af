"""A toy plan over a toy world: a set of lines that steps put up and take down.

The world outlives a worker, as a host does; tests break a step, or the worker in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Account
from agent.protocol import HostUnavailable
from core.steps import Later, Run, Step, plan


class Killed(BaseException):
    """The worker's process died here: nothing more of it is written."""


@dataclass
class World:
    """``before`` and ``after`` are called with a step's name around its work."""

    lines: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    fences: list[dict[str, int]] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)
    before: Callable[[str], None] = lambda name: None
    after: Callable[[str], None] = lambda name: None
    before_undo: Callable[[str], None] = lambda name: None
    later: int = 0

    def put_up(self, name: str, run: Run) -> None:
        self.before(name)
        self.fences.append(run.fences())
        self.lines.add(name)
        self.done.append(name)
        self.after(name)

    def take_down(self, name: str) -> None:
        self.before_undo(name)
        self.lines.discard(name)
        self.undone.append(name)


world = World()


def reset() -> World:
    world.__init__()
    return world


def first(account: Account, run: Run) -> dict[str, str]:
    world.put_up("first", run)
    return {"from": "first"}


def second(account: Account, run: Run) -> None:
    world.put_up("second", run)
    world.seen = dict(run.results)


def third(account: Account, run: Run) -> None:
    world.put_up("third", run)


def first_back() -> None:
    world.take_down("first")


def second_back() -> None:
    world.take_down("second")


def third_back() -> None:
    world.take_down("third")


def second_is_up() -> bool:
    world.checked.append("second")
    return "second" in world.lines


@plan()
def toy(account: Account, patience_s: int = 60) -> list[Step]:
    return [
        Step(first, undo=first_back, patience_s=patience_s),
        Step(second, undo=second_back, check=second_is_up, patience_s=patience_s),
        Step(third, undo=third_back, patience_s=patience_s),
    ]


@plan(cancellable=False)
def stubborn(account: Account) -> list[Step]:
    return [Step(first, undo=first_back), Step(third, undo=third_back)]


def wait_a_while(run: Run) -> None:
    if world.later:
        world.later -= 1
        raise Later(0.01, "Waits a while.")


@plan()
def patient(account: Account) -> list[Step]:
    return [Step(wait_a_while), Step(third)]


def use_secret(run: Run) -> None:
    world.seen["secret"] = run.secret("password")
    run.reply_once("password", "made-up-password")


@plan()
def secretive(account: Account) -> list[Step]:
    return [Step(use_secret)]


def do_nothing() -> None:
    pass




@plan()
def six_steps(account: Account) -> list[Step]:
    return [Step(do_nothing) for _ in range(6)]


def unreachable(times: int) -> Callable[[str], None]:
    """The second step finds its host away so many times."""
    left = [times]

    def before(name: str) -> None:
        if name == "second" and left[0]:
            left[0] -= 1
            raise HostUnavailable("Host h1 does not answer.")

    return before
