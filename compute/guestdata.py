"""What a guest may read about itself, on its config drive and at the metadata address.

The config drive carries both layouts that images look for: CloudStack's one-value files under
``cloudstack/`` and OpenStack's JSON under ``openstack/latest/`` (docs.openstack.org, “Config
drives”). The metadata address serves CloudStack's names.
"""

from __future__ import annotations

import base64
import ipaddress
import json
from typing import TYPE_CHECKING, Any

from agent.protocol import ConfigDrive

if TYPE_CHECKING:
    from compute.models import Nic, VirtualMachine

_CLOUD = "cloudportal"


def entries(vm: VirtualMachine, ip4: str | None) -> dict[str, str]:
    """CloudStack's metadata names and texts, as seen from the NIC with this address."""
    return {
        "service-offering": vm.service_offering.name,
        "availability-zone": vm.zone.name,
        "local-ipv4": ip4 or "",
        "local-hostname": vm.hostname,
        "public-ipv4": ip4 or "",
        "public-hostname": vm.hostname,
        "instance-id": str(vm.uuid),
        "vm-id": str(vm.uuid),
        "public-keys": vm.ssh_public_keys,
        "cloud-identifier": f"CloudStack-{{{vm.zone.uuid}}}",
        "cloud-name": _CLOUD,
    }


def config_drive(vm: VirtualMachine, nics: list[Nic], password: str = "") -> ConfigDrive:
    """Both layouts. ``password`` is written only when the guest is to set it at this start."""
    default = next((n for n in nics if n.is_default), nics[0] if nics else None)
    ip4 = default.address.ip4 if default and default.address else None
    files = {f"cloudstack/metadata/{name}.txt": text for name, text in entries(vm, ip4).items()}
    files["openstack/latest/meta_data.json"] = _json(_openstack(vm, password))
    files["openstack/latest/network_data.json"] = _json(_network_data(nics))
    files["openstack/latest/vendor_data.json"] = _json({})
    if vm.user_data:
        text = _as_text(vm.user_data)
        files["openstack/latest/user_data"] = text
        files["cloudstack/userdata/user_data.txt"] = text
    if password:
        files["cloudstack/password/vm_password.txt"] = password
    return ConfigDrive(files)


def _openstack(vm: VirtualMachine, password: str) -> dict[str, Any]:
    keys = [k for k in vm.ssh_public_keys.splitlines() if k]
    found = {
        "uuid": str(vm.uuid),
        "instance-id": str(vm.uuid),
        "name": vm.label,
        "hostname": vm.hostname,
        "local-hostname": vm.hostname,
        "availability_zone": vm.zone.name,
        "launch_index": 0,
        "public_keys": {f"key-{i}": key for i, key in enumerate(keys)},
    }
    return {**found, "admin_pass": password} if password else found


def _network_data(nics: list[Nic]) -> dict[str, Any]:
    """Addresses come by DHCP; what is listed lets an image name its devices by MAC."""
    links, networks, servers = [], [], []
    for nic in nics:
        if nic.address is None:
            continue
        link = f"nic{nic.device_id}"
        links.append(
            {"id": link, "type": "phy", "ethernet_mac_address": nic.address.mac, "mtu": None}
        )
        networks.append(_addressing(nic, link))
        servers += [s for s in (nic.network.dns1, nic.network.dns2) if s]
    services = [{"type": "dns", "address": s} for s in dict.fromkeys(servers)]
    return {"links": links, "networks": networks, "services": services}


def _addressing(nic: Nic, link: str) -> dict[str, Any]:
    base = {"id": f"{link}-net", "link": link, "network_id": str(nic.network.uuid)}
    network, address = nic.network, nic.address
    if network.offering.provides("Dhcp") or not address or not address.ip4:
        return {**base, "type": "ipv4_dhcp"}
    mask = address.netmask or str(ipaddress.IPv4Network(network.cidr).netmask)
    gateway = address.gateway or network.gateway
    routes = []
    if nic.is_default and gateway:
        routes = [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": gateway}]
    return {
        **base, "type": "ipv4", "ip_address": address.ip4, "netmask": mask, "routes": routes,
    }  # fmt: skip


def _as_text(user_data: str) -> str:
    """Bytes that are not UTF-8 (a gzip archive) travel as lone surrogates (PEP 383)."""
    return base64.b64decode(user_data).decode(errors="surrogateescape")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
