"""Which place an account prefers."""

from __future__ import annotations

from typing import Annotated

from accounts import responses
from accounts.caller import Caller
from accounts.models import Account, Domain
from accounts.services.scoping import operable
from core.commands import ADMIN, Read, Use, command
from infra.models import Zone
from infra.services import preferences


@command(roles=ADMIN, event="ACCOUNT.MARK.DEFAULT.ZONE", response=responses.account)
def markDefaultZoneForAccount(
    caller: Caller,
    account: Annotated[str, "The account by its name"],
    domainid: Annotated[Domain, Read, "The domain of the account"],
    zoneid: Annotated[Zone, Use, "The zone its volumes go to when nobody names one"],
) -> Account:
    """Sets the zone that an account's new things go to when nobody names another."""
    return preferences.set_default_zone(operable(caller, account, domainid), zoneid)
