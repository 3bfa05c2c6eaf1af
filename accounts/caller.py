"""Who asks. Made once at the edge from a session, a signature or the shell."""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.models import Account, Domain, Role, Session, User
from core.commands import RoleType


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

    @classmethod
    def of(cls, user: User, **more: object) -> Caller:
        return cls(account=user.account, user=user, **more)  # type: ignore[arg-type]

    @classmethod
    def system(cls) -> Caller:
        """The portal itself: schedules, first set-up, the integration port."""
        accounts = Account.objects.select_related("domain", "role")
        return cls(account=accounts.get(name="system", domain__level=0))
