"""Ways into a guest: passwords, SSH keys, user data."""

from __future__ import annotations

from typing import Annotated

from accounts.caller import Caller
from accounts.models import Domain
from accounts.services.scoping import OfProject, check_owner, owner_for
from compute import jobs
from compute.models import UserData, VirtualMachine
from compute.responses import virtualmachine
from compute.responses.access import machineuserdata, vmpassword
from compute.services import access
from core.commands import USER, Details, Length, Multiline, Operate, Secret, Use, command
from core.errors import InvalidParameter
from core.steps import Plan


@command(roles=USER, event="VM.RESETPASSWORD", response=virtualmachine)
def resetPasswordForVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    password: Annotated[str, Secret, Length(128), "The new one; one is made otherwise"] = "",
) -> Plan:
    """Gives a stopped machine a new password, which its guest sets at the next start."""
    return _shown(id, access.reset_password(id, password))


@command(roles=USER, event="VM.RESETSSHKEY", response=virtualmachine)
def resetSSHKeyForVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    keypair: Annotated[str, "Name of the SSH key that gets in from now on"] = "",
    keypairs: Annotated[list[str] | None, "Names of several"] = None,
    account: Annotated[str | None, "The account whose keys they are; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "That account's domain"] = None,
    projectid: OfProject = None,
) -> Plan:
    """Gives a stopped machine other SSH keys, which its guest takes at the next start."""
    owner = id.account
    if account or projectid:
        owner = owner_for(caller, account, domainid, projectid)
    names = [name for name in (*(keypairs or []), keypair) if name]
    return _shown(id, access.reset_keys(id, names, owner))


def _shown(vm: VirtualMachine, password: str) -> Plan:
    secrets = {"password": password} if password else {}
    return Plan(jobs.show_password, vm, {"with_password": bool(password)}, secrets=secrets)


@command(roles=USER, event="VM.RESETUSERDATA", response=virtualmachine)
def resetUserDataForVirtualMachine(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The stopped virtual machine"],
    userdata: Annotated[str, Length(1048576), Multiline, "Data for the guest, in base64"] = "",
    userdataid: Annotated[UserData | None, Use, "Data that was registered"] = None,
    userdatadetails: Annotated[Details | None, "Values of its variables"] = None,
    account: Annotated[str | None, "Whose the machine is, to be sure; goes with domainid"] = None,
    domainid: Annotated[Domain | None, "Domain of that account"] = None,
    projectid: OfProject = None,
) -> VirtualMachine:
    """Gives a stopped machine other user data, or none."""
    check_owner(caller, id, account, domainid, projectid)
    access.reset_user_data(id, userdata, userdataid, userdatadetails or {})
    return id


@command(roles=USER, response=vmpassword)
def getVMPassword(
    caller: Caller,
    id: Annotated[VirtualMachine, Operate, "The virtual machine"],
) -> dict:
    """Shows a machine's password, encrypted for the holder of its SSH key."""
    if not id.encrypted_password:
        raise InvalidParameter(
            f"No password of virtual machine {id} is kept: it has none, or no RSA key to "
            "encrypt it for."
        )
    return {"encryptedpassword": id.encrypted_password}


@command(roles=USER, response=machineuserdata)
def getVirtualMachineUserData(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The virtual machine"],
) -> dict:
    """Shows the user data of a machine, in base64."""
    return {
        "virtualmachineid": virtualmachineid.uuid,
        "userdata": virtualmachineid.user_data,
    }
