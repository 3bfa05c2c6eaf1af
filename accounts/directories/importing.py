"""Users of a directory made users here, before they ever come or when they come."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.caller import Caller
from accounts.directories import connection, searching
from accounts.directories.searching import Person
from accounts.directories.settings import Shape
from accounts.models import Account, Domain, Role, User
from accounts.services import accounts, roles, users
from core.errors import CloudError, InvalidParameter

LDAP = "ldap"
#: More would hold the writers of the database up for long; a group at a time is better.
_MOST = 5000


@dataclass(frozen=True)
class Found:
    """A user of the directory beside ours. ``conflict`` is the source of the user here that has
    the name already; ``why`` says why it cannot be brought in."""

    person: Person
    domain: Domain
    conflict: str = ""
    why: str = ""

    def record(self) -> dict[str, Any]:
        return {
            "username": self.person.username,
            "firstname": self.person.firstname,
            "lastname": self.person.lastname,
            "email": self.person.email,
            "principal": self.person.principal,
            "domain": self.domain.name_path,
            **({"conflictingusersource": self.conflict} if self.conflict else {}),
            **({"reason": self.why} if self.why else {}),
        }


def found(
    domain: Domain, *, keyword: str = "", group: str = "", username: str = ""
) -> list[Person]:
    """Asks the directory of the domain; call it outside a transaction."""
    shape = Shape.of(domain)
    with connection.opened(domain) as directory:
        if username:
            one = searching.person(directory, shape, username)
            return [one] if one else []
        given: Iterable[Person]
        if group:
            given = searching.members(directory, shape, group)
        else:
            given = searching.people(directory, shape, keyword=keyword)
        wanted = []
        for one in given:
            if not (group and keyword) or _has(one, keyword):
                wanted.append(one)
            if len(wanted) > _MOST:
                raise InvalidParameter(
                    f"The directory has more than {_MOST} such users; name a group or a keyword."
                )
    return wanted


def _has(person: Person, keyword: str) -> bool:
    text = f"{person.username} {person.firstname} {person.lastname} {person.email}"
    return keyword.casefold() in text.casefold()


def compared(people: Iterable[Person], domain: Domain) -> list[Found]:
    """Each with the user of ours that has its name in the domain."""
    listed = list(people)
    names = User.objects.filter(domain=domain).values_list("username", "source")
    known = {name.casefold(): source for name, source in names}
    return [Found(p, domain, known.get(p.username.casefold(), "")) for p in listed]


def names_anywhere() -> set[str]:
    return {name.casefold() for name in User.objects.values_list("username", flat=True)}


def bring_all_in(
    caller: Caller,
    people: Iterable[Person],
    *,
    domain: Domain,
    role: Role,
    account_name: str = "",
    timezone: str = "",
    details: dict[str, Any] | None = None,
) -> list[Found]:
    """Those who are not here yet, each to an account of its own or all to the one named. One
    who cannot come in is told with the reason; the others do."""
    roles.check_may_give(caller, role)
    accounts.check_place(role, domain)
    done = []
    for one in compared(people, domain):
        if one.conflict:
            done.append(Found(one.person, domain, one.conflict, "There is a user of that name."))
            continue
        try:
            with transaction.atomic():
                shared = _shared(caller, domain, role, account_name, details)
                bring_in(
                    one.person, domain=domain, account=shared, role=role, timezone=timezone,
                    details=details,
                )  # fmt: skip
            done.append(one)
        except CloudError as error:
            done.append(Found(one.person, domain, "", error.message))
    return done


def _shared(
    caller: Caller, domain: Domain, role: Role, name: str, details: dict[str, Any] | None
) -> Account | None:
    if not name:
        return None
    account = Account.objects.filter(domain=domain, name=name).first()
    if account is None:
        return accounts.make(name, domain, role, details=details)
    if not Account.objects.operable_by(caller).filter(pk=account.pk).exists():
        raise InvalidParameter(f"Account {name} is not yours to fill.")
    return account


def bring_in(
    person: Person,
    *,
    domain: Domain,
    role: Role,
    account: Account | None = None,
    account_name: str = "",
    timezone: str = "",
    network_domain: str = "",
    details: dict[str, Any] | None = None,
    uuid: uuids.UUID | None = None,
    user_uuid: uuids.UUID | None = None,
) -> User:
    """A user here, in ``account`` or one of its own, whose password stays in the directory."""
    if account is None:
        account = accounts.make(
            account_name or person.username, domain, role,
            network_domain=network_domain, details=details, uuid=uuid,
        )  # fmt: skip
    return users.create(
        account,
        person.username,
        "",
        firstname=person.firstname or person.username,
        lastname=person.lastname or person.username,
        email=person.email,
        timezone=timezone,
        uuid=user_uuid,
        source=LDAP,
    )
