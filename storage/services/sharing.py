"""Who may use a template or ISO besides its owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.caller import Caller
from accounts.models import Account, Project
from core import live
from core.config import Scope, Setting
from core.errors import InvalidParameter, PermissionDenied
from storage.models import Template

PUBLIC_BY_USERS = Setting(
    "allow.public.user.templates", True,
    "Whether users may make their templates and ISOs public.",
    scopes=(Scope.GLOBAL, Scope.DOMAIN, Scope.ACCOUNT),
)  # fmt: skip


def publicity(caller: Caller, public: bool, featured: bool) -> tuple[bool, bool]:
    """Only root administrators feature; others' wish for it is ignored, as CloudStack does."""
    if public and not caller.is_domain_admin and not PUBLIC_BY_USERS.get(caller.account):
        raise PermissionDenied("Users may not publish templates or ISOs here; leave ispublic out.")
    return public, featured and caller.is_root_admin


def share(
    caller: Caller,
    template: Template,
    *,
    op: str = "",
    accounts: Iterable[str] = (),
    projects: Sequence[Project] = (),
    is_public: bool | None = None,
    is_featured: bool | None = None,
    is_extractable: bool | None = None,
) -> None:
    """Who may use it: everybody, or projects and named accounts of the owner's domain
    (``op``: add, remove or reset, which takes all back and makes it private)."""
    names = list(dict.fromkeys(a for a in accounts if a))
    if op and op not in ("add", "remove", "reset"):
        raise InvalidParameter(f"op is add, remove or reset, not “{op}”.")
    if (names or projects) and op not in ("add", "remove"):
        raise InvalidParameter("Say with op whether the accounts are added or removed.")
    if op in ("add", "remove"):
        if not names and not projects:
            raise InvalidParameter("Give accounts or projectids: those to add or remove.")
        found = [*_accounts(template, names), *(p.account for p in projects)]
        others = [a for a in found if a.pk != template.account_id]
        _share_with(template, others, add=op == "add")
    if op == "reset":
        template.permissions.all().delete()
        is_public, is_featured = False, False
    public, featured = publicity(caller, bool(is_public), bool(is_featured))
    changes: dict[str, bool] = {}
    if is_public is not None:
        changes["is_public"] = public
    if is_featured is not None and (caller.is_root_admin or not is_featured):
        changes["is_featured"] = featured
    if is_extractable is not None:
        changes["is_extractable"] = is_extractable
    if changes:
        Template.objects.filter(pk=template.pk).update(**changes)
    for field, value in changes.items():
        setattr(template, field, value)
    live.changed(template)


def _accounts(template: Template, names: list[str]) -> list[Account]:
    """Accounts are named in the owner's domain, and must be there; nothing else about them is
    told, so a name that is hidden from the caller cannot be told from one that is not there."""
    found = Account.objects.filter(
        domain=template.account.domain_id, name__in=names, is_project=False
    )
    by_name = {a.name: a for a in found}
    missing = [n for n in names if n not in by_name]
    if missing:
        raise InvalidParameter(
            f"There is no account {missing[0]} in domain {template.account.domain.name_path}."
        )
    return [by_name[n] for n in names]


def _share_with(template: Template, accounts: list[Account], *, add: bool) -> None:
    if not add:
        template.permissions.filter(account__in=accounts).delete()
        return
    for account in accounts:
        template.permissions.get_or_create(account=account)


def permissions(template: Template) -> dict[str, Any]:
    shared = template.permissions.order_by("account__name")
    names = shared.filter(account__is_project=False).values_list("account__name", flat=True)
    of_projects = shared.filter(account__is_project=True)
    projects = of_projects.values_list("account__project__uuid", flat=True)
    return {
        "id": str(template.uuid),
        "ispublic": template.is_public,
        "domainid": str(template.account.domain.uuid),
        "account": list(names),
        **({"projectids": [str(uuid) for uuid in projects]} if projects else {}),
    }
