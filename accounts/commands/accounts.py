from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import Q, QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.models import Account, Domain, Role
from accounts.querysets import in_subtree
from accounts.services import accounts, removal, roles, tagging
from accounts.services.scoping import operable, own_uuid
from core.commands import (
    DOMAIN_ADMIN,
    USER,
    AdminOnly,
    Details,
    Filter,
    Operate,
    RoleType,
    Secret,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter
from core.responses import SUCCESS, Field, Response
from core.steps import Plan

_TYPES = {0: RoleType.USER, 1: RoleType.ADMIN, 2: RoleType.DOMAIN_ADMIN, 3: RoleType.RESOURCE_ADMIN}


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.CREATE", response=responses.account, post_only=True)
def createAccount(
    caller: Caller,
    username: Annotated[str, "Name of its first user, unique in the domain"],
    password: Annotated[str, Secret, "Password of its first user"],
    email: Annotated[str, "Mail address of its first user"],
    firstname: Annotated[str, "First name of its first user"],
    lastname: Annotated[str, "Last name of its first user"],
    account: Annotated[str | None, "What to call the account; the user's name if not given"] = None,
    domainid: Annotated[Domain | None, Use, "Where it belongs; the caller's own domain"] = None,
    roleid: Annotated[Role | None, Use, "What it may do; wins over accounttype"] = None,
    accounttype: Annotated[int | None, "0 user, 1 root admin, 2 domain admin, 3 resource admin"]
    = None,
    accountdetails: Annotated[Details | None, "Notes to keep with the account"] = None,
    networkdomain: Annotated[str | None, "DNS suffix of its networks"] = None,
    timezone: Annotated[str | None, "Time zone of its first user"] = None,
    accountid: Annotated[str | None, "A uuid of the caller's choice for the account"] = None,
    userid: Annotated[str | None, "A uuid of the caller's choice for the user"] = None,
) -> Account:
    """Makes an account with its first user."""
    return accounts.create(
        caller,
        name=account or username,
        domain=domainid or caller.domain,
        role=roles.for_account(roleid, accounttype),
        username=username,
        password=password,
        firstname=firstname,
        lastname=lastname,
        email=email,
        timezone=timezone or "",
        network_domain=networkdomain or "",
        details=accountdetails,
        uuid=own_uuid(accountid, "accountid"),
        user_uuid=own_uuid(userid, "userid"),
    )


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.UPDATE", response=responses.account)
def updateAccount(
    caller: Caller,
    id: Annotated[Account | None, Operate, "The account to change"] = None,
    account: Annotated[str | None, "The account by its name; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The domain of the account named"] = None,
    newname: Annotated[str | None, "Its new name"] = None,
    roleid: Annotated[Role | None, Use, "What it may do from now on"] = None,
    networkdomain: Annotated[str | None, "DNS suffix of its networks; empty for none"] = None,
    accountdetails: Annotated[Details | None, "Notes to add to the account"] = None,
    apikeyaccess: Annotated[
        Literal["ENABLED", "DISABLED", "INHERIT"] | None,
        AdminOnly,
        "Whether its users may sign calls with API keys",
    ] = None,
) -> Account:
    """Changes an account."""
    return accounts.update(
        caller,
        _chosen(caller, id, account, domainid),
        name=newname,
        role=roleid,
        network_domain=networkdomain,
        details=accountdetails,
        api_key_access=apikeyaccess,
    )


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.ENABLE", response=responses.account)
def enableAccount(
    caller: Caller,
    id: Annotated[Account | None, Operate, "The account to enable"] = None,
    account: Annotated[str | None, "The account by its name; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The domain of the account named"] = None,
) -> Account:
    """Lets the users of an account in again."""
    chosen = _chosen(caller, id, account, domainid)
    accounts.set_state(chosen, "enabled")
    return chosen


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.DISABLE", response=responses.account)
def disableAccount(
    caller: Caller,
    lock: Annotated[bool, "Only keep its users out; its machines run on"],
    id: Annotated[Account | None, Operate, "The account to disable"] = None,
    account: Annotated[str | None, "The account by its name; goes with domainid"] = None,
    domainid: Annotated[Domain | None, Use, "The domain of the account named"] = None,
) -> Plan:
    """Keeps the users of an account out and, unless it is only locked, stops its machines."""
    return removal.disable_account(caller, _chosen(caller, id, account, domainid), lock=lock)


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.DISABLE", response=responses.account)
def lockAccount(
    caller: Caller,
    account: Annotated[str, "The account by its name"],
    domainid: Annotated[Domain, Use, "The domain of the account"],
) -> Account:
    """Keeps the users of an account out; its machines run on."""
    chosen = operable(caller, account, domainid)
    accounts.check_not_own(caller, chosen, "lock")
    accounts.set_state(chosen, "locked")
    return chosen


@command(roles=DOMAIN_ADMIN, event="ACCOUNT.DELETE", response=SUCCESS)
def deleteAccount(
    caller: Caller,
    id: Annotated[Account, Operate, "The account to delete"],
) -> Plan:
    """Deletes an account, its users and everything it owns."""
    return removal.delete_account(caller, id)


@listing(
    Account,
    response=responses.account,
    roles=USER,
    scoped=False,
    groups=responses.groups_of,
    tagged=True,
    icons=True,
)
def listAccounts(
    caller: Caller,
    rows: QuerySet,
    id: Annotated[Account | None, "Only this one"] = None,
    name: Annotated[str | None, Filter("name"), "Only those of this name"] = None,
    domainid: Annotated[Domain | None, "Only those of this domain"] = None,
    isrecursive: Annotated[bool, "With domainid: its subdomains as well"] = False,
    listall: Annotated[bool, "Everything the caller may see, not only its own"] = False,
    state: Annotated[
        Literal["enabled", "disabled", "locked"] | None, Filter("state"), "Only in this state"
    ] = None,
    accounttype: Annotated[int | None, "0 user, 1 root admin, 2 domain admin, 3 resource admin"]
    = None,
    iscleanuprequired: Annotated[
        bool | None, Filter("cleanup_needed"), "Only those half deleted (or not)"
    ] = None,
    apikeyaccess: Annotated[
        Literal["ENABLED", "DISABLED", "INHERIT"] | None,
        AdminOnly,
        Filter("api_key_access"),
        "Only those with this access by API keys",
    ] = None,
    details: Annotated[list[str] | None, "all, resource or min: whether to show what is used"]
    = None,
) -> QuerySet:
    """Lists accounts, with what they use and may use."""
    rows = rows.exclude(Account.SYSTEM)
    if accounttype is not None:
        rows = rows.filter(role__type=_TYPES.get(accounttype, ""))
    if domainid is not None:
        return rows.filter(in_subtree(domainid, "domain") if isrecursive else Q(domain=domainid))
    if id is not None:
        return rows.filter(pk=id.pk)
    return rows if listall else rows.filter(pk=caller.account.pk)


@command(
    roles=frozenset({RoleType.ADMIN, RoleType.DOMAIN_ADMIN}),
    response=Response("isallowed", None, (Field("isallowed", "boolean"),)),
)
def isAccountAllowedToCreateOfferingsWithTags(
    caller: Caller,
    id: Annotated[Account, "The account asked about"],
) -> dict[str, bool]:
    """Whether an account may make offerings with host or storage tags."""
    return {"isallowed": tagging.may_tag(id)}


def _chosen(
    caller: Caller, id: Account | None, account: str | None, domain: Domain | None
) -> Account:
    if id is not None:
        return id
    if not account:
        raise InvalidParameter("Say which account: give id, or account and domainid.")
    return operable(caller, account, domain)
