"""The kinds of things of this context."""

from accounts.pinned.types import register
from compute.models import (
    AffinityGroup,
    InstanceGroup,
    Nic,
    ServiceOffering,
    SshKeyPair,
    UserData,
    VirtualMachine,
)

register("UserVm", VirtualMachine, entity="VM", also=("VirtualMachine", "Instance"))
register("Nic", Nic)
register("ServiceOffering", ServiceOffering)
register("AffinityGroup", AffinityGroup)
register("InstanceGroup", InstanceGroup)
register("SSHKeyPair", SshKeyPair, entity="SSH_KEYPAIR")
register("UserData", UserData)
