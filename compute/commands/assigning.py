"""Things that get another owner."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services.scoping import OfProject, owner_for
from compute.models import SecurityGroup, VirtualMachine
from compute.responses import virtualmachine
from compute.responses.volumes import volume
from compute.services import assigning
from core.commands import DOMAIN_ADMIN, Operate, Use, command
from core.errors import InvalidParameter
from network.models import Network
from storage.models import Volume


@command(roles=DOMAIN_ADMIN, event="VM.MOVE", response=virtualmachine)
def assignVirtualMachine(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    account: Annotated[str | None, "The account that gets it; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The domain of account"] = None,
    projectid: OfProject = None,
    networkids: Annotated[list[Network] | None, Use, "Networks of the new owner to plug it into"]
    = None,
    securitygroupids: Annotated[
        list[SecurityGroup] | None, Use, "Security groups of the new owner to put it into"
    ] = None,
) -> VirtualMachine:
    """Gives a stopped machine, with its volumes, to another account or project."""
    if not account and projectid is None:
        raise InvalidParameter("Say who gets it: account with domainid, or projectid.")
    owner = owner_for(caller, account, domainid, projectid)
    return assigning.assign_machine(
        virtualmachineid, owner, networks=networkids or (), groups=securitygroupids or ()
    )


@command(roles=DOMAIN_ADMIN, event="VOLUME.UPDATE", response=volume)
def assignVolume(
    caller: Caller,
    volumeid: Annotated[Volume, Operate, "The volume, attached to no machine"],
    accountid: Annotated[Account | None, Use, "The account that gets it"] = None,
    projectid: OfProject = None,
) -> Volume:
    """Gives a volume to another account or project."""
    if (accountid is None) == (projectid is None):
        raise InvalidParameter("Say who gets it: accountid or projectid, one of the two.")
    owner = accountid
    if accountid is not None:
        owner = owner_for(caller, accountid.name, accountid.domain)
    else:
        owner = owner_for(caller, project=projectid)
    return assigning.assign_volume(volumeid, owner)
