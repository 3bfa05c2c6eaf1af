"""Signing in with a password that a directory keeps; coming in by a link; leaving by one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from django.db import transaction

from accounts.directories import connection, importing, links, searching
from accounts.directories.importing import LDAP
from accounts.directories.settings import Shape
from accounts.models import Domain, LdapLink, User
from accounts.services import proving, users
from core.errors import CloudError, InvalidParameter, ResourceUnavailable

log = logging.getLogger(__name__)


def knows_password(user: User, password: str) -> bool:
    """Whether the directory takes it, and still has the user where it comes in from."""
    with _said_plainly():
        shape = Shape.of(user.domain)
        with connection.opened(user.domain) as directory:
            person = searching.person(directory, shape, user.username)
            has_left = person is not None and _has_left(directory, shape, user, person)
        if person is None or not connection.knows(user.domain, person.principal, password):
            return False
    if has_left:
        _shut_out(user)
    return not has_left


def newcomer(domain: Domain, username: str, password: str) -> User | None:
    """A user made just now, because a link of the domain lets it in; None: nobody's password.

    Asks no directory unless the domain has links.
    """
    if not password or not links.has_any(domain):
        return None
    with _said_plainly():
        shape = Shape.of(domain)
        with connection.opened(domain) as directory:
            person = searching.person(directory, shape, username)
            link = links.matching(directory, shape, domain, person) if person else None
        if person is None or link is None:
            return None
        if not connection.knows(domain, person.principal, password):
            return None
    try:
        with transaction.atomic():
            return importing.bring_in(person, domain=domain, account=link.account, role=link.role)
    except CloudError as error:
        log.warning("LDAP user %s could not come in: %s", person.principal, error.message)
        return None


def follow_links() -> int:
    """Shuts out users whom their group has lost, whether or not they come. Returns how many.
    A directory that does not answer shuts out nobody."""
    shut_out = 0
    linked = Domain.objects.filter(pk__in=LdapLink.objects.values("domain"))
    for domain in linked:
        try:
            shut_out += _follow(domain)
        except CloudError as error:
            log.warning("LDAP links of %s: %s", domain.name_path, error.message)
    return shut_out


def _follow(domain: Domain) -> int:
    shape = Shape.of(domain)
    gone = []
    with connection.opened(domain) as directory:
        for user in User.objects.filter(domain=domain, source=LDAP, state="enabled"):
            person = searching.person(directory, shape, user.username)
            if person is None or _has_left(directory, shape, user, person):
                gone.append(user)
    for user in gone:
        _shut_out(user)
    return len(gone)


def _has_left(
    directory: connection.Directory, shape: Shape, user: User, person: searching.Person
) -> bool:
    """Where a domain has links, its users of the directory come in by one of them."""
    if not links.has_any(user.domain):
        return False
    link = links.matching(directory, shape, user.domain, person)
    return link is None


@transaction.atomic
def _shut_out(user: User) -> None:
    log.warning("LDAP user %s is in no linked group any more: disabled", user)
    users.set_state(user, "disabled")


def plug_in() -> None:
    proving.AUTHENTICATORS[LDAP] = knows_password
    proving.NEWCOMERS.append(newcomer)


@contextlib.contextmanager
def _said_plainly() -> Iterator[None]:
    """What is wrong with a directory is for the log; whoever signs in learns no server's name."""
    try:
        yield
    except (ResourceUnavailable, InvalidParameter) as error:
        log.warning("LDAP sign-in: %s", error.message)
        raise ResourceUnavailable(
            "The directory (LDAP) that keeps passwords here does not answer as it should. Try "
            "again soon; users whose passwords the portal keeps can sign in meanwhile."
        ) from error
