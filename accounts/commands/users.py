from __future__ import annotations

from typing import Annotated, Literal

from django.db.models import QuerySet

from accounts import responses
from accounts.caller import Caller
from accounts.models import Account, Domain, User
from accounts.services import removal, users
from accounts.services.scoping import operable, own_uuid
from core.commands import (
    ADMIN,
    DOMAIN_ADMIN,
    USER,
    AdminOnly,
    Filter,
    Operate,
    RoleType,
    Secret,
    Use,
    command,
    listing,
)
from core.errors import InvalidParameter, NoSuchObject
from core.responses import SUCCESS
from core.steps import Plan

_TYPES = {0: RoleType.USER, 1: RoleType.ADMIN, 2: RoleType.DOMAIN_ADMIN, 3: RoleType.RESOURCE_ADMIN}


@command(roles=DOMAIN_ADMIN, event="USER.CREATE", response=responses.user, post_only=True)
def createUser(
    caller: Caller,
    account: Annotated[str, "The account to add it to"],
    username: Annotated[str, "Name to sign in with, unique in the domain"],
    password: Annotated[str, Secret, "Its password"],
    email: Annotated[str, "Its mail address"],
    firstname: Annotated[str, "Its first name"],
    lastname: Annotated[str, "Its last name"],
    domainid: Annotated[Domain | None, Use, "The domain of the account; the caller's own"] = None,
    timezone: Annotated[str | None, "Its time zone"] = None,
    userid: Annotated[str | None, "A uuid of the caller's choice"] = None,
) -> User:
    """Adds a user to an account."""
    return users.create(
        operable(caller, account, domainid),
        username,
        password,
        firstname=firstname,
        lastname=lastname,
        email=email,
        timezone=timezone or "",
        uuid=own_uuid(userid, "userid"),
    )


@command(roles=USER, event="USER.UPDATE", response=responses.user, post_only=True)
def updateUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to change"],
    username: Annotated[str | None, "New name to sign in with"] = None,
    password: Annotated[str | None, Secret, "New password; ends the user's sessions"] = None,
    currentpassword: Annotated[
        str | None, Secret, "The old one, to change one's own, or one's mail address in a session"
    ] = None,
    email: Annotated[str | None, "Mail address"] = None,
    firstname: Annotated[str | None, "First name"] = None,
    lastname: Annotated[str | None, "Last name"] = None,
    timezone: Annotated[str | None, "Time zone"] = None,
    userapikey: Annotated[str | None, "An API key of one's own; goes with usersecretkey"] = None,
    usersecretkey: Annotated[str | None, Secret, "The secret that goes with userapikey"] = None,
    apikeyaccess: Annotated[
        Literal["ENABLED", "DISABLED", "INHERIT"] | None,
        AdminOnly,
        "Whether it may sign calls with API keys",
    ] = None,
    mandate2fa: Annotated[bool | None, "Whether it must have a second factor"] = None,
) -> User:
    """Changes a user: oneself, or one of a lower role."""
    return users.update(
        caller,
        id,
        username=username,
        password=password,
        current_password=currentpassword,
        api_key=userapikey,
        secret_key=usersecretkey,
        email=email,
        firstname=firstname,
        lastname=lastname,
        timezone=timezone,
        api_key_access=apikeyaccess,
        mandate_factor=mandate2fa,
    )


@command(roles=DOMAIN_ADMIN, event="USER.ENABLE", response=responses.user)
def enableUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to enable"],
) -> User:
    """Lets a user in again."""
    users.check_not_self(caller, id, "enable")
    users.set_state(id, "enabled")
    return id


@command(roles=DOMAIN_ADMIN, event="USER.DISABLE", response=responses.user)
def disableUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to disable"],
) -> Plan:
    """Keeps a user out and ends its sessions."""
    return removal.disable_user(caller, id)


@command(roles=DOMAIN_ADMIN, event="USER.LOCK", response=responses.user)
def lockUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to lock"],
) -> User:
    """Keeps a user out for a while and ends its sessions."""
    users.check_not_self(caller, id, "lock")
    users.set_state(id, "locked")
    return id


@command(roles=DOMAIN_ADMIN, event="USER.DELETE", response=SUCCESS)
def deleteUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to delete"],
) -> None:
    """Deletes a user, its sessions and its keys."""
    users.check_not_self(caller, id, "delete")
    users.remove(id)


@command(roles=ADMIN, event="USER.MOVE", response=SUCCESS)
def moveUser(
    caller: Caller,
    id: Annotated[User, Operate, "The user to move"],
    accountid: Annotated[Account | None, Operate, "The account it shall be in"] = None,
    account: Annotated[str | None, "That account by its name, in the user's domain"] = None,
) -> None:
    """Moves a user to another account of its domain."""
    users.check_not_self(caller, id, "move")
    if accountid is None and not account:
        raise InvalidParameter("Say where to: give accountid or account.")
    users.move(id, accountid or operable(caller, account, id.domain))


@listing(
    User,
    response=responses.user,
    roles=USER,
    keyword=("username", "firstname", "lastname"),
    icons=True,
)
def listUsers(
    caller: Caller,
    rows: QuerySet,
    username: Annotated[str | None, Filter("username"), "Only those of this name"] = None,
    state: Annotated[
        Literal["enabled", "disabled", "locked"] | None, Filter("state"), "Only in this state"
    ] = None,
    accounttype: Annotated[int | None, "0 user, 1 root admin, 2 domain admin, 3 resource admin"]
    = None,
    usersource: Annotated[str | None, Filter("source"), "Only those kept there: native, …"] = None,
    apikeyaccess: Annotated[
        Literal["ENABLED", "DISABLED", "INHERIT"] | None,
        AdminOnly,
        Filter("api_key_access"),
        "Only those with this access by API keys",
    ] = None,
) -> QuerySet:
    """Lists users."""
    rows = rows.filter(User.LISTED)
    if accounttype is not None:
        rows = rows.filter(account__role__type=_TYPES.get(accounttype, ""))
    return rows


@command(roles=ADMIN, response=responses.user)
def getUser(
    caller: Caller,
    userapikey: Annotated[str, "The API key of the user looked for"],
) -> User:
    """Finds a user by its API key."""
    found = User.objects.all().visible_to(caller).filter(api_key__key=userapikey).first()
    if found is None:
        raise NoSuchObject("getUser", "userapikey", userapikey)
    return found
