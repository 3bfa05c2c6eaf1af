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
    """``keys`` is empty where there are no signed answers (GitHub is OAuth without OpenID)."""

    issuer: str
    authorize: str
    token: str
    keys: str = ""
    scope: str = "openid email profile"


def issuer_of(provider: str, given: str) -> str:
    """The issuer a registration means. Raises InvalidParameter when it must be given."""
    if provider == GITHUB:
        return _GITHUB
    issuer = given.strip().rstrip("/") or (_GOOGLE if provider == GOOGLE else "")
    parts = urlsplit(issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query:
        raise InvalidParameter(
            "Give details[0].issuer: the address of the OpenID provider, as https://id.example.org."
        )
    return issuer


def endpoints(provider: OauthProvider) -> Endpoints:
    """Raises ResourceUnavailable when the provider does not say where it is."""
    if provider.provider == GITHUB:
        return Endpoints(
            _GITHUB, f"{_GITHUB}/login/oauth/authorize", f"{_GITHUB}/login/oauth/access_token",
            scope="user:email",
        )  # fmt: skip
    found = document(f"{provider.issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ResourceUnavailable(
            f"{provider.issuer} says that it is “{found.get('issuer')}”; register that issuer."
        )
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    places = [str(found.get(name, "")) for name in names]
    if not all(place.startswith(("https://", "http://")) for place in places):
        raise ResourceUnavailable(f"{provider.issuer} does not say where it signs people in.")
    return Endpoints(provider.issuer, *places)


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
