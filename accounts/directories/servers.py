"""Servers of LDAP, added after a connection to them has been tried."""

from __future__ import annotations

from accounts.directories import connection
from accounts.models import Domain, LdapServer
from core.errors import InvalidParameter


def tried(
    hostname: str,
    port: int,
    *,
    domain: Domain | None = None,
    tls: str | None = None,
    ca_certificate: str = "",
    signing_in_as: tuple[str, str] | None = None,
) -> LdapServer:
    """A server that answers, not stored yet; ldaps on port 636 unless ``tls`` says otherwise.
    ``signing_in_as``: name and password to try with, in place of the settings'.

    Raises InvalidParameter, ResourceUnavailable. Call it outside a transaction.
    """
    host = hostname.strip().strip("[]")
    if not host or any(c in host for c in "/@?# "):
        raise InvalidParameter(f"“{hostname}” is no name or address of a server; leave out ldap://.")
    if LdapServer.objects.filter(hostname=host, port=port, domain=domain).exists():
        raise InvalidParameter(f"{host}:{port} is configured there already.")
    server = LdapServer(
        hostname=host,
        port=port,
        domain=domain,
        tls=tls or (connection.LDAPS if port == 636 else connection.NONE),
        ca_certificate=ca_certificate.strip(),
    )
    connection.try_out(server, signing_in_as)
    return server
