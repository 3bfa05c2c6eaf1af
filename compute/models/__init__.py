from compute.models.attachments import VolumeAttachment
from compute.models.dedication import DedicatedResource
from compute.models.disks import VolumeSample
from compute.models.groups import AFFINITY_TYPES, AffinityGroup, InstanceGroup
from compute.models.keys import SshKeyPair, UserData
from compute.models.machines import VirtualMachine, VmSample
from compute.models.nics import Nic
from compute.models.offerings import ServiceOffering
from compute.models.securitygroups import MachineRules, SecurityGroup, SecurityGroupRule
from compute.models.system_vms import SystemVm, SystemVmSample

__all__ = [
    "AFFINITY_TYPES",
    "AffinityGroup",
    "DedicatedResource",
    "InstanceGroup",
    "MachineRules",
    "Nic",
    "SecurityGroup",
    "SecurityGroupRule",
    "ServiceOffering",
    "SshKeyPair",
    "SystemVm",
    "SystemVmSample",
    "UserData",
    "VirtualMachine",
    "VmSample",
    "VolumeAttachment",
    "VolumeSample",
]
