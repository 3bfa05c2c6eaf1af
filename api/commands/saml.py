"""Signing in by SAML: a browser is sent away and comes back by a form of another site."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from accounts.caller import Caller
from accounts.models import User
from accounts.saml import providers, settings, signing_in, signing_out
from accounts.saml.messages import Message
from accounts.services import sessions
from api.commands.signing_in import SignedIn, reply
from api.dispatch import Visitor
from core.commands import USER, Length, command
from core.errors import InvalidParameter, LoginFailed, ResourceUnavailable
from core.responses import SUCCESS, Response, text
from jobs import sign_ins

#: The cookie that a browser keeps while it is away, and where the pages take it back.
COOKIE, BACK = "saml", "/signin/saml"
#: Where somebody is told how far a log-out went.
OUT = "/signedout"
_MESSAGE = Length(500_000)

idp_response = Response("idp", fields=(text("id"), text("orgName"), text("orgUrl")))
metadata_response = Response("spmetadata", fields=(text("metadata"),))


class Elsewhere(dict[str, Any]):
    """The browser goes to ``address``, and keeps ``kept`` in a cookie meanwhile."""

    def __init__(self, address: str, kept: str = "") -> None:
        super().__init__(description="redirect")
        self.address = address
        self.kept = kept


@command(anonymous=True, response=SUCCESS)
def samlSso(
    visitor: Visitor,
    idpid: Annotated[str | None, Length(1000), "The identity provider; the only one if left out"]
    = None,
    SAMLResponse: Annotated[  # noqa: N803 (the name in the SAML bindings)
        str | None, _MESSAGE, "What an identity provider's form posts"
    ] = None,
) -> Elsewhere:
    """Sends a browser to an identity provider, and takes it back from there."""
    if SAMLResponse:
        proof = signing_in.verify(SAMLResponse, address=visitor.address)
        return Elsewhere(f"{BACK}?{urlencode({'proof': proof.sealed()})}")
    return Elsewhere(*signing_in.leave(idpid))


@command(anonymous=True, response=SUCCESS)
def samlSlo(
    visitor: Visitor,
    SAMLRequest: Annotated[  # noqa: N803
        str | None, _MESSAGE, "That somebody signed out at an identity provider"
    ] = None,
    SAMLResponse: Annotated[  # noqa: N803
        str | None, _MESSAGE, "What an identity provider answers to a log-out begun here"
    ] = None,
    RelayState: Annotated[  # noqa: N803
        str | None, Length(1000), "What goes along with it and comes back unread"
    ] = None,
    SigAlg: Annotated[  # noqa: N803
        str | None, "How it is signed, if the browser brings it in an address"
    ] = None,
    Signature: Annotated[  # noqa: N803
        str | None, Length(4000), "That signature"
    ] = None,
) -> dict[str, Any]:
    """Takes the word of an identity provider that somebody has signed out there, by which the
    sessions that came of it end; and its answer to a log-out that was begun by logout."""
    message = Message(
        SAMLRequest or SAMLResponse or "", RelayState, SigAlg or "", Signature or ""
    )
    if SAMLRequest:
        ended, answer = signing_out.told(message, address=visitor.address)
        for session in ended:
            sign_ins.went(Caller.of(session.user, address=visitor.address))
        return Elsewhere(answer) if answer else {"description": "success"}
    if SAMLResponse:
        is_everywhere = signing_out.came_back(message, address=visitor.address)
        return Elsewhere(f"{OUT}?where={'everywhere' if is_everywhere else 'here'}")
    raise InvalidParameter("Sign out by logout; samlSlo is for identity providers.")


@command(anonymous=True, response=metadata_response)
def getSPMetadata(visitor: Visitor) -> dict[str, str]:
    """Shows what the portal says of itself to identity providers (XML)."""
    if not settings.is_available():
        raise ResourceUnavailable("SAML is off; set saml2.enabled and saml2.sp.sso.url.")
    return {"metadata": signing_in.metadata()}


@command(anonymous=True, response=idp_response)
def listIdps(visitor: Visitor) -> list[dict[str, str]]:
    """Lists the identity providers of SAML by which users may sign in."""
    return [
        {"id": p.entity_id, "orgName": p.name or p.entity_id, "orgUrl": p.address}
        for p in providers.offered()
    ]


@command(roles=USER, response=SUCCESS, post_only=True)
def listAndSwitchSamlAccount(
    caller: Caller,
    userid: Annotated[
        str | None, "Id of the user to go on as; all are listed if left out"
    ] = None,
    domainid: Annotated[str | None, "Id of that user's domain"] = None,
) -> dict[str, Any]:
    """Lists the other users that the same person is, by the word of the identity provider, or
    goes on as one of them."""
    session = caller.session
    if session is None or session.source != signing_in.SOURCE:
        raise InvalidParameter("Only those who signed in by SAML switch between accounts.")
    others = signing_in.users_of(session.idp, session.external_name)
    if not userid:
        return {"samluseraccount": [_account(user, session.idp) for user in others]}
    chosen = next((user for user in others if str(user.uuid) == userid.lower()), None)
    if chosen is None or domainid not in (None, "", str(chosen.domain.uuid)):
        raise LoginFailed("This is not a user whom the identity provider vouched for.")
    signed = signing_in.go_on_as(chosen, session, caller.address)
    sessions.log_out(session)
    sign_ins.came(signed.caller)
    return SignedIn(reply(signed), signed)


def _account(user: User, idp: str) -> dict[str, Any]:
    return {
        "userId": user.uuid, "userName": user.username, "accountName": user.account.name,
        "domainId": user.domain.uuid, "domainName": user.domain.name, "idpId": idp,
    }  # fmt: skip
