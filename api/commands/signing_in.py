"""Log-in and log-out on the wire; the edge turns what they answer into cookies."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.saml import signing_out
from accounts.services import factor_policy, forgotten, sessions
from api.dispatch import Visitor
from core.commands import USER, Secret, command
from core.responses import SUCCESS, Field, Response, number, text
from jobs import sign_ins

login_response = Response(
    "login",
    fields=(
        text("username"), text("userid"), text("domainid"), text("account"),
        text("firstname"), text("lastname"), number("timeout"), text("type"), text("timezone"),
        text("timezoneoffset"), text("registered"), text("sessionkey"), text("is2faenabled"),
        text("is2faverified"), text("providerfor2fa"), text("issuerfor2fa"),
    ),
)  # fmt: skip
logout_response = Response("logout", fields=(Field("description"), text("redirecturl")))


class SignedIn(dict[str, Any]):
    """The reply, with what the cookies need."""

    def __init__(self, reply: dict[str, Any], signed_in: sessions.SignedIn) -> None:
        super().__init__(reply)
        self.signed_in = signed_in


class SignedOut(dict[str, Any]):
    pass


@command(anonymous=True, post_only=True, response=login_response)
def login(
    visitor: Visitor,
    username: Annotated[str, "User name"],
    password: Annotated[str, Secret, "Password"],
    domain: Annotated[str, "Path of the user's domain; ROOT when left out"] = "",
    domainId: Annotated[str, "Id of the user's domain, instead of its path"] = "",
) -> dict[str, Any]:
    """Logs a user in: later calls carry the session's cookies and its key."""
    signed_in = sessions.log_in(
        username,
        password,
        domain_path=domain,
        domain_uuid=domainId,
        address=visitor.address,
        device=visitor.device,
    )
    sign_ins.came(signed_in.caller)
    return SignedIn(reply(signed_in), signed_in)


@command(anonymous=True, post_only=True, response=SUCCESS)
def forgotPassword(
    visitor: Visitor,
    username: Annotated[str, "Whose password was forgotten"],
    domain: Annotated[str, "Path of the user's domain; ROOT when left out"] = "",
) -> None:
    """Sends the user a link to choose a new password. The answer is the same whether there
    is such a user or not."""
    forgotten.ask(username, domain_path=domain, address=visitor.address)


@command(anonymous=True, post_only=True, response=SUCCESS)
def resetPassword(
    visitor: Visitor,
    username: Annotated[str, "Whose password it is"],
    token: Annotated[str, Secret, "The token of the link"],
    password: Annotated[str, Secret, "The new password"],
    domain: Annotated[str, "Path of the user's domain; ROOT when left out"] = "",
) -> None:
    """Sets a new password for the token of a link, and ends the user's sessions."""
    user = forgotten.finish(
        username, token, password, domain_path=domain, address=visitor.address
    )
    sign_ins.chose_a_password(Caller.of(user, address=visitor.address))


@command(roles=USER, response=logout_response)
def logout(caller: Caller) -> dict[str, Any]:
    """Ends the session that makes this call. Where it came of an identity provider (SAML) that
    takes log-outs, redirecturl is where the browser ends its session there, too."""
    session = caller.session
    if session is None:
        return SignedOut(description="success")
    sessions.log_out(session)
    sign_ins.went(caller)
    onward = signing_out.farewell(session)
    return SignedOut(description="success", **({"redirecturl": onward} if onward else {}))


def reply(signed_in: sessions.SignedIn) -> dict[str, Any]:
    """What CloudStack's login answers, by whichever way somebody came."""
    user, account = signed_in.caller.user, signed_in.caller.account
    factor = factor_policy.factor_of(user) if factor_policy.has_factor(user) else None
    asked = signed_in.session.pending
    return {
        "username": user.username,
        "userid": user.uuid,
        "domainid": account.domain.uuid,
        "timeout": sessions.TIMEOUT_MINUTES.get() * 60,
        "account": account.name,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "type": str(account.wire_type),
        "timezone": user.timezone or "UTC",
        "registered": "false",
        "sessionkey": signed_in.key,
        # Texts, and “enabled” means that one is asked for, also where it is yet to be set up.
        "is2faenabled": str(asked).lower(),
        "is2faverified": str(not asked).lower(),
        **({"providerfor2fa": factor.provider} if factor else {}),
        **({"issuerfor2fa": factor_policy.ISSUER.get(account.domain)} if asked else {}),
    }
