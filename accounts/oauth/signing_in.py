"""From a provider's answer to a session."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Domain, ExternalIdentity, OauthProvider, User, Voucher
from accounts.oauth import identities
from accounts.oauth.identities import Identity
from accounts.services import sessions, throttle
from core.config import Setting
from core.errors import InvalidParameter, LoginFailed

ENABLED = Setting(
    "oauth2.enabled", False, "Whether users may sign in by OAuth and OpenID providers.",
    category="Authentication",
)  # fmt: skip

SOURCE = "oauth2"
_GOOD_FOR = timedelta(minutes=2)


def provider_called(name: str) -> OauthProvider:
    """Raises InvalidParameter for one that is not there, or not enabled."""
    found = OauthProvider.objects.filter(provider=name, enabled=True).first()
    if found is None or not ENABLED.get():
        raise InvalidParameter(f"Nobody signs in by “{name}” here.")
    return found


def offered() -> list[OauthProvider]:
    return list(OauthProvider.objects.filter(enabled=True).order_by("pk")) if ENABLED.get() else []


def verify(name: str, code: str, *, address: str = "") -> Identity:
    """Who the code is of; kept for a moment, for ``log_in`` that follows with the same code."""
    things = throttle.watched_source("oauth", address)
    throttle.refuse_if_paused(things)
    provider = provider_called(name)
    try:
        identity = identities.identify(provider, code)
    except LoginFailed:
        throttle.failed(things)
        raise
    Voucher.objects.filter(expires__lt=timezone.now()).delete()
    Voucher.objects.update_or_create(
        code_hash=_hash(provider, code),
        defaults={
            "provider": provider, "subject": identity.subject, "email": identity.email,
            "expires": timezone.now() + _GOOD_FOR,
        },
    )  # fmt: skip
    return identity


def log_in(
    name: str,
    code: str,
    email: str,
    *,
    domain_path: str = "",
    domain_uuid: str = "",
    address: str = "",
    device: str = "",
) -> sessions.SignedIn:
    """A session for whoever the code is of. Raises LoginFailed, InvalidParameter, Throttled."""
    things = throttle.watched_source("oauth", address)
    throttle.refuse_if_paused(things)
    provider = provider_called(name)
    try:
        identity = _vouched(provider, code) or identities.identify(provider, code)
        if identity.email.casefold() != email.strip().casefold():
            raise LoginFailed("The provider knows you by another e-mail address.")
        user = user_of(identity, sessions.domain_meant(domain_path, domain_uuid))
    except LoginFailed:
        throttle.failed(things)
        raise
    return sessions.start(user, address, device=device, source=SOURCE)


def user_of(identity: Identity, domain: Domain | None) -> User:
    """The user in this domain whom the provider means: the one it meant before, else the one
    with the address, which it means from now on. Raises LoginFailed."""
    related = ("account__domain", "account__role", "domain", "second_factor")
    users = User.objects.select_related(*related).filter(domain=domain)
    bound = list(users.filter(pk__in=_meant_before(identity)))
    # MariaDB takes é for e: an address at another domain must not pass for the user's.
    address = identity.email.casefold()
    found = bound or [
        u for u in users.filter(email__iexact=identity.email) if u.email.casefold() == address
    ]
    if domain is None or len(found) != 1 or not sessions.may_sign_in(found[0]):
        raise LoginFailed(
            f"There is no one user with the address {identity.email} in this domain, or it is "
            "disabled. Ask your administrator."
        )
    if not bound:
        _bind(found[0], identity)
    return found[0]


def _meant_before(identity: Identity) -> list[int]:
    """Subjects are exact; MariaDB compares them in any case and without accents."""
    rows = ExternalIdentity.objects.filter(issuer=identity.issuer, subject=identity.subject)
    return [r.user_id for r in rows if (r.issuer, r.subject) == (identity.issuer, identity.subject)]


def _bind(user: User, identity: Identity) -> None:
    """A user who came by another subject of the same provider is somebody else by now: the
    address has passed on, and an administrator must say so."""
    if ExternalIdentity.objects.filter(user=user, issuer=identity.issuer).exists():
        raise LoginFailed(
            f"The address {identity.email} belonged to somebody else at this provider before. "
            "Ask your administrator."
        )
    try:
        with transaction.atomic():
            ExternalIdentity.objects.create(
                user=user, issuer=identity.issuer, subject=identity.subject
            )
    except IntegrityError:
        pass  # bound by another request just now


def _vouched(provider: OauthProvider, code: str) -> Identity | None:
    """What ``verify`` found for this code a moment ago; taken once."""
    found = Voucher.objects.filter(
        code_hash=_hash(provider, code), provider=provider, expires__gt=timezone.now()
    ).first()
    if found is None or not Voucher.objects.filter(pk=found.pk).delete()[0]:
        return None
    return Identity(provider.issuer, found.subject, found.email)


def _hash(provider: OauthProvider, code: str) -> str:
    return hashlib.sha256(f"{provider.pk} {code}".encode()).hexdigest()
