"""From a provider's code to who somebody is. Nothing of a request is kept between requests."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from accounts import web
from accounts.models import OauthProvider
from accounts.oauth import discovery
from accounts.oauth.discovery import GITHUB, Endpoints
from core.errors import LoginFailed

#: No symmetric ones: who checks a signature must not be able to make it.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
#: How far the provider's clock and ours may differ.
LEEWAY_S = 120


@dataclass(frozen=True)
class Identity:
    """Who the provider says somebody is. The address was verified by the provider."""

    issuer: str
    subject: str
    email: str


@dataclass(frozen=True)
class Errand:
    """What must be remembered while somebody is away at the provider: ``state`` against pages
    of others that send people back to us, ``nonce`` against answers meant for somebody else,
    ``verifier`` (PKCE) against codes that were stolen on the way."""

    address: str
    state: str
    nonce: str
    verifier: str


def errand(provider: OauthProvider) -> Errand:
    """Where to send somebody who wants to sign in by this provider."""
    where = discovery.endpoints(provider)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _client(provider, where) as client:
        more = {"nonce": nonce} if where.keys else {}
        address, _state = client.create_authorization_url(
            where.authorize, state=state, code_verifier=verifier, **more
        )
    return Errand(address, state, nonce, verifier)


def identify(
    provider: OauthProvider, code: str, *, nonce: str = "", verifier: str = ""
) -> Identity:
    """Who came back with this code. It is spent by this, at the provider.

    Raises LoginFailed with a sentence, ResourceUnavailable when the provider is away.
    """
    where = discovery.endpoints(provider)
    with _client(provider, where) as client, web.said_plainly(where.token):
        try:
            more = {"code_verifier": verifier} if verifier else {}
            token = client.fetch_token(
                where.token, grant_type="authorization_code", code=code, **more
            )
            if provider.provider == GITHUB:
                return _github(client, where)
        except AuthlibBaseError as error:
            raise LoginFailed(
                f"{provider.description or provider} does not accept the code ({error.error}). "
                "Sign in there again."
            ) from error
    return _from_id_token(provider, where, token, nonce)


def _client(provider: OauthProvider, where: Endpoints) -> OAuth2Session:
    client = OAuth2Session(
        provider.client_id,
        provider.secret,
        scope=where.scope,
        redirect_uri=provider.redirect_uri,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_post" if where.secret_in_form else None,
    )
    web.prepared(client)
    return client


def _from_id_token(
    provider: OauthProvider, where: Endpoints, token: dict[str, Any], nonce: str
) -> Identity:
    claims = _claims(where, str(token.get("id_token", "")))
    _check_times(claims)
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != where.issuer and claims.get("iss") != f"{where.issuer}/":
        raise LoginFailed("The answer is of another provider.")
    if provider.client_id not in named or claims.get("azp", provider.client_id) != (
        provider.client_id
    ):
        raise LoginFailed("The answer of the provider is meant for somebody else.")
    if nonce and not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
        raise LoginFailed("The answer of the provider belongs to another sign-in.")
    if not claims.get("email") or claims.get("email_verified") is not True:
        raise LoginFailed("The provider has not verified an e-mail address of yours.")
    return Identity(where.issuer, str(claims["sub"]), str(claims["email"]))


def _claims(where: Endpoints, text: str) -> dict[str, Any]:
    """What an id_token says, its signature checked; keys that are new are fetched."""
    for again in (False, True):
        try:
            keys = KeySet.import_key_set(discovery.document(where.keys, again=again))
            found: dict[str, Any] = jwt.decode(text, keys, algorithms=_ALGORITHMS).claims
            if not isinstance(found.get("sub"), str) or not found["sub"]:
                break
            return found
        except InvalidKeyIdError:
            continue
        except (JoseError, ValueError):
            break
    raise LoginFailed("The answer of the provider is not signed as it should be.")


def _check_times(claims: dict[str, Any]) -> None:
    now = time.time()
    made, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(made, (int, float)) or not isinstance(ends, (int, float)):
        raise LoginFailed("The answer of the provider does not say when it was made.")
    if made > now + LEEWAY_S or ends < now - LEEWAY_S:
        theirs = datetime.fromtimestamp(made, UTC)
        ours = datetime.fromtimestamp(now, UTC)
        raise LoginFailed(
            f"The answer of the provider was made at {theirs:%H:%M:%S} UTC by its clock; by the "
            f"portal's it is {ours:%H:%M:%S} UTC. One of the two clocks is wrong."
        )


def _github(client: OAuth2Session, where: Endpoints) -> Identity:
    """OAuth without OpenID: the token is asked whose it is."""
    person = _asked(client, f"{where.api}/user")
    found = _asked(client, f"{where.api}/user/emails?per_page=100")
    if not isinstance(person, dict) or not isinstance(found, list):
        raise LoginFailed("The provider does not say who you are.")
    verified = [e for e in found if e.get("verified") and e.get("primary")]
    if not verified or not person.get("id"):
        raise LoginFailed("The provider has not verified an e-mail address of yours.")
    return Identity(where.issuer, str(person["id"]), str(verified[0]["email"]))


def _asked(client: OAuth2Session, url: str) -> Any:
    response: requests.Response = client.get(url)
    response.raise_for_status()
    return response.json()
