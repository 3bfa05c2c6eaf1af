"""Domains in a tree, accounts in domains, roles over all."""

from __future__ import annotations

import secrets
import uuid as uuids
from typing import ClassVar

from django.db import models

from accounts.models.entities import Entity
from accounts.querysets import LiveManager, ScopedQuerySet, in_subtree
from core.commands import RoleType


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
        indexes = [  # the order of the lists
            models.Index(fields=["removed", "level", "name"], name="domain_listed"),
            models.Index(fields=["removed", "parent", "level", "name"], name="domain_below"),
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
        """Accounts of projects are reached through their projects only."""
        rows = self.filter(is_project=False)
        if caller.is_root_admin:
            return rows
        if caller.is_domain_admin:
            return rows.filter(in_subtree(caller.domain, "domain"))
        return rows.filter(pk=caller.account.pk)

    def operable_by(self, caller):
        """Nobody acts on an equal or higher role; the first administrators act on all."""
        rows = self.visible_to(caller)
        if caller.role.is_unrestricted:
            return rows
        return rows.filter(role__type__in=caller.role_type.below)


class Account(Entity):
    """The tenant: what owns machines, disks and networks, and what limits count."""

    #: The portal's own, which lists leave out; and those that lists show.
    SYSTEM: ClassVar[models.Q] = models.Q(name="system", is_default=True)
    LISTED: ClassVar[models.Q] = models.Q(is_project=False) & ~SYSTEM
    name = models.CharField(max_length=255)
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="accounts")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="accounts")
    state = models.CharField(max_length=16, default="enabled")  # enabled, disabled, locked
    network_domain = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict)
    is_default = models.BooleanField(default=False)  # made at first start; never deleted
    api_key_access = models.CharField(max_length=8, default="INHERIT")  # ENABLED, DISABLED
    cleanup_needed = models.BooleanField(default=False)  # its deletion began and did not end
    is_project = models.BooleanField(default=False)  # owns a project's things; has no users

    objects = LiveManager.from_queryset(AccountQuerySet)()
    everything = models.Manager.from_queryset(AccountQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "name", "alive"], name="account_name_unique_in_domain",
            )
        ]
        # Lists of accounts leave out those of projects, and page by key.
        indexes = [models.Index(fields=["is_project", "removed"], name="account_is_listed")]

    def __str__(self) -> str:
        return self.project.name if self.is_project else self.name

    @property
    def wire_type(self) -> int:
        """CloudStack's number of an account type."""
        if self.is_project:
            return 5
        return {"User": 0, "Admin": 1, "DomainAdmin": 2, "ResourceAdmin": 3}[self.role.type]
