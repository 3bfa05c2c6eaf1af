from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from core.commands import ADMIN, Filter, Operate, command, listing
from jobs import responses, troubles
from jobs.models import Trouble


@listing(
    Trouble,
    response=responses.trouble,
    roles=ADMIN,
    keyword=("sentence", "resource_name"),
    order=("-last_seen", "-pk"),
)
def listTroubles(
    caller: Caller,
    rows: QuerySet,
    kind: Annotated[str | None, Filter("kind"), "Only of this kind"] = None,
    closed: Annotated[bool, "Those that are over as well"] = False,
) -> QuerySet:
    """Lists what needs a person's attention, with the evidence. (cloudportal's own.)"""
    return rows if closed else rows.filter(closed=None)


@command(roles=ADMIN, event="TROUBLE.REPAIR", response=responses.trouble)
def repairTrouble(
    caller: Caller,
    id: Annotated[Trouble, Operate, "What to repair"],
) -> Trouble:
    """Begins the repair that a trouble offers. (A command of cloudportal's own.)"""
    troubles.begin_repair(id)
    return id
