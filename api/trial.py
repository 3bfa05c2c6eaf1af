"""``dryrun=true``: what a call would do, without doing it. An extension of ours.

The request half of the command runs (role, parameters, limits, placement, states) in a
transaction that is rolled back, and the answer says what came of it: the thing as it would be,
the steps the job would take, and for a deployment where the machine would go. A refusal is the
refusal the call itself would get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.caller import Caller
from api import parameters
from core.commands import COMMANDS, Command
from core.errors import InvalidParameter
from jobs.models import AsyncJob, JobStep

PARAMETER = "dryrun"

#: Command → the one that explains where it would put things; it takes the same parameters.
_EXPLAINED_BY = {"deployVirtualMachine": "explainPlacement"}


def is_wanted(command: Command, given: Mapping[str, Any]) -> bool:
    """Whether this call is a trial. Reading commands change nothing anyway.

    Raises InvalidParameter for commands that cannot be tried.
    """
    if str(given.get(PARAMETER, "")).lower() != "true" or command.reads_only:
        return False
    if PARAMETER in command.by_name:  # it can do so itself, and better
        return False
    if command.anonymous or command.own_transactions:
        raise InvalidParameter(f"{command.name} cannot be tried with dryrun; nothing was done.")
    return True


def placement(caller: Caller, command: Command, given: Mapping[str, Any]) -> Any:
    """Where the things of this command would go, or None where it places none."""
    explaining = COMMANDS.get(_EXPLAINED_BY.get(command.name, ""))
    if explaining is None:
        return None
    return explaining.function(caller, **parameters.parse(caller, explaining, given))


def steps_of(job: AsyncJob | None) -> list[str]:
    """What the job would do, in its own words; nothing for one that would have ended at once."""
    if job is None or job.pk is None:
        return []
    return list(JobStep.objects.filter(job=job).order_by("index").values_list("title", flat=True))
