"""Who needs a second factor, as the operator set it."""

from __future__ import annotations

from accounts.models import Domain, SecondFactor, User
from core.config import Scope, Setting

_SCOPES = (Scope.GLOBAL, Scope.DOMAIN)
TOTP, STATIC_PIN = "totp", "staticpin"
PROVIDERS = {
    TOTP: "Six digits from an authenticator program, new every thirty seconds",
    STATIC_PIN: "Eight digits that stay the same; better than nothing, weaker than totp",
}

ENABLED = Setting(
    "enable.user.2fa", False, "Whether users may set up a second factor.",
    scopes=_SCOPES, house=True,
)  # fmt: skip
MANDATED = Setting(
    "mandate.user.2fa", False,
    "Whether users must have a second factor; goes with enable.user.2fa.",
    scopes=_SCOPES, house=True,
)  # fmt: skip
DEFAULT_PROVIDER = Setting(
    "user.2fa.default.provider", TOTP, "The kind of second factor, unless the user names one.",
    scopes=_SCOPES, choices=tuple(PROVIDERS),
)  # fmt: skip
ISSUER = Setting(
    "user.2fa.issuer", "cloudportal", "What authenticator programs call this cloud.",
    scopes=_SCOPES,
)  # fmt: skip


def factor_of(user: User) -> SecondFactor | None:
    """The factor, verified or only set up."""
    return getattr(user, "second_factor", None)


def has_factor(user: User) -> bool:
    factor = factor_of(user)
    return factor is not None and factor.verified is not None


def is_mandated(mandated: bool, domain: Domain) -> bool:
    """``mandated``: of this user, by an administrator."""
    return ENABLED.get(domain) and (mandated or MANDATED.get(domain))


def is_asked(user: User) -> bool:
    """Whether a sign-in with the right password is only half of one."""
    return has_factor(user) or is_mandated(user.two_factor_mandated, user.domain)
