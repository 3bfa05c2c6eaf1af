"""How much of CloudStack's API is here, by area: from the registry and the reference.

The reference has no areas; a command's is the first whose pattern is in its name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from api import wire
from core.commands import COMMANDS

_PLUGINS = "Plugins that an installation may lack"
_OTHER = "Other"

#: Area → words in a command's name, looked for in this order.
_AREAS: dict[str, str] = {
    "Autoscaling": r"AutoScale|Condition|Counter",
    "VPN": r"Vpn",
    "Load balancing": r"LoadBalancer|LBStickiness|LBHealth|SslCert|CertToLoad|CertFromLoad",
    "Virtual private clouds": r"VPC|PrivateGateway|StaticRoute|NetworkACL|NetworkAcl",
    "Firewall, addresses and forwarding": r"Firewall|PortForwarding|IpForwarding|StaticNat|"
    r"PublicIp|(associate|disassociate|reserve|release|update)IpAddress|Quarantined|IpToNic|"
    r"IpFromNic",
    "Security groups": r"SecurityGroup",
    "Dynamic routing": r"Bgp|ASN|Ipv4Subnet|Ipv6Prefix|Tungsten",
    "Backup": r"Backup",
    "Shared file systems, object storage": r"SharedFileSystem|Bucket|ObjectStor",
    "GPU": r"Gpu|Vgpu",
    "Extensions and webhooks": r"Extension|CustomAction|Webhook|GuiTheme",
    "Out-of-band management and high availability": r"OutOfBand|HAFor|HostHA|AsDegraded",
    "Moving machines and disks between places": r"migrate|ForMigration|Drs|[Uu]nmanage|import(Vm|"
    r"Volume|Unmanaged)|ForImport|ImportVmTasks|RollingMaintenance",
    "Network virtualisation and appliances": r"Ovs|Vnf|NetworkDevice|Netscaler|NetworkServicePack",
    "Certificates": r"Certificate|CAProvider",
    "System VMs and routers": r"SystemVm|Router|InternalLoadBalancerVM|Diagnostics|HealthCheck",
    "Projects": r"Project",
    "Roles": r"Role|ApisAllowed",
    "Two factors, LDAP, OAuth, SAML": r"TwoFactor|[Ll]dap|[Oo]auth|OAuth|[Ss]aml|SPMetadata|Idps",
    "Sign-in, sessions and keys": r"^log(in|out)$|forgotPassword|resetPassword$|UserKeys|Session|"
    r"ApiLimit",
    "Domains, accounts and users": r"Domain|Account|User($|s$|Kv)|[a-z]User$",
    "Limits": r"Resource(Limit|Count)",
    "Dedicated places": r"[Dd]edicate",
    "Settings": r"Configuration|Capabilit",
    "Usage": r"Usage(Record|Type|Server)|RawUsage|TrafficMonitor|generateUsage",
    "Metrics and history": r"Metrics|UsageHistory|listInfrastructure|listCapacity",
    "Events, alerts, annotations, tags, icons": r"Event|Alert|Annotation|Tags|ResourceIcon|"
    r"ResourceDetail|DetailOptions",
    "Jobs and the API itself": r"AsyncJob|listApis|CloudIdentifier|Shutdown|ManagementServer|"
    r"cancelMaintenance|prepareForMaintenance|purgeExpunged",
    "Simulator": r"Simulator",
    "Guest systems": r"Guest(Os|OS)|OsTypes|OsCategor|HypervisorGuest",
    "Zones, pods and clusters": r"Zone|Pod($|s$|Management|Ip)|Cluster|Region|acquirePodIp",
    "Hosts": r"Host|Hypervisor",
    "Physical networks, providers and address ranges": r"PhysicalNetwork|TrafficType|Vlan|"
    r"ServiceProvider|IpRange|NetworkIpRange|Element|IsolationMethod|SupportedNetworkServ|Vlans",
    "Networks": r"Network",
    "Primary storage": r"StoragePool|StorageMaintenance|StorageAccess|StorageTags|StoragePolic|"
    r"StorageCapab",
    "Image stores": r"ImageStore|SecondaryStor|StagingStore|StorageProviders|[sS]wift",
    "Templates and ISOs": r"Template|Iso",
    "Snapshots": r"Snapshot",
    "Volumes": r"Volume",
    "Offerings": r"Offering",
    "Keys, user data, groups": r"SSHKey|UserData|AffinityGroup|InstanceGroup|Schedule",
    "Virtual machines": r"VirtualMachine|VM|Vm|Nic|Console|Planner|explainPlacement",
}


@dataclass(frozen=True)
class Entry:
    name: str
    area: str
    score: int
    built: bool
    ours: bool


def entries() -> list[Entry]:
    """Every command there is, CloudStack's and ours, the most used first."""
    known = wire.reference()["commands"]
    rows = [
        Entry(name, area_of(name, known.get(name, {}).get("plugin", "")),
              known.get(name, {}).get("score", 0), name in COMMANDS, name not in known)
        for name in {*known, *COMMANDS}
    ]  # fmt: skip
    return sorted(rows, key=lambda e: (-e.score, e.name))


def area_of(name: str, plugin: str = "") -> str:
    if plugin and name not in COMMANDS:
        return _PLUGINS
    return next((a for a, words in _AREAS.items() if re.search(words, name)), _OTHER)


def document() -> str:
    """``docs/api-coverage.md``."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    rows = entries()
    theirs = [e for e in rows if not e.ours]
    built = [e for e in theirs if e.built]
    used, weight = [e for e in theirs if e.score], sum(e.score for e in theirs)
    yield "# The API: what is there and what is left"
    yield ""
    yield "Written by `manage.py coverage` from the registry and `api/data`; a test compares. A"
    yield "command that is there has a test that calls it over HTTP and checks what it answers"
    yield "(`tests/unit/api/examples`); one that is not is absent from `listApis` too. Numbers are"
    yield "how much clients use a command: the UI, Terraform, Ansible, libcloud and Marvin count."
    yield ""
    yield f"- **{len([e for e in rows if e.built])} commands**: {len(built)} of CloudStack's"
    yield f"  {len(theirs)}, and {len([e for e in rows if e.ours])} of our own"
    yield f"- of the {len(used)} that a client uses, {len([e for e in used if e.built])}"
    yield f"- {100 * sum(e.score for e in built) / weight:.0f} % of all use"
    yield ""
    yield from _table(rows)
    for area, those in _by_area(rows):
        yield from _section(area, those)


def _by_area(rows: list[Entry]) -> list[tuple[str, list[Entry]]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in rows:
        found[entry.area].append(entry)
    order = sorted(a for a in found if a not in (_OTHER, _PLUGINS))
    return [(a, found[a]) for a in (*order, _OTHER, _PLUGINS) if found[a]]


def _table(rows: list[Entry]) -> Iterator[str]:
    yield "| area | there | left | of its use |"
    yield "| --- | ---: | ---: | ---: |"
    for area, those in _by_area(rows):
        there = [e for e in those if e.built]
        weight = sum(e.score for e in those)
        share = f"{100 * sum(e.score for e in there) / weight:.0f} %" if weight else "–"
        yield f"| {area} | {len(there)} | {len(those) - len(there)} | {share} |"


def _section(area: str, those: list[Entry]) -> Iterator[str]:
    yield ""
    yield f"## {area}"
    for word, chosen in (("There", [e for e in those if e.built]),
                         ("Left", [e for e in those if not e.built])):  # fmt: skip
        if chosen:
            yield ""
            yield f"{word}: " + " · ".join(map(_shown, chosen))


def _shown(entry: Entry) -> str:
    if entry.ours:
        return f"*{entry.name}*"
    return f"{entry.name} {entry.score}" if entry.score else entry.name
