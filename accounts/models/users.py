"""Users, and what they come in with: keys, sessions."""

from __future__ import annotations

import secrets
import uuid as uuids
from typing import ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.utils import timezone

from accounts.models.entities import Entity
from accounts.models.tenants import Account, Domain
from accounts.querysets import LiveManager, OwnedQuerySet, ScopedQuerySet, in_subtree
from core import vault


class UserQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        if caller.is_root_admin:
            return self
        if caller.is_domain_admin:
            return self.filter(in_subtree(caller.domain, "domain"))
        return self.filter(account=caller.account)

    def operable_by(self, caller):
        """Oneself, and users of lower roles."""
        if caller.role.is_unrestricted:
            return self
        own = models.Q(pk=caller.user.pk if caller.user else None)
        lower = models.Q(account__role__type__in=caller.role_type.below)
        return self.visible_to(caller).filter(own | lower)


class User(Entity):
    """A person or a program that signs in to an account."""

    OWNER: ClassVar[str] = "account"
    OF_PROJECTS: ClassVar[bool] = False
    LISTED: ClassVar[models.Q] = ~models.Q(username="system", is_default=True)
    username = models.CharField(max_length=255)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="users")
    # The account's domain again: user names are unique in a domain, by constraint.
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="users")
    password = models.CharField(max_length=255)
    firstname = models.CharField(max_length=255)
    lastname = models.CharField(max_length=255)
    email = models.CharField(max_length=255, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=16, default="enabled")  # enabled, disabled, locked
    source = models.CharField(max_length=16, default="native")
    is_default = models.BooleanField(default=False)  # made at first start; never deleted
    api_key_access = models.CharField(max_length=8, default="INHERIT")  # ENABLED, DISABLED
    # An administrator asked that this user have a second factor.
    two_factor_mandated = models.BooleanField(default=False)
    # Grows when every session must end: a new password, a lock, a removal.
    session_epoch = models.PositiveIntegerField(default=0)

    objects = LiveManager.from_queryset(UserQuerySet)()
    everything = models.Manager.from_queryset(UserQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "username", "alive"], name="username_unique_in_domain",
            )
        ]

    def __str__(self) -> str:
        return self.username

    def set_password(self, password: str | None) -> None:
        """None: nobody can sign in as this user."""
        self.password = make_password(password)

    def has_password(self, password: str) -> bool:
        return check_password(password, self.password)


class ApiKey(models.Model):
    """A pair that signs requests. The secret must be readable to check a signature, so it is
    sealed with the installation's key; it is shown once."""

    OWNER: ClassVar[str] = "user__account"
    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="api_key")
    key = models.CharField(max_length=255, unique=True)
    sealed_secret = models.TextField()
    created = models.DateTimeField(default=timezone.now)
    last_used = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    @classmethod
    def new_pair(cls) -> tuple[str, str]:
        return secrets.token_urlsafe(48), secrets.token_urlsafe(48)

    @property
    def secret(self) -> str:
        return vault.unseal(self.sealed_secret)


class RetiredKey(models.Model):
    """A pair that was replaced and still signs until ``until``, while programs change over."""

    OWNER: ClassVar[str] = "user__account"
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="retired_keys")
    key = models.CharField(max_length=255, unique=True)
    sealed_secret = models.TextField()
    until = models.DateTimeField()

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    @property
    def secret(self) -> str:
        return vault.unseal(self.sealed_secret)


class SessionQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """One's own, and those of users one may act on."""
        if caller.is_root_admin:
            return self
        return self.filter(user__in=User.everything.all().operable_by(caller).values("pk"))


class Session(models.Model):
    """A signed-in browser or client. Only hashes of its two tokens are kept."""

    OWNER: ClassVar[str] = "user__account"
    OF_PROJECTS: ClassVar[bool] = False
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    token_hash = models.CharField(max_length=64, unique=True)
    key_hash = models.CharField(max_length=64)
    epoch = models.PositiveIntegerField()
    address = models.GenericIPAddressField(null=True)
    created = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    device = models.CharField(max_length=255, blank=True)  # what it says it is (User-Agent)
    source = models.CharField(max_length=16, default="native")  # native, ldap, oauth2, saml2
    # The password was right, the second factor is still to be proven: good for nothing else.
    pending = models.BooleanField(default=False)
    factor_proven = models.DateTimeField(null=True)
    # Of those who came by SAML: who vouched, for whom, and what the other side calls it.
    idp = models.CharField(max_length=255, blank=True)
    external_name = models.CharField(max_length=255, blank=True)
    external_subject = models.CharField(max_length=1000, blank=True)
    external_index = models.CharField(max_length=255, blank=True)

    objects = models.Manager.from_queryset(SessionQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["last_seen"], name="session_last_seen")]


class LoginFailure(models.Model):
    """A counter per name and per address, for throttling; swept when old."""

    subject = models.CharField(max_length=255, unique=True)
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True)
    updated = models.DateTimeField(default=timezone.now, db_index=True)
