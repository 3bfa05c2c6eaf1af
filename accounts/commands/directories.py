from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db.models import Q, QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.directories import importing, links, servers
from accounts.directories.importing import Found
from accounts.models import Account, Domain, LdapLink, LdapServer, Role
from accounts.services import roles
from accounts.services.scoping import own_uuid
from core.commands import (
    ADMIN,
    DOMAIN_ADMIN,
    RESOURCE_ADMIN,
    Between,
    Details,
    Filter,
    Length,
    Multiline,
    Operate,
    Read,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS, Cut, Field, Response, computed, date, number, text

server_response = Response(
    "ldapconfiguration",
    LdapServer,
    (
        text("id", "uuid"),
        text("hostname"),
        number("port"),
        text("domainid", "domain__uuid"),
        text("domain", "domain__name_path"),
        text("tls"),
        date("created"),
    ),
)


def _wire_type(kind: str) -> int:
    return responses.ACCOUNT_TYPES[kind]


_LINKED = (
    text("ldapdomain", "name"),
    text("name"),
    text("type", "kind"),
    text("domainid", "domain__uuid"),
    text("accountid", "account__uuid"),
    computed("accounttype", ("role__type",), _wire_type, "integer"),
)
linked_response = Response("linkdomaintoldap", fields=tuple(Field(f.name, f.kind) for f in _LINKED))
link_response = Response(
    "ldaplink",
    LdapLink,
    (
        text("id", "uuid"),
        *_LINKED,
        text("domain", "domain__name_path"),
        text("account", "account__name"),
        text("rolename", "role__name"),
        date("created"),
    ),
)
person_response = Response(
    "ldapuser",
    fields=(
        text("username"), text("firstname"), text("lastname"), text("email"), text("principal"),
        text("domain"), text("conflictingusersource"), text("reason"),
    ),
)  # fmt: skip

_TYPES = "0 user, 1 root admin, 2 domain admin, 3 resource admin"
_Kind = Literal["GROUP", "OU"]


# -- servers -----------------------------------------------------------------------------


@command(
    roles=ADMIN, event="LDAP.CONFIGURE", response=server_response, post_only=True,
    own_transactions=True,
)  # fmt: skip
def addLdapConfiguration(
    caller: Caller,
    hostname: Annotated[str, "Name or address of the LDAP server"],
    port: Annotated[int, Between(1, 65535), "Its port: 389, or 636 for ldaps"],
    domainid: Annotated[Domain | None, Use, "For this domain and those below; else all"] = None,
    tls: Annotated[
        Literal["none", "starttls", "ldaps"] | None,
        "How the connection is made secure; ldaps on port 636, else none",
    ] = None,
    cacertificate: Annotated[
        str | None, Length(32768), Multiline,
        "The authority that signed the server's certificate (PEM); the machine's if left out",
    ] = None,
) -> LdapServer:
    """Adds a server of LDAP, after a connection to it has been tried."""
    server = servers.tried(
        hostname, port, domain=domainid, tls=tls, ca_certificate=cacertificate or ""
    )
    server.save()
    return server


@command(roles=ADMIN, event="LDAP.CONFIGURE", response=SUCCESS, post_only=True)
def deleteLdapConfiguration(
    caller: Caller,
    id: Annotated[LdapServer | None, Operate, "The server to forget"] = None,
    hostname: Annotated[str | None, "The server by its name"] = None,
    port: Annotated[int | None, "The server by its port"] = None,
    domainid: Annotated[Domain | None, Use, "The domain it is configured for"] = None,
) -> None:
    """Forgets a server of LDAP; its users cannot sign in until there is another."""
    rows = LdapServer.objects.all().operable_by(caller)
    if id is not None:
        rows = rows.filter(pk=id.pk)
    elif hostname:
        rows = rows.filter(hostname=hostname, domain=domainid)
        rows = rows.filter(port=port) if port is not None else rows
    else:
        raise InvalidParameter("Say which server: give id, or hostname and port.")
    if rows.count() != 1:
        raise InvalidParameter(f"{rows.count()} servers are meant by this, not one.")
    rows.delete()


@listing(LdapServer, response=server_response, keyword=("hostname",), scoped=False)
def listLdapConfigurations(
    caller: Caller,
    rows: QuerySet,
    hostname: Annotated[str | None, Filter("hostname"), "Only this server"] = None,
    port: Annotated[int | None, Filter("port"), "Only with this port"] = None,
    domainid: Annotated[Domain | None, Read, Filter("domain"), "Only for this domain"] = None,
    listall: Annotated[bool, "Those of every domain, not only of the caller's"] = False,
) -> QuerySet:
    """Lists servers of LDAP; administrators see those of the domains they rule."""
    if listall or domainid is not None or caller.is_root_admin:
        return rows
    return rows.filter(Q(domain=caller.domain) | Q(domain=None))


# -- users of the directory --------------------------------------------------------------


@command(roles=DOMAIN_ADMIN, response=person_response)
def listLdapUsers(
    caller: Caller,
    keyword: Annotated[str | None, "Only those who have this in a name or the address"] = None,
    listtype: Annotated[
        Literal["all", "new"] | None, "new: only those who are no users here yet"
    ] = None,
    userfilter: Annotated[
        Literal["NoFilter", "LocalDomain", "AnyDomain", "PotentialImport"] | None,
        "Leave out those who are users in the domain, or anywhere; PotentialImport shows all",
    ] = None,
    domainid: Annotated[Domain | None, Use, "Whose directory; the caller's domain's"] = None,
    page: Annotated[int | None, Between(1), "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, Between(-1), "Users in a page"] = None,
) -> list[dict[str, Any]]:
    """Lists users of the directory (LDAP), and which names are taken here."""
    domain = domainid or caller.domain
    found = importing.compared(importing.found(domain, keyword=keyword or ""), domain)
    if userfilter == "AnyDomain" or (userfilter is None and listtype == "new"):
        known = importing.names_anywhere()
        found = [f for f in found if f.person.username.casefold() not in known]
    elif userfilter == "LocalDomain":
        found = [f for f in found if not f.conflict]
    return _page(found, page, pagesize)


@command(roles=ADMIN, response=person_response, post_only=True, own_transactions=True)
def searchLdap(
    caller: Caller,
    query: Annotated[str, "What is looked for in names and addresses"],
    page: Annotated[int | None, Between(1), "Which page, from 1; goes with pagesize"] = None,
    pagesize: Annotated[int | None, Between(-1), "Users in a page"] = None,
) -> list[dict[str, Any]]:
    """Looks for users in the directory (LDAP)."""
    people = importing.found(caller.domain, keyword=query)
    return _page(importing.compared(people, caller.domain), page, pagesize)


@command(
    roles=RESOURCE_ADMIN, event="USER.CREATE", response=person_response, post_only=True,
    own_transactions=True,
)  # fmt: skip
def importLdapUsers(
    caller: Caller,
    account: Annotated[str | None, "One account for all; each has its own if left out"] = None,
    accounttype: Annotated[int | None, _TYPES] = None,
    roleid: Annotated[Role | None, Use, "What they may do; wins over accounttype"] = None,
    domainid: Annotated[Domain | None, Use, "Where they come in; the caller's domain"] = None,
    group: Annotated[str | None, Length(1000), "Only members of this group of LDAP"] = None,
    keyword: Annotated[str | None, "Only those who have this in a name or the address"] = None,
    timezone: Annotated[str | None, "Their time zone"] = None,
    accountdetails: Annotated[Details | None, "Notes to keep with the accounts"] = None,
    page: Annotated[int | None, Between(1), "Which page of them, from 1"] = None,
    pagesize: Annotated[int | None, Between(-1), "How many in a page"] = None,
    dryrun: Annotated[bool, "Show who would come in, and do nothing"] = False,
) -> list[dict[str, Any]]:
    """Makes users here of users of the directory (LDAP), where their passwords stay. Those
    whose names are taken are told with the reason and left alone."""
    domain = domainid or caller.domain
    people = importing.found(domain, keyword=keyword or "", group=group or "")
    chosen = people[_span(page, pagesize)]
    if dryrun:
        return _page(importing.compared(chosen, domain), None, None)
    done = importing.bring_all_in(
        caller,
        chosen,
        domain=domain,
        role=roles.for_account(roleid, 0 if accounttype is None else accounttype),
        account_name=account or "",
        timezone=timezone or "",
        details=accountdetails,
    )
    return _page(done, None, None)


@command(
    roles=RESOURCE_ADMIN, event="ACCOUNT.CREATE", response=responses.account, post_only=True,
    own_transactions=True,
)  # fmt: skip
def ldapCreateAccount(
    caller: Caller,
    username: Annotated[str, "The user's name in the directory"],
    account: Annotated[str | None, "What to call the account; the user's name if left out"] = None,
    accounttype: Annotated[int | None, _TYPES] = None,
    roleid: Annotated[Role | None, Use, "What it may do; wins over accounttype"] = None,
    domainid: Annotated[Domain | None, Use, "Where it belongs; the caller's domain"] = None,
    networkdomain: Annotated[str | None, "DNS suffix of its networks"] = None,
    timezone: Annotated[str | None, "Time zone of the user"] = None,
    accountdetails: Annotated[Details | None, "Notes to keep with the account"] = None,
    accountid: Annotated[str | None, "A uuid of the caller's choice for the account"] = None,
    userid: Annotated[str | None, "A uuid of the caller's choice for the user"] = None,
) -> Account:
    """Makes an account of a user of the directory (LDAP), where the password stays; or adds
    the user to an account that is there."""
    domain = domainid or caller.domain
    role = roles.for_account(roleid, 0 if accounttype is None else accounttype)
    roles.check_may_give(caller, role)
    people = importing.found(domain, username=username)
    if not people:
        raise InvalidParameter(f"The directory has no user {username}.")
    existing = Account.objects.filter(domain=domain, name=account or username).first()
    if existing and not Account.objects.operable_by(caller).filter(pk=existing.pk).exists():
        raise InvalidParameter(f"Account {existing.name} is not yours to fill.")
    user = importing.bring_in(
        people[0],
        domain=domain,
        role=role,
        account=existing,
        account_name=account or username,
        timezone=timezone or "",
        network_domain=networkdomain or "",
        details=accountdetails,
        uuid=own_uuid(accountid, "accountid"),
        user_uuid=own_uuid(userid, "userid"),
    )
    return user.account


def _span(page: int | None, pagesize: int | None) -> slice:
    if not page or not pagesize or pagesize < 1:
        return slice(None)
    return slice((page - 1) * pagesize, page * pagesize)


def _page(found: list[Found], page: int | None, pagesize: int | None) -> Cut:
    return Cut([f.record() for f in found[_span(page, pagesize)]], len(found))


# -- links -------------------------------------------------------------------------------


@command(
    roles=RESOURCE_ADMIN, event="DOMAIN.UPDATE", response=linked_response, post_only=True,
    own_transactions=True,
)  # fmt: skip
def linkDomainToLdap(
    caller: Caller,
    domainid: Annotated[Domain, Operate, "Where its members come in"],
    type: Annotated[_Kind, "Whether it is a group or an organisational unit"],
    accounttype: Annotated[int, "Of the accounts that are made for them"],
    ldapdomain: Annotated[
        str | None, Length(1000), "Its distinguished name; a group's common name will do"
    ] = None,
    name: Annotated[str | None, Length(1000), "The same, as older clients say it"] = None,
    admin: Annotated[str | None, "A user of the directory who comes in now, as admin"] = None,
) -> dict[str, Any]:
    """Lets members of a group or unit of LDAP come in to a domain: each gets an account at the
    first sign-in, and is disabled once it has left."""
    _check_type(accounttype)
    named = ldapdomain or name
    if not named:
        raise InvalidParameter("Give ldapdomain, the name of the group or unit.")
    made, account = links.link(
        caller,
        domain=domainid,
        kind=type,
        name=named,
        role=roles.for_account(None, accounttype),
        admin=admin or "",
    )
    return _linked(made, account)


@command(
    roles=DOMAIN_ADMIN, event="ACCOUNT.UPDATE", response=linked_response, post_only=True,
    own_transactions=True,
)  # fmt: skip
def linkAccountToLdap(
    caller: Caller,
    domainid: Annotated[Domain, Use, "The domain of the account"],
    account: Annotated[str, "The account its members come in to; made if there is none"],
    ldapdomain: Annotated[str, Length(1000), "Distinguished name of the group or unit"],
    type: Annotated[_Kind, "Whether it is a group or an organisational unit"] = "GROUP",
    accounttype: Annotated[int | None, "Of an account that is made: 0 user, 2 domain admin"] = None,
    roleid: Annotated[Role | None, Use, "Of an account that is made; wins over accounttype"] = None,
    admin: Annotated[str | None, "A user of the directory who comes in now"] = None,
) -> dict[str, Any]:
    """Lets members of a group or unit of LDAP come in to one account: each becomes a user of
    it at the first sign-in, and is disabled once it has left."""
    kind = accounttype or 0
    _check_type(kind)
    made, filled = links.link(
        caller,
        domain=domainid,
        kind=type,
        name=ldapdomain,
        role=roles.for_account(roleid, kind),
        account_name=account,
        admin=admin or "",
    )
    return _linked(made, filled)


def _check_type(accounttype: int) -> None:
    if accounttype not in (0, 2):
        raise InvalidParameter("accounttype of a link is 0 (user) or 2 (domain admin).")


def _linked(link: LdapLink, account: Account | None) -> dict[str, Any]:
    return {
        "ldapdomain": link.name,
        "name": link.name,
        "type": link.kind,
        "domainid": link.domain.uuid,
        "accounttype": responses.ACCOUNT_TYPES[link.role.type],
        **({"accountid": account.uuid} if account else {}),
    }


@listing(
    LdapLink, response=link_response, roles=DOMAIN_ADMIN, keyword=("name",), scoped=False
)
def listLdapLinks(
    caller: Caller,
    rows: QuerySet,
    domainid: Annotated[Domain | None, Read, Filter("domain"), "Only of this domain"] = None,
) -> QuerySet:
    """Lists which groups of LDAP come in to which domain or account. (A command of
    cloudportal's own.)"""
    return rows


@command(roles=DOMAIN_ADMIN, event="DOMAIN.UPDATE", response=SUCCESS, post_only=True)
def deleteLdapLink(
    caller: Caller,
    id: Annotated[LdapLink, Operate, "The link to take away"],
) -> None:
    """Takes a link to LDAP away: nobody new comes in by it. Users who came in by it stay when
    it was the last of their domain, else those in no other link are disabled. (A command of
    cloudportal's own.)"""
    id.delete()
