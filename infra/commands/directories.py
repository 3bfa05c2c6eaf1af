"""The older pair of commands for LDAP: a server, and the settings that go with it, in one call."""

from __future__ import annotations

from typing import Annotated

from django.db import transaction

from accounts.caller import Caller
from accounts.directories import servers, settings
from accounts.models import LdapServer
from core.commands import ADMIN, Between, Length, Secret, command
from core.errors import InvalidParameter
from core.responses import Response, text
from infra.services import configuration

_FIELDS = tuple(text(name) for name in ("hostname", "port", "ssl", "searchbase", "binddn"))
ldapconfig = Response("ldapconfig", fields=_FIELDS)
ldapremove = Response("ldapremove", fields=_FIELDS)


@command(
    roles=ADMIN, event="LDAP.CONFIGURE", response=ldapconfig, post_only=True, own_transactions=True
)
def ldapConfig(
    caller: Caller,
    hostname: Annotated[str | None, "Name or address of the LDAP server"] = None,
    port: Annotated[int | None, Between(1, 65535), "Its port; 389, or 636 with ssl"] = None,
    ssl: Annotated[bool, "Whether the connection is TLS from its first byte"] = False,
    searchbase: Annotated[str | None, Length(1000), "Where the search for users begins"] = None,
    binddn: Annotated[str | None, Length(1000), "Whose entry the portal searches as"] = None,
    bindpass: Annotated[str | None, Secret, "The password of that entry"] = None,
    listall: Annotated[bool, "Change nothing, and show what is configured"] = False,
) -> list[dict[str, str]]:
    """Adds a server of LDAP for the whole cloud and the settings that go with it, after a
    connection to it has been tried. addLdapConfiguration does more."""
    if listall:
        return [_shown(server) for server in LdapServer.objects.filter(domain=None).order_by("pk")]
    if not hostname or not (searchbase or settings.BASE.get()):
        raise InvalidParameter("Give hostname and searchbase, or listall to see what there is.")
    name = settings.PRINCIPAL.get() if binddn is None else binddn
    password = settings.PASSWORD.get() if bindpass is None else bindpass
    server = servers.tried(
        hostname, port or (636 if ssl else 389), tls="ldaps" if ssl else None,
        signing_in_as=(name, password),
    )  # fmt: skip
    given = (
        (settings.BASE, searchbase), (settings.PRINCIPAL, binddn), (settings.PASSWORD, bindpass),
    )  # fmt: skip
    with transaction.atomic():
        server.save()
        for setting, value in given:
            if value is not None:
                configuration.set_value(setting.name, value, by=caller)
    return [_shown(server)]


@command(roles=ADMIN, event="LDAP.CONFIGURE", response=ldapremove, post_only=True)
def ldapRemove(caller: Caller) -> dict[str, str]:
    """Forgets the servers of LDAP that are there for the whole cloud, and answers with the
    first of them. Those of domains stay."""
    rows = LdapServer.objects.filter(domain=None).order_by("pk")
    found = list(rows)
    if not found:
        raise InvalidParameter("No server of LDAP is configured for the whole cloud.")
    rows.delete()
    return _shown(found[0])


def _shown(server: LdapServer) -> dict[str, str]:
    """Texts, as the reference declares them; never the password."""
    return {
        "hostname": server.hostname,
        "port": str(server.port),
        "ssl": str(server.tls == "ldaps").lower(),
        "searchbase": settings.BASE.get(),
        "binddn": settings.PRINCIPAL.get(),
    }
