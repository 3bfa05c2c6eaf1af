"""Parameters that CloudStack's command takes and ours does not: of what is not built here.

What CloudStack has never heard of is ignored, as there. But who asks for machines of one VPC must
not be shown all of them, and who asks for an encrypted disk must not get another: such a parameter
is refused, or answered as what it is about would be. The reference tells them apart.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.caller import Caller
from api import wire
from core.commands import COMMANDS, Command
from core.errors import InvalidParameter, NoSuchObject

#: Ours does what they want anyway, or they leave it open; some only for one command.
_HARMLESS = frozenset({
    # More than is asked for is shown, or there is no more to show.
    "retrieveonlyresourcecount", "storagecustomstats", "showunique", "peers", "isrecursive",
    "listall", "listServiceOfferings.account", "listDiskOfferings.account", "listTemplates.details",
    "listManagementServersMetrics.system", "listIsos.hypervisor",
    # They allow what ours does not need.
    "automigrate", "shrinkok", "bypassvlanoverlapcheck", "forced", "forceupdateostype",
    "forcedestroylocalstorage", "cleanupexternaldetails", "asyncbackup", "updateinsequence",
    "deleteTemplate.issystem",
    # Of other hypervisors; a program may tell them all.
    "hypervnetworklabel", "ovm3networklabel", "vmwarenetworklabel", "xennetworklabel",
    "guestvswitchname", "guestvswitchtype", "publicvswitchname", "publicvswitchtype",
    "ovm3cluster", "ovm3pool", "ovm3vip", "vsmipaddress", "vsmpassword", "vsmusername",
    "nicnetworklist", "bootintosetup", "addCluster.url", "addCluster.username",
    "addCluster.password", "createTemplate.url",
    # How management servers share what is theirs.
    "algorithm", "rebalance",
    # Usage is not recorded; nothing of it shows addresses.
    "hideipaddressusage",
})  # fmt: skip
_OF_PAGES = frozenset({"keyword", "page", "pagesize"})

#: Values that say what is so anyway.
_AS_IT_IS: dict[str, frozenset[str]] = {
    "arch": frozenset({"x86_64"}),
    "bootable": frozenset({"true"}),
    "deploymentplanner": frozenset({"firstfitplanner"}),
    "fordisplay": frozenset({"true"}),
    "internetprotocol": frozenset({"ipv4"}),
    "isolationmethod": frozenset({"vlan"}),
    "networkmode": frozenset({"natted"}),
    "requireshvm": frozenset({"true"}),
    "templatetype": frozenset({"user"}),
}

#: Lists narrowed to what nothing here is.
_NOTHING_IS = frozenset({
    "encryptroot", "forcks", "forprovider", "forvpc", "gpuenabled", "hahost", "isencrypted",
    "isvnf", "leased", "outofbandmanagementenabled", "outofbandmanagementpowerstate",
    "routingmode", "storageaccessgroup",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Absent:
    name: str
    is_reference: bool  # to something of a kind that is not built
    admin_only: bool


def check(caller: Caller | None, command: Command, given: Mapping[str, Any]) -> None:
    """Raises NoSuchObject for something of a kind that is not here, and InvalidParameter for
    what would have no effect."""
    for absent, value in _asked(caller, command, given):
        if absent.is_reference:
            raise NoSuchObject(command.name, absent.name, value)
        if not (command.reads_only and absent.name in _NOTHING_IS):
            raise InvalidParameter(
                f"{command.name} takes no {absent.name} here: what it is about is not built, and "
                "it would have no effect. Leave it out."
            )


def finds_nothing(caller: Caller | None, command: Command, given: Mapping[str, Any]) -> bool:
    """Whether a list is narrowed to what nothing here is."""
    return any(absent.name in _NOTHING_IS for absent, _ in _asked(caller, command, given))


def _asked(
    caller: Caller | None, command: Command, given: Mapping[str, Any]
) -> Iterator[tuple[Absent, str]]:
    """Absent parameters that are sent and ask for something."""
    known = _absent().get(command.name)
    if not known:
        return
    is_root = caller is not None and caller.is_root_admin
    for name, value in given.items():
        absent = known.get(name.partition("[")[0])
        text = str(value).strip().lower()
        if absent is None or (absent.admin_only and not is_root):
            continue
        if text not in ("", "false") and text not in _AS_IT_IS.get(absent.name, ()):
            yield absent, str(value)


@functools.cache
def _absent() -> dict[str, dict[str, Absent]]:
    """Command → parameter in lower case → what it is."""
    reference = wire.reference()["commands"]
    built = set(_kinds_built(reference))
    found = {}
    for name in COMMANDS.keys() & reference.keys():
        ours = {p.name.lower() for p in COMMANDS[name].params} | _HARMLESS | _OF_PAGES
        found[name] = {
            p["name"].lower(): _one(p, built)
            for p in reference[name]["params"]
            if not (p["name"].lower() in ours or f"{name}.{p['name']}" in _HARMLESS or _is_newer(p))
        }
    return found


def _one(param: dict[str, Any], built: set[str]) -> Absent:
    is_reference = bool(param.get("entity")) and param["entity"] not in built
    return Absent(param["name"], is_reference, bool(param.get("adminonly") or param.get("roles")))


def _is_newer(param: dict[str, Any]) -> bool:
    """4.22.0, whose version we speak, ignores what only 4.22.1 knows."""
    return str(param.get("since", "")).startswith("4.22.1")


def _kinds_built(reference: dict[str, Any]) -> Iterator[str]:
    """What CloudStack calls the kinds of things that our parameters point at."""
    for name in COMMANDS.keys() & reference.keys():
        pointed = {p.name.lower() for p in COMMANDS[name].params if p.model is not None}
        for param in reference[name]["params"]:
            if param.get("entity") and param["name"].lower() in pointed:
                yield param["entity"]
