"""Volumes by themselves. What needs a machine (create, attach, resize, list) is ``compute``'s."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from accounts.services.scoping import own_uuid
from core.commands import USER, AdminOnly, Operate, command
from core.responses import SUCCESS
from core.steps import Plan
from storage.models import Volume
from storage.responses import volume
from storage.services import volumes


@command(roles=USER, event="VOLUME.DELETE", response=SUCCESS)
def deleteVolume(caller: Caller, id: Annotated[Volume, Operate, "The volume"]) -> None:
    """Deletes a volume that no machine has, for good."""
    volumes.delete(caller, id)


@command(roles=USER, event="VOLUME.DESTROY", response=volume)
def destroyVolume(
    caller: Caller,
    id: Annotated[Volume, Operate, "The volume"],
    expunge: Annotated[bool, "Without the time in which it can be recovered"] = False,
) -> Plan:
    """Puts a volume that no machine has in the bin, or deletes it for good."""
    return volumes.destroy(caller, id, expunge=expunge)


@command(roles=USER, event="VOLUME.RECOVER", response=volume)
def recoverVolume(caller: Caller, id: Annotated[Volume, Operate, "The volume"]) -> Volume:
    """Takes a destroyed volume out of the bin."""
    return volumes.recover(caller, id)


@command(roles=USER, event="VOLUME.UPDATE", response=volume)
def updateVolume(
    caller: Caller,
    id: Annotated[Volume, Operate, "The volume"],
    name: Annotated[str | None, "New name"] = None,
    displayvolume: Annotated[bool | None, AdminOnly, "Show it to its owner"] = None,
    deleteprotection: Annotated[bool | None, "Refuse to delete it"] = None,
    chaininfo: Annotated[str | None, AdminOnly, "Note on its chain of files"] = None,
    customid: Annotated[str | None, AdminOnly, "Another id for it"] = None,
) -> Plan:
    """Changes what is said of a volume."""
    return volumes.update(
        id,
        name=name,
        display=displayvolume,
        delete_protection=deleteprotection,
        chain_info=chaininfo,
        custom_id=own_uuid(customid, "customid") if customid else None,
    )
