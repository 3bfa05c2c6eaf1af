"""Who asks. Made once at the edge from a session, a signature or the shell."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from accounts.models import Account, Domain, Project, ProjectMember, Role, Session, User
from core.commands import RoleType


@dataclass(frozen=True)
class Membership:
    """What the caller is in a project. ``role`` is the key of its project role."""

    project: int
    account: int
    is_admin: bool
    role: int | None = None
    stamp: int = 0


@dataclass(frozen=True)
class Caller:
    """The account acted in, and the user acting. ``user`` is None for the system itself."""

    account: Account
    user: User | None = None
    session: Session | None = None
    address: str = ""
    correlation_id: str = field(default="", compare=False)

    @property
    def domain(self) -> Domain:
        return self.account.domain

    @property
    def role(self) -> Role:
        return self.account.role

    @property
    def role_type(self) -> RoleType:
        return RoleType(self.account.role.type)

    @property
    def is_root_admin(self) -> bool:
        return self.role_type is RoleType.ADMIN

    @property
    def is_domain_admin(self) -> bool:
        """Rules a subtree: a domain or resource admin (root admins rule all of it)."""
        return self.role_type is not RoleType.USER

    @functools.cached_property
    def memberships(self) -> Mapping[int, Membership]:
        """The projects the caller is in, by the account that owns each project's things.

        A caller without a user speaks for the account alone, which then stands for nobody's
        membership: a machine of the account has no part in the project's networks.
        """
        if self.user is None:
            return {}
        found = ProjectMember.objects.filter(
            Q(user=None) | Q(user=self.user), account=self.account, project__removed=None
        ).order_by("-whole_account")  # what the user itself is given comes last, and holds
        columns = ("project", "project__account", "is_admin", "role", "role__rules_stamp")
        return {
            account: Membership(project, account, is_admin, role, stamp or 0)
            for project, account, is_admin, role, stamp in found.values_list(*columns)
        }

    def look_again(self) -> None:
        """What the caller is in is read once, unless it may have changed since."""
        self.__dict__.pop("memberships", None)

    @functools.cached_property
    def may_meet_projects(self) -> bool:
        """Whether there is, or was, any project at all: most clouds have none to look for."""
        return Project.everything.exists()

    @classmethod
    def of(cls, user: User, **more: object) -> Caller:
        return cls(account=user.account, user=user, **more)  # type: ignore[arg-type]

    @classmethod
    def system(cls) -> Caller:
        """The portal itself: schedules, first set-up, the integration port."""
        accounts = Account.objects.select_related("domain", "role")
        return cls(account=accounts.get(name="system", domain__level=0))
