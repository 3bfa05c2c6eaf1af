"""How many calls an account has made within the interval, and forgetting them."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.models import Account
from api import throttling
from core.commands import ADMIN, USER, Operate, command
from core.responses import SUCCESS, Response, number, text

limit_response = Response(
    "apilimit",
    fields=(
        text("account"), text("accountid"), number("apiIssued"), number("apiAllowed"),
        number("expireAfter"),
    ),
)  # fmt: skip


@command(roles=USER, response=limit_response)
def getApiLimit(caller: Caller) -> dict[str, Any]:
    """Shows how many calls the caller's account has made within api.throttling.interval, how
    many it may make (0: as many as it likes), and in how many seconds it starts anew."""
    issued, allowed, seconds = throttling.standing(caller)
    account = caller.account
    return {
        "account": account.name,
        "accountid": account.uuid,
        "apiIssued": issued,
        "apiAllowed": allowed,
        "expireAfter": seconds,
    }


@command(roles=ADMIN, event="ACCOUNT.UPDATE", response=SUCCESS, post_only=True)
def resetApiLimit(
    caller: Caller,
    account: Annotated[
        Account | None, Operate, "Whose calls to forget; the caller's if left out"
    ] = None,
) -> None:
    """Forgets the calls that an account has made, so that it may make as many again."""
    throttling.forget(account or caller.account)
