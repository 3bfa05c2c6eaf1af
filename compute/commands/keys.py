"""SSH key pairs and user data that an account keeps."""

from __future__ import annotations

from typing import Annotated

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services.scoping import OfProject, check_owner, owner_for
from compute.models import SshKeyPair, UserData
from compute.responses import newkeypair, sshkeypair, userdata
from compute.services import access, keys
from core.commands import USER, Filter, Length, Multiline, Operate, Shown, command, listing
from core.responses import SUCCESS

_Account = Annotated[str | None, "The account that owns it; goes with domainid"]
_Domain = Annotated[Domain | None, "The owner's domain"]


@command(roles=USER, event="REGISTER.SSH.KEYPAIR", response=newkeypair)
def createSSHKeyPair(
    caller: Caller,
    name: Annotated[str, "Name of the key pair"],
    account: _Account = None,
    domainid: _Domain = None,
    projectid: OfProject = None,
) -> Shown:
    """Makes an SSH key pair; the private key is shown now and never again."""
    pair, private = keys.create(owner_for(caller, account, domainid, projectid), name.strip())
    return Shown(pair, {"privatekey": private})


@command(roles=USER, event="REGISTER.SSH.KEYPAIR", response=newkeypair)
def registerSSHKeyPair(
    caller: Caller,
    name: Annotated[str, "Name of the key pair"],
    publickey: Annotated[str, Length(5120), Multiline, "The public key, one line of a .pub file"],
    account: _Account = None,
    domainid: _Domain = None,
    projectid: OfProject = None,
) -> SshKeyPair:
    """Keeps an SSH public key."""
    return keys.register(owner_for(caller, account, domainid, projectid), name.strip(), publickey)


@command(roles=USER, event="SSH.KEYPAIR.DELETE", response=SUCCESS)
def deleteSSHKeyPair(
    caller: Caller,
    name: Annotated[str, "Name of the key pair"],
    account: _Account = None,
    domainid: _Domain = None,
    projectid: OfProject = None,
) -> None:
    """Forgets an SSH key pair; machines keep the keys they were given."""
    owner = owner_for(caller, account, domainid, projectid, lets_go=True)
    keys.delete(access.key_pairs(owner, [name])[0])


@listing(SshKeyPair, response=sshkeypair, keyword=("name", "fingerprint"))
def listSSHKeyPairs(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
    fingerprint: Annotated[str | None, Filter("fingerprint"), "Only with this fingerprint"] = None,
) -> QuerySet:
    """Lists SSH key pairs."""
    return rows


@command(roles=USER, event="REGISTER.USER.DATA", response=userdata)
def registerUserData(
    caller: Caller,
    name: Annotated[str, "Name to keep it under"],
    userdata: Annotated[str, Length(1048576), Multiline, "The data, in base64"],
    params: Annotated[str, Length(4096), "Names of its variables, comma-separated"] = "",
    account: _Account = None,
    domainid: _Domain = None,
    projectid: OfProject = None,
) -> UserData:
    """Keeps user data for machines to come."""
    owner = owner_for(caller, account, domainid, projectid)
    return keys.register_user_data(owner, name.strip(), userdata, params)


@command(roles=USER, event="USER.DATA.DELETE", response=SUCCESS)
def deleteUserData(
    caller: Caller,
    id: Annotated[UserData, Operate, "The user data to forget"],
    account: _Account = None,
    domainid: _Domain = None,
    projectid: OfProject = None,
) -> None:
    """Forgets user data that no machine uses."""
    check_owner(caller, id, account, domainid, projectid)
    keys.delete_user_data(id)


@listing(UserData, response=userdata)
def listUserData(
    caller: Caller,
    rows: QuerySet,
    name: Annotated[str | None, Filter("name"), "Only of this name"] = None,
) -> QuerySet:
    """Lists user data."""
    return rows
