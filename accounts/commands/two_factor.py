from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.models import User
from accounts.services import two_factor
from accounts.services.factor_policy import PROVIDERS
from core.commands import USER, Operate, Secret, command
from core.errors import InvalidParameter
from core.responses import SUCCESS, Field, Response, text

provider_response = Response("providers", fields=(text("name"), text("description")))
setup_response = Response(
    "setup2fa", fields=(text("id"), text("accountid"), text("username"), text("secretcode"))
)
codes_response = Response("recoverycodes", fields=(Field("codes", "list"),))


@command(roles=USER, response=provider_response)
def listUserTwoFactorAuthenticatorProviders(
    caller: Caller,
    name: Annotated[str | None, "Only the one of this name"] = None,
) -> list[dict[str, str]]:
    """Lists the kinds of second factor."""
    return [
        {"name": n, "description": about} for n, about in PROVIDERS.items() if name in (None, "", n)
    ]


@command(
    roles=USER, event="USER.UPDATE", response=setup_response, post_only=True, own_transactions=True
)
def setupUserTwoFactorAuthentication(
    caller: Caller,
    provider: Annotated[str | None, "totp or staticpin; the setting's choice if left out"] = None,
    enable: Annotated[bool, "False switches the second factor off"] = True,
    userid: Annotated[
        User | None, Operate, "Whose to throw away, with enable=false; one's own if left out"
    ] = None,
    password: Annotated[str | None, Secret, "One's password, to switch one's own off"] = None,
    codefor2fa: Annotated[str | None, Secret, "A code of it, to switch one's own off"] = None,
) -> dict[str, Any]:
    """Sets up a second factor for the caller and shows its secret this once; it counts when
    a code of it has been proven. With enable=false it is thrown away, one's own or that of a
    lower user who lost it."""
    is_other = userid is not None and (caller.user is None or userid.pk != caller.user.pk)
    if enable and is_other:
        raise InvalidParameter("Everybody sets up their own second factor; leave userid out.")
    if enable:
        user, secret = two_factor.set_up(caller, provider)
        return {**_about(user), "secretcode": secret}
    if is_other:
        return _about(two_factor.reset(caller, userid))
    return _about(two_factor.switch_off(caller, password=password, code=codefor2fa))


def _about(user: User) -> dict[str, Any]:
    return {"id": user.uuid, "accountid": user.account.uuid, "username": user.username}


@command(roles=USER, event="USER.UPDATE", response=SUCCESS, post_only=True, own_transactions=True)
def validateUserTwoFactorAuthenticationCode(
    caller: Caller,
    codefor2fa: Annotated[str, Secret, "A code of the second factor, or a recovery code"],
) -> None:
    """Proves the caller's second factor: the sign-in is whole then."""
    two_factor.prove(caller, codefor2fa)


@command(
    roles=USER, event="USER.UPDATE", response=codes_response, post_only=True, own_transactions=True
)
def createUserTwoFactorRecoveryCodes(
    caller: Caller,
    codefor2fa: Annotated[
        str | None, Secret, "A code of the second factor, unless it was proven just now"
    ] = None,
) -> dict[str, Any]:
    """Makes codes that each stand in once for a lost second factor, shown this once; those
    made before are worth nothing. (A command of cloudportal's own.)"""
    return {"codes": two_factor.new_recovery_codes(caller, codefor2fa)}
