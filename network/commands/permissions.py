"""Who may use an account's network beside the account."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Account, Project
from core.commands import USER, Operate, Read, command
from core.responses import SUCCESS
from network.models import Network, NetworkPermission
from network.responses import networkpermission
from network.services import permissions


@command(roles=USER, event="NETWORK.UPDATE", response=SUCCESS)
def createNetworkPermissions(
    caller: Caller,
    networkid: Annotated[Network, Operate, "The network to be used"],
    accounts: Annotated[list[str] | None, "Names of accounts in the network's domain"] = None,
    accountids: Annotated[list[Account] | None, Read, "Accounts that may use it"] = None,
    projectids: Annotated[list[Project] | None, Read, "Projects that may use it"] = None,
) -> None:
    """Lets other accounts and projects plug machines into a network."""
    whom = permissions.named(networkid, accounts or (), accountids or (), projectids or ())
    permissions.grant(networkid, whom)


@command(roles=USER, event="NETWORK.UPDATE", response=SUCCESS)
def removeNetworkPermissions(
    caller: Caller,
    networkid: Annotated[Network, Operate, "The network that was used"],
    accounts: Annotated[list[str] | None, "Names of accounts in the network's domain"] = None,
    accountids: Annotated[list[Account] | None, Read, "Accounts that may use it no more"] = None,
    projectids: Annotated[list[Project] | None, Read, "Projects that may use it no more"] = None,
) -> None:
    """Takes back the permission to plug machines into a network; those in it stay."""
    whom = permissions.named(networkid, accounts or (), accountids or (), projectids or ())
    permissions.revoke(networkid, whom)


@command(roles=USER, event="NETWORK.UPDATE", response=SUCCESS)
def resetNetworkPermissions(
    caller: Caller, networkid: Annotated[Network, Operate, "The network"]
) -> None:
    """Takes back every permission to use a network that its account gave."""
    permissions.reset(networkid)


@command(roles=USER, response=networkpermission)
def listNetworkPermissions(
    caller: Caller, networkid: Annotated[Network, Operate, "The network"]
) -> QuerySet:
    """Lists who may use a network beside its account."""
    return NetworkPermission.objects.filter(network=networkid).order_by("pk")
