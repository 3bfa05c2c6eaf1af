"""Who the portal is to identity providers, under CloudStack's names."""

from __future__ import annotations

from typing import TypeVar

from core.config import Setting

#: How far the identity provider's clock and ours may differ.
LEEWAY_S = 120

T = TypeVar("T", bool, int, float, str)


def _setting(name: str, default: T, help_text: str, **more: object) -> Setting[T]:
    return Setting(f"saml2.{name}", default, help_text, category="SAML2", **more)  # type: ignore[arg-type]


ENABLED = _setting("enabled", False, "Whether users may sign in by SAML 2.")
METADATA_URL = _setting(
    "idp.metadata.url", "", "Where identity providers describe themselves (metadata, XML)."
)
DEFAULT_IDP = _setting(
    "default.idpid", "", "The identity provider that is asked when none is named."
)
SP_ID = _setting("sp.id", "cloudportal", "The portal's own entity id.")
SSO_URL = _setting(
    "sp.sso.url", "",
    "Where identity providers send answers: the portal's /client/api?command=samlSso.",
)  # fmt: skip
SLO_URL = _setting(
    "sp.slo.url", "",
    "Where identity providers tell of log-outs: the portal's /client/api?command=samlSlo.",
)  # fmt: skip
ORGANISATION = _setting("sp.org.name", "cloudportal", "Who runs the portal, in its metadata.")
ORGANISATION_URL = _setting("sp.org.url", "", "The address of whoever runs the portal.")
CONTACT = _setting("sp.contact.person", "", "Whom to ask about the portal, in its metadata.")
CONTACT_EMAIL = _setting("sp.contact.email", "", "The e-mail address of that person.")
USER_ATTRIBUTE = _setting(
    "user.attribute", "uid", "The attribute of an assertion that holds the user's name here."
)
REDIRECT_URL = _setting("redirect.url", "/", "Where to go after signing in, a path of the portal.")
REFRESH_S = _setting(
    "timeout", 1800, "Seconds after which the metadata is read anew.", minimum=60
)
FORCE = _setting(
    "force.authn", False, "Whether the identity provider asks for the password each time."
)


def is_available() -> bool:
    return ENABLED.get() and bool(SSO_URL.get())
