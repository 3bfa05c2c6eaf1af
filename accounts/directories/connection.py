"""Connections to LDAP servers, by the OpenLDAP library. Certificates are always verified."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from typing import Any

import ldap
from ldap.controls import SimplePagedResultsControl

from accounts.directories import settings
from accounts.models import Domain, LdapServer
from core.errors import ResourceUnavailable

log = logging.getLogger(__name__)

NONE, STARTTLS, LDAPS = "none", "starttls", "ldaps"
TLS = (NONE, STARTTLS, LDAPS)

#: (distinguished name, attribute in lower case → its first value as text, or all as bytes)
Entry = tuple[str, dict[str, list[bytes]]]


class Directory:
    """A connection that may search."""

    def __init__(self, connection: Any, server: LdapServer, page: int) -> None:
        self._connection = connection
        self._server = server
        self._page = page

    def search(self, base: str, filter_text: str, names: list[str]) -> Iterator[Entry]:
        """The entries below ``base``. What is not there is no entry; other trouble raises
        ResourceUnavailable."""
        control = SimplePagedResultsControl(True, size=self._page, cookie="")
        try:
            while True:
                asked = self._connection.search_ext(
                    base, ldap.SCOPE_SUBTREE, filter_text, names, serverctrls=[control]
                )
                _kind, found, _id, answered = self._connection.result3(asked)
                for name, attributes in found:
                    if name is not None:  # a referral has none
                        yield name, {k.lower(): v for k, v in attributes.items()}
                cookies = [c.cookie for c in answered if c.controlType == control.controlType]
                if not cookies or not cookies[0]:
                    return
                control.cookie = cookies[0]
        except ldap.NO_SUCH_OBJECT:
            return
        except ldap.LDAPError as error:
            raise _away(self._server, error) from error


def servers_for(domain: Domain | None) -> list[LdapServer]:
    """Those of the nearest domain that has any, else those without a domain."""
    keys = [*reversed(domain.ancestor_ids), Domain.root().pk] if domain else []
    by_domain: dict[int | None, list[LdapServer]] = {}
    for server in LdapServer.objects.filter(domain__in=keys).order_by("pk"):
        by_domain.setdefault(server.domain_id, []).append(server)
    nearest = next((by_domain[key] for key in keys if key in by_domain), None)
    return nearest or list(LdapServer.objects.filter(domain=None).order_by("pk"))


@contextlib.contextmanager
def opened(domain: Domain | None) -> Iterator[Directory]:
    """A directory of this domain to search in; of several servers the first that answers.

    Raises ResourceUnavailable when there is none, or none answers.
    """
    with contextlib.ExitStack() as stack:
        connection, server = _first(domain, stack)
        yield Directory(connection, server, settings.PAGE.get(domain))


def knows(domain: Domain | None, name: str, password: str) -> bool:
    """Whether the entry ``name`` has this password. An empty one would be no sign-in but an
    anonymous one, which every server accepts (RFC 4513, 5.1.2)."""
    if not password or not name:
        return False
    failures = []
    for server in servers_for(domain):
        try:
            with _connected(server, domain) as connection:
                connection.simple_bind_s(name, password)
                return True
        except (ldap.INVALID_CREDENTIALS, ldap.UNWILLING_TO_PERFORM, ldap.NO_SUCH_OBJECT):
            return False
        except ldap.LDAPError as error:
            failures.append(_note(server, error))
    raise _nobody(failures)


def try_out(server: LdapServer, signing_in_as: tuple[str, str] | None = None) -> None:
    """Connects once, so that a mistyped address or an unknown certificate shows at once."""
    try:
        with _connected(server, server.domain) as connection:
            _sign_in(connection, server.domain, signing_in_as)
    except ldap.INVALID_CREDENTIALS as error:
        raise ResourceUnavailable(
            f"{server} answers, but refuses ldap.bind.principal and ldap.bind.password."
        ) from error
    except ldap.LDAPError as error:
        raise _away(server, error) from error


def _first(domain: Domain | None, stack: contextlib.ExitStack) -> tuple[Any, LdapServer]:
    failures = []
    for server in servers_for(domain):
        try:
            connection = stack.enter_context(_connected(server, domain))
            _sign_in(connection, domain)
            return connection, server
        except ldap.LDAPError as error:
            failures.append(_note(server, error))
    raise _nobody(failures)


def _sign_in(
    connection: Any, domain: Domain | None, given: tuple[str, str] | None = None
) -> None:
    principal, password = given or (settings.PRINCIPAL.get(domain), settings.PASSWORD.get(domain))
    if principal:
        connection.simple_bind_s(principal, password)


@contextlib.contextmanager
def _connected(server: LdapServer, domain: Domain | None) -> Iterator[Any]:
    """An open connection, whole TLS and all, that is signed in as nobody yet."""
    seconds = settings.TIMEOUT_MS.get(domain) / 1000
    scheme = "ldaps" if server.tls == LDAPS else "ldap"
    host = f"[{server.hostname}]" if ":" in server.hostname else server.hostname
    connection = ldap.initialize(f"{scheme}://{host}:{server.port}")
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, seconds)
    connection.set_option(ldap.OPT_TIMEOUT, seconds)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    with contextlib.ExitStack() as stack:
        if server.tls != NONE:
            connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
            if server.ca_certificate:
                file = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".pem"))
                file.write(server.ca_certificate)
                file.flush()
                connection.set_option(ldap.OPT_X_TLS_CACERTFILE, file.name)
            connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)  # takes what was set above
        stack.callback(_close, connection)
        if server.tls == STARTTLS:
            connection.start_tls_s()
        yield connection


def _close(connection: Any) -> None:
    with contextlib.suppress(ldap.LDAPError):
        connection.unbind_s()


def _note(server: LdapServer, error: ldap.LDAPError) -> str:
    about = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    known = [about.get("desc") or type(error).__name__, about.get("info", "")]
    if server.tls != NONE:  # the library does not say what it dislikes about a certificate
        known.append("or its certificate is not for this name, or of an unknown authority")
    return f"{server}: {', '.join(w for w in known if w and 'unknown error' not in w)}"


def _away(server: LdapServer, error: ldap.LDAPError) -> ResourceUnavailable:
    return _nobody([_note(server, error)])


def _nobody(failures: list[str]) -> ResourceUnavailable:
    if not failures:
        return ResourceUnavailable(
            "No LDAP server is configured here; add one with addLdapConfiguration."
        )
    log.warning("LDAP: %s", "; ".join(failures))
    return ResourceUnavailable(
        f"The directory (LDAP) does not answer as it should: {'; '.join(failures)}."
    )
