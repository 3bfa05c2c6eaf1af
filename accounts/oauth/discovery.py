"""Where a provider is: by discovery (OpenID Connect Discovery 1.0), or known (GitHub)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from accounts import web
from accounts.models import OauthProvider
from core.errors import InvalidParameter, ResourceUnavailable

GOOGLE, GITHUB = "google", "github"
_GOOGLE = "https://accounts.google.com"
_GITHUB = "https://github.com"
_FRESH_FOR_S = 600
_seen: dict[str, tuple[float, dict[str, Any]]] = {}


@dataclass(frozen=True)
class Endpoints:
    """``keys`` is empty where there are no signed answers (GitHub is OAuth without OpenID);
    ``api`` says there whose a token is. ``secret_in_form``: the portal's secret is sent as a
    parameter (client_secret_post), not by Basic."""

    issuer: str
    authorize: str
    token: str
    keys: str = ""
    api: str = ""
    scope: str = "openid email profile"
    secret_in_form: bool = False


def issuer_of(provider: str, given: str) -> str:
    """The issuer a registration means; of GitHub a server of one's own (GitHub Enterprise
    Server) may be given. Raises InvalidParameter when it must be given."""
    known = {GOOGLE: _GOOGLE, GITHUB: _GITHUB}
    issuer = given.strip().rstrip("/") or known.get(provider, "")
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
        raise InvalidParameter(
            "Give details[0].issuer: the address of the OpenID provider, as https://id.example.org."
        )
    return issuer


def endpoints(provider: OauthProvider) -> Endpoints:
    """Raises ResourceUnavailable when the provider does not say where it is."""
    if provider.provider == GITHUB:
        return _github(provider.issuer)
    found = document(f"{provider.issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ResourceUnavailable(
            f"{provider.issuer} says that it is “{found.get('issuer')}”; register that issuer."
        )
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    places = [str(found.get(name, "")) for name in names]
    if not all(place.startswith(("https://", "http://")) for place in places):
        raise ResourceUnavailable(f"{provider.issuer} does not say where it signs people in.")
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        provider.issuer, *places, secret_in_form="client_secret_basic" not in methods
    )  # fmt: skip


def _github(site: str) -> Endpoints:
    """docs.github.com, “Authorizing OAuth apps”; the API of a server of one's own is below it."""
    return Endpoints(
        site,
        f"{site}/login/oauth/authorize",
        f"{site}/login/oauth/access_token",
        api="https://api.github.com" if site == _GITHUB else f"{site}/api/v3",
        scope="user:email",
        secret_in_form=True,
    )


def document(url: str, *, again: bool = False) -> dict[str, Any]:
    """A JSON object, remembered for some minutes unless ``again``."""
    at, known = _seen.get(url, (0.0, {}))
    if known and not again and time.monotonic() - at < _FRESH_FOR_S:
        return known
    try:
        found = web.fetched(url).json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ResourceUnavailable(f"{urlsplit(url).netloc} answers with something else.")
    _seen[url] = (time.monotonic(), found)
    return found


def forget() -> None:
    _seen.clear()
