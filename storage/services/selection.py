"""Which templates or ISOs a list is about: CloudStack's template filters."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.querysets import in_subtree
from accounts.services import membership
from accounts.services.scoping import accounts_of_projects, named
from core.errors import InvalidParameter
from infra.models import OsCategory, Zone
from storage import states
from storage.models import ImageStore, StoragePool, Template, TemplateCopy
from storage.services import places

FILTERS = ("featured", "self", "selfexecutable", "shared", "sharedexecutable", "executable",
           "community", "all")  # fmt: skip
_EXECUTABLE = ("selfexecutable", "sharedexecutable", "executable")


def zones(caller: Caller, command: str, text: str | None, several: list[Zone] | None) -> list[Zone]:
    """``zoneid`` (-1 means all) and ``zoneids`` of a registration as rows; [] is all zones."""
    if text in (None, "", "-1"):
        return several or []
    found = places.zones(caller, command, text) or []
    return [*found, *(several or ())]


def select(
    caller: Caller,
    rows: QuerySet,
    filter_: str,
    *,
    kind: str,
    account: str | None = None,
    domain: Domain | None = None,
    recursive: bool = False,
    list_all: bool = False,
    project: str | None = None,
    zone: Zone | None = None,
    hypervisor: str | None = None,
    is_ready: bool | None = None,
    category: OsCategory | None = None,
    store: ImageStore | None = None,
    pool: StoragePool | None = None,
) -> QuerySet:
    """``rows`` are those the caller may see. Raises InvalidParameter for a filter that is not
    one, or not for this caller."""
    name = filter_.strip().lower()
    if name not in FILTERS:
        raise InvalidParameter(f"The filter is one of {', '.join(FILTERS)}, not “{filter_}”.")
    if name == "all" and not caller.is_domain_admin:
        raise InvalidParameter("The filter all is for administrators; use executable or self.")
    rows = rows.filter(kind=kind)
    command = "listIsos" if kind == "ISO" else "listTemplates"
    if project:
        if account:
            raise InvalidParameter("Parameters account and projectid exclude each other.")
        rows = _of_projects(caller, command, rows, name, project)
    else:
        rows = rows.exclude(account__in=membership.barred(caller, command))
        whose = _named(caller, account, domain, recursive)
        everybody = list_all and caller.is_domain_admin and whose is None
        rows = _by_filter(caller, _without_projects(rows), name, whose, everybody)
    if name in _EXECUTABLE:
        rows = rows.filter(state=states.Templates.ACTIVE.value).ready(zone)
    if zone is not None:
        there = TemplateCopy.objects.filter(store__zone=zone)
        rows = rows.filter(Q(zone=zone) | Q(zone=None) | Q(pk__in=there.values("template")))
    if hypervisor:
        rows = rows.filter(hypervisor__iexact=hypervisor)
    if category is not None:
        rows = rows.filter(os_type__category=category)
    if is_ready is not None:
        ready = Template.objects.all().ready(zone).values("pk")
        rows = rows.filter(pk__in=ready) if is_ready else rows.exclude(pk__in=ready)
    if store is not None:
        rows = rows.filter(pk__in=TemplateCopy.objects.filter(store=store).values("template"))
    if pool is not None:
        rows = rows.filter(on_pools__pool=pool)
    return rows


def _of_projects(
    caller: Caller, command: str, rows: QuerySet, name: str, project: str
) -> QuerySet:
    """A project's own stand where an account's would."""
    accounts = accounts_of_projects(caller, command, project)
    own = Q(account__in=accounts)
    if name in ("featured", "community"):
        return _by_filter(caller, rows, name, None, False)
    shared = rows.shared_with(accounts)
    if name in ("shared", "sharedexecutable"):
        return rows.filter(shared)
    return rows.filter(own | Q(is_public=True) | shared if name == "executable" else own)


def _without_projects(rows: QuerySet) -> QuerySet:
    """What is public is everybody's, whoever made it."""
    return rows.filter(Q(of_project=False) | Q(is_public=True))


def _named(caller: Caller, account: str | None, domain: Domain | None, recursive: bool) -> Q | None:
    """Those of the account or domain that the caller names, or None when it names none."""
    if account:
        return Q(account=named(caller, account, domain))
    if domain is None:
        return None
    return in_subtree(domain, "account__domain") if recursive else Q(account__domain=domain)


def _by_filter(caller: Caller, rows: QuerySet, name: str, whose: Q | None, everybody: bool):
    """``everybody``: an administrator asks for all it rules instead of its own."""
    own = whose if whose is not None else Q(account=caller.account)
    if name in ("self", "selfexecutable"):
        rows = rows.owned_within(caller)
        return rows if everybody else rows.filter(own)
    if name in ("shared", "sharedexecutable"):
        return rows.filter(rows.shared_with([caller.account.pk])).exclude(account=caller.account)
    if name == "featured":
        return rows.filter(is_public=True, is_featured=True)
    if name == "community":
        return rows.filter(is_public=True, is_featured=False)
    if name == "executable":
        usable = own | Q(is_public=True) | rows.shared_with([caller.account.pk])
        return rows if everybody else rows.filter(usable)
    return rows if whose is None else rows.filter(whose)
