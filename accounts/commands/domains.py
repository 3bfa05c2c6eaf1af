from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.models import Domain
from accounts.querysets import in_subtree
from accounts.services import domains, removal
from accounts.services.scoping import own_uuid
from core.commands import ADMIN, DOMAIN_ADMIN, Filter, Operate, RoleType, Use, command, listing
from core.responses import SUCCESS
from core.steps import Plan

_DOMAIN_ADMIN_ONLY = frozenset({RoleType.ADMIN, RoleType.DOMAIN_ADMIN})


@command(roles=_DOMAIN_ADMIN_ONLY, event="DOMAIN.CREATE", response=responses.domain)
def createDomain(
    caller: Caller,
    name: Annotated[str, "What to call it; unique below its parent"],
    parentdomainid: Annotated[Domain | None, Use, "The domain above; the caller's own"] = None,
    networkdomain: Annotated[str | None, "DNS suffix of the networks in it"] = None,
    domainid: Annotated[str | None, "A uuid of the caller's choice"] = None,
) -> Domain:
    """Makes a domain below another."""
    return domains.create(
        name,
        parentdomainid or caller.domain,
        network_domain=networkdomain or "",
        uuid=own_uuid(domainid, "domainid"),
    )


@command(roles=ADMIN, event="DOMAIN.UPDATE", response=responses.domain)
def updateDomain(
    caller: Caller,
    id: Annotated[Domain, Operate, "The domain to change"],
    name: Annotated[str | None, "Its new name"] = None,
    networkdomain: Annotated[str | None, "DNS suffix of the networks in it; empty for none"] = None,
) -> Domain:
    """Renames a domain, or gives it another DNS suffix."""
    return domains.update(id, name=name, network_domain=networkdomain)


@command(roles=ADMIN, event="DOMAIN.MOVE", response=responses.domain)
def moveDomain(
    caller: Caller,
    domainid: Annotated[Domain, Operate, "The domain to move, with all below it"],
    parentdomainid: Annotated[Domain, Use, "The domain it shall be below"],
) -> Domain:
    """Hangs a domain under another one."""
    return domains.move(domainid, parentdomainid)


@command(roles=_DOMAIN_ADMIN_ONLY, event="DOMAIN.DELETE", response=SUCCESS)
def deleteDomain(
    caller: Caller,
    id: Annotated[Domain, Operate, "The domain to delete"],
    cleanup: Annotated[bool, "With everything in it: accounts, what they own, subdomains"] = False,
) -> Plan:
    """Deletes a domain. One that still holds something is refused unless cleanup is true."""
    return removal.delete_domain(caller, id, cleanup=cleanup)


@listing(
    Domain,
    response=responses.domain,
    roles=DOMAIN_ADMIN,
    scoped=False,
    order=("level", "name", "pk"),
    groups=responses.groups_of,
    tagged=True,
    icons=True,
)
def listDomains(
    caller: Caller,
    rows: QuerySet,
    id: Annotated[Domain | None, "Only this one"] = None,
    name: Annotated[str | None, Filter("name"), "Only one of this name"] = None,
    level: Annotated[int | None, Filter("level"), "Only so far below ROOT, which is 0"] = None,
    listall: Annotated[bool, "The whole subtree of the caller's domain, not only itself"] = False,
    details: Annotated[list[str] | None, "all, resource or min: whether to show what is used"]
    = None,
) -> QuerySet:
    """Lists domains."""
    if id is not None:
        return rows.filter(pk=id.pk)
    if not listall and not caller.is_root_admin:
        return rows.filter(pk=caller.domain.pk)
    return rows


@listing(
    Domain,
    response=responses.domain,
    roles=DOMAIN_ADMIN,
    scoped=False,
    order=("level", "name", "pk"),
    icons=True,
)
def listDomainChildren(
    caller: Caller,
    rows: QuerySet,
    id: Annotated[Domain | None, "The domain above; the caller's own"] = None,
    name: Annotated[str | None, Filter("name"), "Only those of this name"] = None,
    isrecursive: Annotated[bool, "The whole tree below, not only the next level"] = False,
    listall: Annotated[bool, "Taken for CloudStack's sake; the scope is id's"] = False,
) -> QuerySet:
    """Lists the domains below a domain."""
    above = id or caller.domain
    if isrecursive:
        return rows.filter(in_subtree(above)).exclude(pk=above.pk)
    return rows.filter(parent=above)
