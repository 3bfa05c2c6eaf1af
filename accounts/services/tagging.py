"""Which administrators may tie offerings to hosts and pools by tags."""

from __future__ import annotations

from collections.abc import Iterable

from accounts.caller import Caller
from accounts.models import Account
from core.commands import RoleType
from core.config import Scope, Setting
from core.errors import PermissionDenied

MAY_TAG_OFFERINGS = Setting(
    "allow.domain.admins.to.create.tagged.offerings", False,
    "Whether administrators of domains may make offerings with host or storage tags.",
    scopes=(Scope.GLOBAL, Scope.ACCOUNT), house=True,
)  # fmt: skip


def may_tag(account: Account) -> bool:
    return account.role.type == RoleType.ADMIN or MAY_TAG_OFFERINGS.get(account)


def check_may_tag(caller: Caller, *tags: Iterable[str] | None) -> None:
    """Tags lead to hosts and pools that the operator keeps for somebody: raises
    PermissionDenied when there is one and the caller may not use them."""
    if any(text.strip() for some in tags for text in some or ()) and not may_tag(caller.account):
        raise PermissionDenied(
            "Administrators of domains make offerings without tags here; leave them out "
            f"({MAY_TAG_OFFERINGS.name})."
        )
