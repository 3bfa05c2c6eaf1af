"""Who there is: domains in a tree, accounts in domains, users in accounts, roles over all."""

from __future__ import annotations

import secrets
import uuid as uuids
from typing import Any, ClassVar

from django.contrib.auth.hashers import check_password, make_password
from django.db import models
from django.utils import timezone

from accounts.querysets import LiveManager, OwnedQuerySet, ScopedQuerySet, in_subtree
from core import live, vault
from core.commands import RoleType


class Entity(models.Model):
    """A row clients know by its uuid. ``removed`` rows stay for history and old links.

    ``alive`` is True, or NULL once removed, so that a unique constraint over a name and
    ``alive`` binds living rows only (MariaDB has no conditional indexes).
    """

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    created = models.DateTimeField(default=timezone.now, editable=False)
    # Lists count and page over the rows that live: an index that holds just that, by key.
    removed = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    alive = models.BooleanField(null=True, default=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(getattr(self, "name", None) or self.uuid)

    def remove(self, **also: Any) -> None:
        """Take the row out of sight; its name is free again."""
        self.removed, self.alive = timezone.now(), None
        for name, value in also.items():
            setattr(self, name, value)
        self.save(update_fields=["removed", "alive", *also])
        live.changed(self)


class Owned(Entity):
    """An entity of an account. ``OWNER`` is the ORM path to that account."""

    OWNER: ClassVar[str] = "account"

    class Meta:
        abstract = True


class DomainQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        if caller.is_root_admin:
            return self
        if caller.is_domain_admin:
            return self.within(caller.domain)
        return self.filter(pk=caller.domain.pk)

    def operable_by(self, caller):
        """A domain admin rules the domains below its own, not its own."""
        if caller.is_domain_admin and not caller.is_root_admin:
            return self.visible_to(caller).exclude(pk=caller.domain.pk)
        return self if caller.is_root_admin else self.none()

    def within(self, domain: Domain):
        return self.filter(in_subtree(domain))


class Domain(Entity):
    """A branch of the tenant tree. ``path`` is ``/`` for ROOT, else ``/12/40/`` (ids), so a
    subtree is one indexed prefix, whatever the names are."""

    name = models.CharField(max_length=255)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    path = models.CharField(max_length=255, db_index=True)
    name_path = models.CharField(max_length=2000)  # "ROOT/研发/dev", as people write it
    level = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=16, default="Active")  # Active, Inactive
    network_domain = models.CharField(max_length=255, blank=True)

    objects = LiveManager.from_queryset(DomainQuerySet)()
    everything = models.Manager.from_queryset(DomainQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["parent", "name", "alive"], name="domain_name_unique_in_parent",
            )
        ]

    def __str__(self) -> str:
        return self.name_path or self.name

    @property
    def is_root(self) -> bool:
        return self.level == 0

    @property
    def ancestor_ids(self) -> list[int]:
        """Ids from below ROOT down to this domain itself."""
        return [int(part) for part in self.path.split("/") if part]

    @classmethod
    def root(cls) -> Domain:
        return cls.objects.get(level=0)


class RoleQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """Own rank or lower; only root administrators see roles that are not public."""
        if caller.is_root_admin:
            return self
        allowed = [t for t in RoleType if t.rank >= caller.role_type.rank]
        return self.filter(type__in=allowed, is_public=True)

    def operable_by(self, caller):
        """The first administrators rule all roles; other administrators lower ones, lest
        they widen their own."""
        if not caller.is_root_admin:
            return self.none()
        return self if caller.role.is_unrestricted else self.exclude(type=RoleType.ADMIN)


class Role(Entity):
    """A named set of ordered rules over commands; what no rule matches falls back on each
    command's own default roles. The built-in ones cannot be edited."""

    UNRESTRICTED = "Root Admin"

    name = models.CharField(max_length=255)
    type = models.CharField(max_length=16, choices=[(t, t) for t in RoleType])
    description = models.TextField(blank=True)
    is_default = models.BooleanField(default=False)
    is_public = models.BooleanField(default=True)
    state = models.CharField(max_length=16, default="enabled")  # enabled, disabled
    # Another with each change of the rules, so that a process knows when its copy is old.
    rules_stamp = models.PositiveIntegerField(default=0)

    objects = LiveManager.from_queryset(RoleQuerySet)()
    everything = models.Manager.from_queryset(RoleQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "alive"], name="role_name_unique"),
        ]

    @staticmethod
    def new_stamp() -> int:
        """Random, so that not even a change that was rolled back can have had the same."""
        return secrets.randbelow(2**31)

    @property
    def is_unrestricted(self) -> bool:
        """The cloud's owners: every command, whatever the rules say."""
        return self.is_default and self.type == RoleType.ADMIN and self.name == self.UNRESTRICTED


class RoleRuleQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        return self.filter(role__in=Role.objects.visible_to(caller))

    def operable_by(self, caller):
        return self.filter(role__in=Role.objects.operable_by(caller))


class RoleRule(models.Model):
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="rules")
    rule = models.CharField(max_length=255)  # a command name; * is a wildcard
    allow = models.BooleanField()
    description = models.TextField(blank=True)
    sort_order = models.PositiveIntegerField()

    objects = RoleRuleQuerySet.as_manager()

    class Meta:
        ordering = ["sort_order", "pk"]

    def __str__(self) -> str:
        return f"{self.rule} ({'allow' if self.allow else 'deny'})"


class AccountQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        if caller.is_root_admin:
            return self
        if caller.is_domain_admin:
            return self.filter(in_subtree(caller.domain, "domain"))
        return self.filter(pk=caller.account.pk)

    def operable_by(self, caller):
        """Nobody acts on an equal or higher role; the first administrators act on all."""
        rows = self.visible_to(caller)
        if caller.role.is_unrestricted:
            return rows
        return rows.filter(role__type__in=caller.role_type.below)


class Account(Entity):
    """The tenant: what owns machines, disks and networks, and what limits count."""

    name = models.CharField(max_length=255)
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="accounts")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="accounts")
    state = models.CharField(max_length=16, default="enabled")  # enabled, disabled, locked
    network_domain = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict)
    is_default = models.BooleanField(default=False)  # made at first start; never deleted
    api_key_access = models.CharField(max_length=8, default="INHERIT")  # ENABLED, DISABLED
    cleanup_needed = models.BooleanField(default=False)  # its deletion began and did not end

    objects = LiveManager.from_queryset(AccountQuerySet)()
    everything = models.Manager.from_queryset(AccountQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "name", "alive"], name="account_name_unique_in_domain",
            )
        ]

    @property
    def wire_type(self) -> int:
        """CloudStack's number of an account type."""
        return {"User": 0, "Admin": 1, "DomainAdmin": 2, "ResourceAdmin": 3}[self.role.type]


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

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    @classmethod
    def new_pair(cls) -> tuple[str, str]:
        return secrets.token_urlsafe(48), secrets.token_urlsafe(48)

    @property
    def secret(self) -> str:
        return vault.unseal(self.sealed_secret)


class Session(models.Model):
    """A signed-in browser or client. Only hashes of its two tokens are kept."""

    OWNER: ClassVar[str] = "user__account"
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    token_hash = models.CharField(max_length=64, unique=True)
    key_hash = models.CharField(max_length=64)
    epoch = models.PositiveIntegerField()
    address = models.GenericIPAddressField(null=True)
    created = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)

    objects = models.Manager.from_queryset(OwnedQuerySet)()


class LoginFailure(models.Model):
    """A counter per name and per address, for throttling; swept when old."""

    subject = models.CharField(max_length=255, unique=True)
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField(null=True)
    updated = models.DateTimeField(default=timezone.now, db_index=True)


class ResourceLimit(models.Model):
    """A ceiling that was set on purpose; -1 is none. Unset ones come from the settings."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="limits")
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="limits")
    resource = models.PositiveSmallIntegerField()  # CloudStack's resourcetype number
    maximum = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "resource"], name="one_limit_per_account"),
            models.UniqueConstraint(fields=["domain", "resource"], name="one_limit_per_domain"),
            models.CheckConstraint(
                condition=models.Q(account=None) ^ models.Q(domain=None),
                name="limit_has_one_holder",
            ),
        ]


class ResourceCount(models.Model):
    """What is in use, kept in the same transaction as the thing that uses it."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="counts")
    domain = models.ForeignKey(Domain, null=True, on_delete=models.CASCADE, related_name="counts")
    resource = models.PositiveSmallIntegerField()
    used = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "resource"], name="one_count_per_account"),
            models.UniqueConstraint(fields=["domain", "resource"], name="one_count_per_domain"),
            models.CheckConstraint(
                condition=models.Q(account=None) ^ models.Q(domain=None),
                name="count_has_one_holder",
            ),
        ]
