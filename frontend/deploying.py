"""What the new-instance page offers, what it sends, and what it says before it is sent."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from core.commands import COMMANDS
from core.errors import CloudError
from frontend import figures, tabs, texts
from frontend.reader import Reader
from frontend.sections import SECTIONS
from frontend.sections.base import Record

COMMAND = "deployVirtualMachine"
MOST = 60
_NONE: frozenset[str] = frozenset()
KEYBOARDS = ("us", "uk", "de", "fr", "es", "jp", "cn")

#: Fields whose names are the command's own.
_PLAIN = (
    "zoneid", "serviceofferingid", "templateid", "name", "group", "rootdisksize", "userdataid",
    "keyboard", "boottype", "hostid", "ipaddress", "hypervisor", "password",
)  # fmt: skip
_SEVERAL = ("networkids", "keypairs", "affinitygroupids", "securitygroupids")


@dataclass
class Offer:
    """What there is to choose from, in one zone, for one owner."""

    zones: list[Record] = field(default_factory=list)
    templates: list[Record] = field(default_factory=list)
    isos: list[Record] = field(default_factory=list)
    sizes: list[Record] = field(default_factory=list)
    disks: list[Record] = field(default_factory=list)
    networks: list[Record] = field(default_factory=list)
    keys: list[Record] = field(default_factory=list)
    affinity: list[Record] = field(default_factory=list)
    security: list[Record] = field(default_factory=list)
    userdata: list[Record] = field(default_factory=list)
    groups: list[Record] = field(default_factory=list)
    hosts: list[Record] = field(default_factory=list)
    hypervisors: list[str] = field(default_factory=list)

    @property
    def every(self) -> list[Record]:
        return [*self.templates, *self.isos, *self.sizes, *self.disks, *self.networks]


def owner_of(reader: Reader) -> dict[str, str]:
    """Whose the machine will be: the account or project one acts in, chosen at the top; else
    one's own."""
    return dict(reader.scope) if {"account", "projectid"} & set(reader.scope) else {}


def offer(reader: Reader, zone: str, zones: list[Record]) -> Offer:
    owner = owner_of(reader)
    found = Offer(zones=zones)
    if not zone:
        return found
    near = {"zoneid": zone, "pagesize": str(MOST), "page": "1"}
    mine = {**owner, "pagesize": str(MOST), "page": "1"}
    # An account's images are found by whoever acts in it; a project's where it is named.
    project = {k: v for k, v in owner.items() if k == "projectid"}
    images = {**near, **project, "templatefilter": "executable", "isofilter": "executable"}
    found.templates = _ready(_read(reader, "listTemplates", images))
    isos = _read(reader, "listIsos", {**images, "bootable": "true"})
    found.isos = _ready(isos)
    found.sizes = _read(reader, "listServiceOfferings", near)
    found.disks = _read(reader, "listDiskOfferings", near)
    found.networks = _read(reader, "listNetworks", {**near, **owner, "canusefordeploy": "true"})
    found.keys = _read(reader, "listSSHKeyPairs", mine)
    found.affinity = _read(reader, "listAffinityGroups", mine)
    if any(_has_security_groups(network) for network in found.networks):
        found.security = _read(reader, "listSecurityGroups", mine)
    found.userdata = _read(reader, "listUserData", mine)
    found.groups = _read(reader, "listInstanceGroups", mine)
    if reader.is_admin:
        found.hosts = _read(reader, "listHosts", {**near, "type": "Routing", "state": "Up"})
    if found.isos:
        found.hypervisors = [
            str(h["name"]) for h in _read(reader, "listHypervisors", {"zoneid": zone})
        ]
    return found


def enabled_zones(reader: Reader) -> list[Record]:
    return [
        z for z in _read(reader, "listZones", {"available": "true"})
        if reader.is_admin or z.get("allocationstate") == "Enabled"
    ]  # fmt: skip


def _read(
    reader: Reader, command: str, params: dict[str, str], *, groups: frozenset[str] | None = _NONE
) -> list[Record]:
    """Records without what the page does not show (comments, tags, capacity): ``groups``."""
    spec = COMMANDS.get(command)
    if spec is None or not reader.may(command):
        return []
    known = {k: v for k, v in params.items() if k in spec.by_name}
    try:
        return list(reader.run(command, known, groups=groups).records or [])
    except CloudError:
        return []


def _has_security_groups(network: Record) -> bool:
    return any(s.get("name") == "SecurityGroup" for s in network.get("service") or [])


def _ready(records: list[Record]) -> list[Record]:
    return [r for r in records if r.get("isready") is not False]


def params(reader: Reader, data: QueryDict) -> dict[str, Any]:
    """The command's parameters from the page's fields."""
    given: dict[str, Any] = {n: data[n].strip() for n in _PLAIN if data.get(n, "").strip()}
    given |= {n: data.getlist(n) for n in _SEVERAL if data.getlist(n)}
    given |= owner_of(reader)
    if data.get("started") and not data.get("startvm"):
        given["startvm"] = "false"
    if data.get("userdata", "").strip():
        given["userdata"] = b64encode(data["userdata"].replace("\r\n", "\n").encode()).decode()
    custom = {
        n: data[n].strip() for n in ("cpuNumber", "cpuSpeed", "memory") if data.get(n, "").strip()
    }
    if custom:
        given["details"] = custom
    disks = _disks(data)
    if data.get("rootoffering"):
        given["overridediskofferingid"] = data["rootoffering"]
    if disks:
        given["datadisksdetails"] = disks
    return given


def _disks(data: QueryDict) -> list[dict[str, str]]:
    out = []
    for offering, size in zip(data.getlist("diskoffering"), data.getlist("disksize"), strict=False):
        if offering:
            out.append(
                {"diskofferingid": offering, **({"size": size.strip()} if size.strip() else {})}
            )
    return out


@dataclass
class Summary:
    """The side of the page: what it will be, what is left of the quota, whether it fits."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    quota: list[dict[str, Any]] = field(default_factory=list)
    fits: str = ""
    fits_well: bool | None = None
    details: Any = None
    missing: list[str] = field(default_factory=list)

    @property
    def lacking(self) -> str:
        """“Still needed: an image, a size”."""
        comma = pgettext("between words", ", ")
        return texts.titled(_("Still needed"), comma.join(str(word) for word in self.missing))


#: What a custom offering leaves open.
_CUSTOM = (
    ("cpuNumber", gettext_lazy("CPU cores")),
    ("cpuSpeed", gettext_lazy("CPU speed")),
    ("memory", gettext_lazy("Memory")),
)


def summary(reader: Reader, data: QueryDict, offer: Offer | None = None) -> Summary:
    """``offer``: what the page has read already, not to be read again."""
    known = {str(r["id"]): r for r in offer.every} if offer else {}

    def one(key: str, uuid: Any) -> Record | None:
        section = SECTIONS[key]
        if not uuid or not reader.may(section.list):
            return None
        return known.get(str(uuid)) or reader.one(section, str(uuid))

    given = params(reader, data)
    out = Summary()
    size = one("serviceofferings", given.get("serviceofferingid"))
    image = one("templates", given.get("templateid")) or one("isos", given.get("templateid"))
    if image is None:
        out.missing.append(_("an image"))
    if size is None:
        out.missing.append(_("a size"))
    custom = given.get("details", {})
    if (size or {}).get("iscustomized"):
        out.missing += [
            said
            for name, said in _CUSTOM
            if not custom.get(name) and not size.get(name.lower())
        ]
    cores = int(custom.get("cpuNumber") or (size or {}).get("cpunumber") or 0)
    memory = int(custom.get("memory") or (size or {}).get("memory") or 0)
    root = float(given.get("rootdisksize") or 0) or _gib((image or {}).get("size"))
    extra = [_disk_gib(one, d) for d in given.get("datadisksdetails", [])]
    owner = given.get("account") or reader.caller.account.name
    if reader.project is not None:
        owner = reader.project.name
    networks = [one("networks", n) for n in given.get("networkids", [])]
    out.lines = [
        (_("Owner"), owner),
        (_("Image"), str((image or {}).get("name", "–"))),
        (pgettext("machine", "Size"), tabs.size_of(cores, memory) or "–"),
        (_("Disks"), " + ".join(figures.gib(g) for g in (root, *extra) if g) or "–"),
        (_("Networks"), ", ".join(str(n["name"]) for n in networks if n) or _("by default")),
    ]
    added = {
        "vm": 1, "cpu": cores, "memory": memory, "volume": 1 + len(extra),
        "primarystorage": root + sum(extra),
    }  # fmt: skip
    out.quota = quota_after(reader, added)
    if not out.missing:
        _placement(reader, given, out)
    return out


def _gib(size_bytes: Any) -> float:
    return float(size_bytes or 0) / 2**30


def _disk_gib(one: Callable[[str, Any], Record | None], disk: dict[str, str]) -> float:
    if disk.get("size", "").isdigit():
        return float(disk["size"])
    record = one("diskofferings", disk["diskofferingid"])
    return float((record or {}).get("disksize") or 0)


def quota_after(reader: Reader, added: dict[str, float]) -> list[dict[str, Any]]:
    """“8 of 10 vCPU after this”, for what this takes."""
    owner = owner_of(reader)
    if "projectid" in owner:
        found = _read(reader, "listProjects", {"id": owner["projectid"]}, groups=None)
    elif owner:
        named = {"name": owner["account"], "domainid": owner["domainid"]}
        found = _read(reader, "listAccounts", named, groups=None)
    else:
        found = _read(
            reader, "listAccounts", {"id": str(reader.caller.account.uuid)}, groups=None
        )
    lines = []
    for line in tabs.quota_lines(found[0]) if found else []:
        more = added.get(line["stem"], 0)
        if not more:
            continue
        after = line["used"] + more
        over = line["limit"] is not None and after > line["limit"]
        percent = figures.share(after, line["limit"]) if line["limit"] else 0
        lines.append({**line, "percent": min(percent, 100), "over": over,
                      "after": tabs.draw_amount(line["stem"], after)})  # fmt: skip
    return lines


def _placement(reader: Reader, given: dict[str, Any], out: Summary) -> None:
    spec = COMMANDS.get("explainPlacement")
    if spec is None or not reader.may("explainPlacement"):
        return
    asked = {k: v for k, v in given.items() if k in spec.by_name}
    try:
        table = reader.run("explainPlacement", asked).record()
    except CloudError as error:
        out.fits, out.fits_well = texts.say(error.message), False
        return
    out.fits_well = bool(table.get("possible"))
    out.fits = texts.say(str(table.get("summary", "")))
    out.details = table if table.get("host") else None
