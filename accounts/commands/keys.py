from __future__ import annotations

from typing import Annotated, Any

from accounts import responses
from accounts.caller import Caller
from accounts.models import ApiKey, User
from accounts.services import keys
from core.commands import USER, Between, Operate, command
from core.responses import SUCCESS


@command(
    roles=USER, event="REGISTER.USER.KEY", response=responses.userkeys, post_only=True
)
def registerUserKeys(
    caller: Caller,
    id: Annotated[User, Operate, "Whose keys to make"],
    keepold: Annotated[
        int, Between(0, 43200), "For how many minutes the older pair signs as well"
    ] = 0,
) -> dict[str, Any]:
    """Makes a new pair of API keys. The secret is shown now and never again; an older pair
    stops working, or does so after a while."""
    key, secret = keys.register(id, keep_minutes=keepold)
    return {"apikey": key, "secretkey": secret, "apikeyaccess": keys.access_allowed(id)}


@command(roles=USER, response=responses.userkeys)
def getUserKeys(
    caller: Caller,
    id: Annotated[User, Operate, "Whose key to show"],
) -> dict[str, Any]:
    """Shows a user's API key. The secret was shown when the pair was made."""
    row = ApiKey.objects.filter(user=id).first()
    shown = {"apikey": row.key} if row else {}
    used = {"lastused": row.last_used} if row and row.last_used else {}
    return {**shown, **used, "apikeyaccess": keys.access_allowed(id)}


@command(roles=USER, event="REGISTER.USER.KEY", response=SUCCESS, post_only=True)
def deleteUserKeys(
    caller: Caller,
    id: Annotated[User, Operate, "Whose keys to throw away"],
) -> None:
    """Throws a user's pair of API keys away. (A command of cloudportal's own.)"""
    keys.delete(id)
