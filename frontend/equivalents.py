"""The same done otherwise: as an API call, a line for ``cs`` or ``curl``, a Terraform block."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.commands import COMMANDS


@dataclass(frozen=True)
class Equivalent:
    title: str
    text: str


def of(command: str, params: Mapping[str, Any], origin: str = "") -> list[Equivalent]:
    """Every way there is for this command; secrets are shown as dots. ``origin`` is the portal's
    address, which ``curl`` needs."""
    flat = flatten(command, params)
    found = [Equivalent("API", url(command, flat)), Equivalent("cs", line(command, flat))]
    if origin:
        found.append(Equivalent("curl", curl(command, flat, origin)))
    made = _TERRAFORM.get(command)
    if made:
        found.append(Equivalent("Terraform", made(flat)))
    return found


def flatten(command: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Wire parameters as texts: lists joined, maps indexed, secrets hidden."""
    spec = COMMANDS[command]
    flat: dict[str, str] = {}
    for name, value in params.items():
        param = spec.by_name.get(name)
        if param is not None and param.secret and value:
            flat[name] = "…"
        elif isinstance(value, Mapping):
            flat |= {f"{name}[0].{k}": str(v) for k, v in value.items()}
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            flat |= {
                f"{name}[{i}].{k}": str(v)
                for i, entry in enumerate(value)
                for k, v in entry.items()
            }
        elif isinstance(value, (list, tuple)):
            flat[name] = ",".join(map(str, value))
        elif value not in (None, ""):
            flat[name] = str(value)
    return flat


def url(command: str, flat: Mapping[str, str]) -> str:
    pairs = [("command", command), *flat.items(), ("response", "json")]
    return "/client/api?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in pairs)


def line(command: str, flat: Mapping[str, str]) -> str:
    return " ".join(["cs", command, *(f"{k}={shlex.quote(v)}" for k, v in flat.items())])


#: The session's key, out of the cookies that a log-in with ``-c jar`` left there.
_KEY = """"sessionkey=$(awk '$6=="sessionkey"{print $7}' jar)\""""


def curl(command: str, flat: Mapping[str, str], origin: str) -> str:
    """A log-in, and the call in its session."""
    address = f"{origin.rstrip('/')}/client/api"
    call = ["curl -s -b jar", *(["-G"] if COMMANDS[command].reads_only else [])]
    pairs = [("command", command), *flat.items(), ("response", "json")]
    call += [f"--data-urlencode {shlex.quote(f'{k}={v}')}" for k, v in pairs]
    login = "curl -s -c jar -d command=login -d username=… -d password=… -d domain=…"
    return "\n".join([f"{login} {address}", f"{' '.join(call)} --data-urlencode {_KEY} {address}"])


def _block(resource: str, names: Mapping[str, str]) -> Callable[[Mapping[str, str]], str]:
    """A resource of the CloudStack provider; ``names``: its attribute → our parameter."""

    def made(flat: Mapping[str, str]) -> str:
        lines = [
            f"  {attribute:<18} = {_hcl(flat[param], attribute)}"
            for attribute, param in names.items()
            if flat.get(param)
        ]
        return "\n".join([f'resource "{resource}" "this" {{', *lines, "}"])

    return made


def _hcl(value: str, attribute: str) -> str:
    if value in ("true", "false") or value.isdigit():
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("${", "$${").replace("%{", "%%{")
    return f'["{escaped}"]' if attribute.endswith("_ids") else f'"{escaped}"'


_TERRAFORM: dict[str, Callable[[Mapping[str, str]], str]] = {
    "deployVirtualMachine": _block(
        "cloudstack_instance",
        {
            "name": "name", "display_name": "displayname", "service_offering": "serviceofferingid",
            "template": "templateid", "zone": "zoneid", "network_id": "networkids",
            "root_disk_size": "rootdisksize", "keypair": "keypair", "group": "group",
            "affinity_group_ids": "affinitygroupids", "user_data": "userdata",
            "start_vm": "startvm",
        },
    ),
    "createVolume": _block(
        "cloudstack_disk",
        {"name": "name", "disk_offering": "diskofferingid", "size": "size", "zone": "zoneid",
         "virtual_machine_id": "virtualmachineid"},
    ),
    "createNetwork": _block(
        "cloudstack_network",
        {"name": "name", "display_text": "displaytext", "cidr": "cidr", "gateway": "gateway",
         "network_offering": "networkofferingid", "zone": "zoneid", "vlan": "vlan"},
    ),
    "registerSSHKeyPair": _block(
        "cloudstack_ssh_keypair", {"name": "name", "public_key": "publickey"}
    ),
    "createAffinityGroup": _block(
        "cloudstack_affinity_group",
        {"name": "name", "type": "type", "description": "description"},
    ),
    "registerTemplate": _block(
        "cloudstack_template",
        {"name": "name", "display_text": "displaytext", "format": "format", "os_type": "ostypeid",
         "url": "url", "hypervisor": "hypervisor", "zone": "zoneids"},
    ),
    "createDomain": _block(
        "cloudstack_domain", {"name": "name", "parent_domain_id": "parentdomainid"}
    ),
    "createAccount": _block(
        "cloudstack_account",
        {"username": "username", "email": "email", "first_name": "firstname",
         "last_name": "lastname", "role_id": "roleid", "domain_id": "domainid",
         "account": "account"},
    ),
    "createServiceOffering": _block(
        "cloudstack_service_offering",
        {"name": "name", "display_text": "displaytext", "cpu_number": "cpunumber",
         "cpu_speed": "cpuspeed", "memory": "memory", "storage_type": "storagetype"},
    ),
    "createDiskOffering": _block(
        "cloudstack_disk_offering",
        {"name": "name", "display_text": "displaytext", "disk_size": "disksize"},
    ),
    "createZone": _block(
        "cloudstack_zone",
        {"name": "name", "dns1": "dns1", "internal_dns1": "internaldns1",
         "network_type": "networktype"},
    ),
}  # fmt: skip
