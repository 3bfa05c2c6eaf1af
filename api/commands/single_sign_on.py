"""Signing in by somebody else's word: OAuth and OpenID Connect."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.models import OauthProvider
from accounts.oauth import signing_in as oauth
from accounts.oauth.responses import provider_response, shown
from api.commands.signing_in import SignedIn, login_response, reply
from api.dispatch import Visitor
from core.commands import Length, Secret, command
from core.responses import Response, text
from jobs import sign_ins

identity_response = Response("oauthemail", fields=(text("email"), text("provider")))


@command(anonymous=True, response=provider_response, paged=True)
def listOauthProvider(
    caller: Caller | Visitor,
    provider: Annotated[str | None, "Only the one of this name"] = None,
    id: Annotated[str | None, "Only the one with this id"] = None,
    keyword: Annotated[str | None, "Only what has this in its name or description"] = None,
) -> list[dict[str, Any]]:
    """Lists the providers by which anybody may sign in; root administrators see those that
    are switched off as well."""
    rows = OauthProvider.objects.order_by("pk")
    found = list(rows) if caller.is_root_admin else oauth.offered()
    wanted = (keyword or "").casefold()
    return [
        shown(row)
        for row in found
        if provider in (None, "", row.provider)
        and id in (None, "", str(row.uuid))
        and wanted in f"{row.provider} {row.description}".casefold()
    ]


@command(anonymous=True, post_only=True, response=identity_response)
def verifyOAuthCodeAndGetUser(
    visitor: Visitor,
    provider: Annotated[str, "The provider that gave the code"],
    secretcode: Annotated[str, Secret, Length(2048), "The code"],
) -> dict[str, Any]:
    """Asks the provider whose code this is. oauthlogin with the same code has to follow within
    two minutes."""
    identity = oauth.verify(provider, secretcode, address=visitor.address)
    return {"email": identity.email, "provider": provider}


@command(anonymous=True, post_only=True, response=login_response)
def oauthlogin(
    visitor: Visitor,
    email: Annotated[str, "The address that the provider knows the user by"],
    provider: Annotated[str, "The provider that gave the code"],
    secretcode: Annotated[str, Secret, Length(2048), "The code"],
    domain: Annotated[str, "Path of the user's domain; ROOT when left out"] = "",
    domainId: Annotated[str, "Id of the user's domain, instead of its path"] = "",
) -> dict[str, Any]:
    """Logs a user in by the code of a provider."""
    signed_in = oauth.log_in(
        provider,
        secretcode,
        email,
        domain_path=domain,
        domain_uuid=domainId,
        address=visitor.address,
        device=visitor.device,
    )
    sign_ins.came(signed_in.caller)
    return SignedIn(reply(signed_in), signed_in)
