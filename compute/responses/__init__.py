"""Compute's things as clients see them."""

from compute.responses.dedication import (
    dedicatedcluster,
    dedicatedhost,
    dedicatedpod,
    dedicatedzone,
)
from compute.responses.groups import affinitygroup, affinitygrouptype, instancegroup
from compute.responses.keys import newkeypair, sshkeypair, userdata
from compute.responses.machines import virtualmachine
from compute.responses.nics import nic
from compute.responses.offerings import serviceoffering
from compute.responses.securitygroups import securitygroup

__all__ = [
    "affinitygroup",
    "affinitygrouptype",
    "dedicatedcluster",
    "dedicatedhost",
    "dedicatedpod",
    "dedicatedzone",
    "instancegroup",
    "newkeypair",
    "nic",
    "securitygroup",
    "serviceoffering",
    "sshkeypair",
    "userdata",
    "virtualmachine",
]
