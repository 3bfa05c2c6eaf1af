"""One call of every command over HTTP: what is sent, and how one sees that it happened.

Every command in the registry is called by ``tests/unit/api/test_examples.py`` through the
port's own door (a signed request, the job run, ``queryAsyncJobResult``) on simulated hosts. Its
reply is compared, field by field, with the reference in ``api/data``, and a command that is no
reading one must have written something or done something on a host.

Without an entry here a command is called with its required parameters, made by
``tests/unit/api/world.py``. Where that does not suffice, add a function to the module of its
context::

    @example("createVolume")
    def _(stage):
        return {"name": "data", "zoneid": stage["infra.Zone"], "diskofferingid": …}

``stage["app.Model"]`` is a row of that model, really there on the simulated hosts. Rows,
booleans, numbers, lists, dicts (maps) are put on the wire as clients do. A function that yields
gets the record that was answered (a list of them from list commands), to look at the effect::

    @example("stopVirtualMachine")
    def _(stage):
        machine = stage["compute.VirtualMachine"]
        answered = yield {"id": machine}
        assert answered["state"] == "Stopped"

``stage.ask("listZones", id=…)`` is a further call. The caller is a root administrator unless
``@example(…, role="User")`` says otherwise (the stage's account is then its own), and what is on
the stage belongs to a tenant. ``effect="…"`` says, for a command that writes nothing here, why not.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from tests.unit.api.examples.stage import Stage

Given = dict[str, Any]
Player = Callable[[Stage], Given | Generator[Given, Any, None]]


@dataclass(frozen=True)
class Example:
    player: Player
    role: str = "Admin"
    effect: str = ""
    redirects: str = ""  # what the address it sends the browser to begins with
    refused: str = ""  # what it says to a signed call, since it is for browsers or others


EXAMPLES: dict[str, Example] = {}


def example(
    name: str, *, role: str = "Admin", effect: str = "", redirects: str = "", refused: str = ""
) -> Callable[[Player], Player]:
    """Registers the decorated function as the example of command ``name``."""

    def register(player: Player) -> Player:
        assert name not in EXAMPLES, f"{name} has an example already"
        EXAMPLES[name] = Example(player, role, effect, redirects, refused)
        return player

    return register


def load() -> dict[str, Example]:
    """All examples, whichever module they are in."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return EXAMPLES
