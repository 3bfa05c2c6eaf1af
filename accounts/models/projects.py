"""Projects: things that several accounts and users share, owned by an account of their own."""

from __future__ import annotations

import secrets
import uuid as uuids
from typing import ClassVar

from django.db import models

from accounts.models.entities import Entity
from accounts.models.tenants import Account, Domain
from accounts.models.users import User
from accounts.querysets import LiveManager, ScopedQuerySet, in_subtree


class ProjectQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """One's own by membership; administrators also those of the domains they rule."""
        if caller.is_root_admin:
            return self
        mine = models.Q(account__in=list(caller.memberships))
        if caller.is_domain_admin:
            mine |= in_subtree(caller.domain, "domain")
        return self.filter(mine)

    def operable_by(self, caller):
        """Its administrators; commands tell regular members so in words."""
        if caller.is_domain_admin:
            return self.visible_to(caller)
        administered = [key for key, m in caller.memberships.items() if m.is_admin]
        return self.filter(account__in=administered)


class Project(Entity):
    """What belongs to it is owned by ``account``, which nobody signs in to."""

    ACTIVE, SUSPENDED, DISABLED = "Active", "Suspended", "Disabled"

    name = models.CharField(max_length=255)
    display_text = models.CharField(max_length=255, blank=True)
    domain = models.ForeignKey(Domain, on_delete=models.PROTECT, related_name="projects")
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="project")
    state = models.CharField(max_length=16, default=ACTIVE)  # Disabled: being deleted
    cleanup_needed = models.BooleanField(default=False)  # its deletion began and did not end

    objects = LiveManager.from_queryset(ProjectQuerySet)()
    everything = models.Manager.from_queryset(ProjectQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "name", "alive"], name="project_name_unique_in_domain",
            )
        ]


class OfProjectQuerySet(ScopedQuerySet):
    """Rows of a project, seen by whoever sees the project."""

    PATH: ClassVar[str] = "project"

    def visible_to(self, caller):
        if caller.is_root_admin:
            return self
        projects = Project.objects.all().visible_to(caller)
        return self.filter(**{f"{self.PATH}__in": projects.values("pk")})


class OfProjectRoleQuerySet(OfProjectQuerySet):
    PATH: ClassVar[str] = "role__project"


class ProjectRole(Entity):
    """Ordered rules that restrict what a member may do with the project's things; what no
    rule matches is as the member's account role says."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="roles")
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    # Another with each change of the rules, so that a process knows when its copy is old.
    rules_stamp = models.PositiveIntegerField(default=0)

    objects = LiveManager.from_queryset(OfProjectQuerySet)()
    everything = models.Manager.from_queryset(OfProjectQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "alive"], name="project_role_name_unique",
            )
        ]

    @staticmethod
    def new_stamp() -> int:
        return secrets.randbelow(2**31)


class ProjectRoleRule(models.Model):
    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    role = models.ForeignKey(ProjectRole, on_delete=models.CASCADE, related_name="rules")
    rule = models.CharField(max_length=255)  # a command name; * is a wildcard
    allow = models.BooleanField()
    description = models.TextField(blank=True)
    sort_order = models.PositiveIntegerField()

    objects = models.Manager.from_queryset(OfProjectRoleQuerySet)()

    class Meta:
        ordering = ["sort_order", "pk"]

    def __str__(self) -> str:
        return f"{self.rule} ({'allow' if self.allow else 'deny'})"


class ProjectMember(models.Model):
    """An account with all its users, or one user of it (``user``)."""

    uuid = models.UUIDField(default=uuids.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="members")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="memberships"
    )
    # True, or NULL for a user: so that a unique constraint binds accounts only.
    whole_account = models.BooleanField(null=True, default=True, editable=False)
    is_admin = models.BooleanField(default=False)  # CloudStack's Admin, else Regular
    role = models.ForeignKey(
        ProjectRole, null=True, on_delete=models.SET_NULL, related_name="members"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = models.Manager.from_queryset(OfProjectQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "account", "whole_account"], name="project_account_once"
            ),
            models.UniqueConstraint(fields=["project", "user"], name="project_user_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.account}"

    @property
    def kind(self) -> str:
        return "Admin" if self.is_admin else "Regular"


class ProjectMove(models.Model):
    """A thing went to a project or from one. Its number tells those who keep counts of what is
    outside projects that theirs is old; it is written in the transaction that moves the thing."""

    created = models.DateTimeField(auto_now_add=True)


class ProjectInvitationQuerySet(ScopedQuerySet):
    def visible_to(self, caller):
        """Those to oneself, and those to projects one administers."""
        if caller.is_root_admin:
            return self
        administered = [m.project for m in caller.memberships.values() if m.is_admin]
        mine = models.Q(project__in=administered) | self.model.to(caller)
        if caller.is_domain_admin:
            mine |= in_subtree(caller.domain, "project__domain")
        return self.filter(mine)


class ProjectInvitation(Entity):
    """Of an account, of a user, or of whoever has the token that was mailed to ``email``.

    Only the token's hash is kept.
    """

    OWNER: ClassVar[str] = "invited"
    OF_PROJECTS: ClassVar[bool] = False
    PENDING, COMPLETED, EXPIRED, DECLINED = "Pending", "Completed", "Expired", "Declined"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    invited = models.ForeignKey(
        Account, null=True, on_delete=models.CASCADE, related_name="invitations"
    )
    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.CharField(max_length=255, blank=True)
    token_hash = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=16, default=PENDING)
    is_admin = models.BooleanField(default=False)
    role = models.ForeignKey(ProjectRole, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = LiveManager.from_queryset(ProjectInvitationQuerySet)()
    everything = models.Manager.from_queryset(ProjectInvitationQuerySet)()

    def __str__(self) -> str:
        return f"{self.user or self.invited or self.email} to {self.project}"

    @staticmethod
    def to(caller) -> models.Q:
        """Those that this caller may answer without a token."""
        to_user = models.Q(user=None)
        if caller.user is not None:
            to_user |= models.Q(user=caller.user)
        return models.Q(invited=caller.account) & to_user
