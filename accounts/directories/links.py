"""Which groups of a directory come in to which domain or account."""

from __future__ import annotations

from django.db import transaction

from accounts.caller import Caller
from accounts.directories import connection, importing, searching
from accounts.directories.searching import Person
from accounts.directories.settings import Shape
from accounts.models import Account, Domain, LdapLink, Role
from accounts.services import accounts, roles
from core.errors import InvalidParameter, NotAllowedInState

GROUP, OU = "GROUP", "OU"


def link(
    caller: Caller,
    *,
    domain: Domain,
    kind: str,
    name: str,
    role: Role,
    account_name: str = "",
    admin: str = "",
) -> tuple[LdapLink, Account | None]:
    """A link, and the account of ``admin`` (a user of the directory who comes in at once).

    Raises InvalidParameter when the directory does not have what is linked. Call it outside a
    transaction: it asks the directory.
    """
    roles.check_may_give(caller, role)
    accounts.check_place(role, domain)
    shape = Shape.of(domain)
    with connection.opened(domain) as directory:
        if kind == GROUP:
            name = searching.group_name(directory, shape, name)
        searching.normal(name)
        if not any(True for _e in directory.search(name, "(objectClass=*)", ["objectClass"])):
            raise InvalidParameter(f"The directory has no {name}.")
        person = searching.person(directory, shape, admin) if admin else None
    if admin and person is None:
        raise InvalidParameter(f"The directory has no user {admin}.")
    with transaction.atomic():
        account = _account(caller, domain, role, account_name) if account_name else None
        twin = LdapLink.objects.filter(domain=domain, account=account, kind=kind, name=name)
        if twin.exists():
            raise InvalidParameter(f"{name} is linked there already.")
        made = LdapLink.objects.create(
            domain=domain, account=account, kind=kind, name=name, role=role
        )
        first = None
        if person is not None:
            first = importing.bring_in(person, domain=domain, account=account, role=role).account
    return made, account or first


def _account(caller: Caller, domain: Domain, role: Role, name: str) -> Account:
    """The account of this name in the domain; it is made when there is none."""
    found = Account.objects.filter(domain=domain, name=name).first()
    if found is None:
        return accounts.make(name, domain, role)
    if found.state != "enabled":
        raise NotAllowedInState(f"Account {name} is {found.state}; enable it first.")
    if not Account.objects.operable_by(caller).filter(pk=found.pk).exists():
        raise InvalidParameter(f"Account {name} is not yours to fill.")
    return found


def matching(
    directory: connection.Directory, shape: Shape, domain: Domain, person: Person
) -> LdapLink | None:
    """The link of the domain by which this person comes in; those to accounts go first."""
    found = LdapLink.objects.filter(domain=domain).select_related("account", "role")
    links = sorted(found, key=lambda one: (one.account_id is None, one.pk))
    groups = None
    for one in links:
        if one.kind == OU:
            if searching.is_below(person.principal, one.name):
                return one
            continue
        if groups is None:
            groups = searching.groups_of(directory, shape, person.principal)
        if searching.normal(one.name) in groups:
            return one
    return None


def has_any(domain: Domain) -> bool:
    return LdapLink.objects.filter(domain=domain).exists()
