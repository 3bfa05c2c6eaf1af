from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from accounts.caller import Caller
from accounts.models import ExternalIdentity, OauthProvider, User
from accounts.oauth import discovery
from accounts.oauth.responses import provider_response
from core import vault
from core.commands import ADMIN, DOMAIN_ADMIN, Details, Length, Operate, Secret, command
from core.errors import InvalidParameter
from core.responses import SUCCESS


@command(roles=ADMIN, event="OAUTH.PROVIDER.CREATE", response=SUCCESS, post_only=True)
def registerOauthProvider(
    caller: Caller,
    provider: Annotated[str, Length(64), "google, github, or a word of your own"],
    description: Annotated[str, "What the button on the sign-in page says"],
    clientid: Annotated[str, "The portal's name at the provider"],
    secretkey: Annotated[str, Secret, "The portal's secret at the provider"],
    redirecturi: Annotated[
        str, Length(1000), "Where the provider sends people back: the portal's /signin/oauth/back"
    ],
    details: Annotated[
        Details | None, "issuer: the address of an OpenID provider, or of a GitHub of one's own"
    ] = None,
) -> None:
    """Registers a provider of OAuth or OpenID Connect by which users may sign in."""
    name = provider.strip().lower()
    if not name or not all(c.isalnum() or c in "-_." for c in name):
        raise InvalidParameter(f"“{provider}” cannot be a provider's name; use letters and digits.")
    if OauthProvider.objects.filter(provider=name).exists():
        raise InvalidParameter(f"Provider {name} is registered already.")
    _check_address(redirecturi)
    OauthProvider.objects.create(
        provider=name,
        description=description,
        client_id=clientid,
        sealed_secret=vault.seal(secretkey),
        redirect_uri=redirecturi,
        issuer=discovery.issuer_of(name, (details or {}).get("issuer", "")),
    )


@command(roles=ADMIN, event="OAUTH.PROVIDER.UPDATE", response=provider_response, post_only=True)
def updateOauthProvider(
    caller: Caller,
    id: Annotated[OauthProvider, Operate, "The provider to change"],
    description: Annotated[str | None, "What the button on the sign-in page says"] = None,
    clientid: Annotated[str | None, "The portal's name at the provider"] = None,
    secretkey: Annotated[str | None, Secret, "The portal's secret at the provider"] = None,
    redirecturi: Annotated[
        str | None, Length(1000), "Where the provider sends people back"
    ] = None,
    enabled: Annotated[bool | None, "Whether anybody may sign in by it"] = None,
) -> OauthProvider:
    """Changes a provider of OAuth or OpenID Connect."""
    if redirecturi is not None:
        _check_address(redirecturi)
    for field, value in {
        "description": description, "client_id": clientid, "redirect_uri": redirecturi,
        "enabled": enabled,
    }.items():  # fmt: skip
        if value is not None:
            setattr(id, field, value)
    if secretkey:
        id.sealed_secret = vault.seal(secretkey)
    id.save()
    return id


@command(roles=ADMIN, event="OAUTH.PROVIDER.DELETE", response=SUCCESS, post_only=True)
def deleteOauthProvider(
    caller: Caller,
    id: Annotated[OauthProvider, Operate, "The provider to forget"],
) -> None:
    """Forgets a provider: nobody signs in by it any more."""
    id.delete()


def _check_address(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise InvalidParameter(
            f"“{text}” is no address to come back to; give the portal's, ending in "
            "/signin/oauth/back."
        )


@command(roles=DOMAIN_ADMIN, event="USER.UPDATE", response=SUCCESS, post_only=True)
def deleteUserIdentities(
    caller: Caller,
    id: Annotated[User, Operate, "The user whom providers shall not know any more"],
) -> None:
    """Forgets by which accounts at providers a user signed in; the next sign-in by one with
    the user's address is bound anew. (A command of cloudportal's own.)"""
    ExternalIdentity.objects.filter(user=id).delete()
