"""The cloud's own machines as administrators see them."""

from __future__ import annotations

from accounts.pinned import responses as pinned
from compute.jobs.system_vms import mac_of
from compute.models import SystemVm
from compute.models.system_vms import name_of
from core.responses import Response, computed, date, flag, ref, text


def _agent_state(state: str, host: str | None) -> str:
    """Whether it answers, as far as its host does."""
    if state != "Running":
        return "Down"
    return "Up" if host == "Up" else "Alert"


systemvm = Response(
    "systemvm",
    SystemVm,
    (
        text("id", "uuid"),
        computed("name", ("type", "pk"), name_of),
        text("systemvmtype", "type"),
        text("state"),
        computed("agentstate", ("state", "host__status"), _agent_state),
        *ref("zone", "zone"),
        *ref("pod", "pod"),
        *ref("host", "host"),
        text("hypervisor", "host__hypervisor"),
        text("arch", "host__arch"),
        text("hostcontrolstate", "host__resource_state"),
        *ref("serviceoffering", "service_offering"),
        text("dns1", "zone__dns1"),
        text("dns2", "zone__dns2"),
        text("networkdomain", "zone__network_domain"),
        text("privateip", "private_address__address"),
        text("privatenetmask", "private_address__ip_range__netmask"),
        text("gateway", "private_address__ip_range__gateway"),
        computed("privatemacaddress", ("pk",), mac_of),
        text("version", "host__version"),
        flag("isdynamicallyscalable", "service_offering__dynamic_scaling"),
        date("created"),
        pinned.comments(SystemVm),
    ),
)
