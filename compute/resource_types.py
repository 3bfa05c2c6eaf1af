"""The kinds of things of this context."""

from accounts.pinned.types import register
from accounts.services import details
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    Nic,
    SecurityGroup,
    ServiceOffering,
    SshKeyPair,
    SystemVm,
    UserData,
    VirtualMachine,
)
from compute.services import offerings
from compute.spec import DISK_BUSES, NIC_MODELS

register("UserVm", VirtualMachine, entity="VM", also=("VirtualMachine", "Instance"))
register("SystemVm", SystemVm)
register("Nic", Nic)
register("ServiceOffering", ServiceOffering)
register("SecurityGroup", SecurityGroup)
register("AffinityGroup", AffinityGroup)
register("InstanceGroup", InstanceGroup)
register("SSHKeyPair", SshKeyPair, entity="SSH_KEYPAIR")
register("UserData", UserData)

_HARDWARE = {"rootDiskController": DISK_BUSES, "nicAdapter": NIC_MODELS}
details.declare("UserVm", _HARDWARE, offerings.check_added)
details.declare("Template", _HARDWARE, offerings.check_details)
details.declare("ISO", _HARDWARE, offerings.check_details)
