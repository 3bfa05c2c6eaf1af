"""Virtual machines: the largest reply of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Max

from accounts.owners import owner
from accounts.pinned import responses as pinned
from compute.figures import figures
from compute.models import (
    AffinityGroup,
    Nic,
    SecurityGroup,
    VirtualMachine,
    VmSample,
    VolumeAttachment,
)
from compute.responses.groups import affinitygroup_of_machine
from compute.responses.nics import nic
from compute.responses.securitygroups import securitygroup_of_machine
from compute.together import Together, grouped
from core.columns import Uuids, uuids_of
from core.responses import Field, Response, computed, date, flag, many, number, ref, several, text
from jobs.models import AsyncJob, JobStatus

#: Detail groups as CloudStack names them; statistics and user data come only when asked for.
GROUPS = frozenset({
    "group", "nics", "stats", "secgrp", "tmpl", "servoff", "diskoff", "backoff", "iso",
    "volume", "affgrp", "userdata",
})  # fmt: skip
UNASKED = GROUPS - {"stats", "userdata"}


def _nics(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
    rows = Nic.objects.filter(machine__in=keys).order_by("device_id")
    return grouped(nic, rows, "machine", caller)


def _main_address(nics: list[dict[str, Any]]) -> str | None:
    return next((n.get("ipaddress") for n in nics if n["isdefault"]), None)


def _affinity(keys: Sequence[int], caller: Any) -> dict[int, list[dict[str, Any]]]:
    rows = AffinityGroup.objects.filter(machines__in=keys).order_by("pk")
    found = grouped(affinitygroup_of_machine, rows, "machines", caller)
    return {key: found.get(key, []) for key in keys}


def _security_groups(
    keys: Sequence[int], caller: Any
) -> dict[int, list[dict[str, Any]]]:
    rows = SecurityGroup.objects.filter(machines__in=keys).order_by("pk")
    found = grouped(securitygroup_of_machine, rows, "machines", caller)
    return {key: found.get(key, []) for key in keys}


def _key_pairs(keys: Sequence[int], caller: Any) -> dict[int, dict[str, str]]:
    """All of them, and the first under the name by which Ansible's collection looks for it."""
    found: dict[int, list[str]] = {}
    rows = VirtualMachine.everything.filter(pk__in=keys, key_pairs__isnull=False)
    for key, name in rows.order_by("key_pairs__name").values_list("pk", "key_pairs__name"):
        found.setdefault(key, []).append(name)
    return {
        key: {"keypairs": ",".join(names), "keypair": names[0]} for key, names in found.items()
    }


def _root_disks(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    rows = VolumeAttachment.objects.filter(machine__in=keys, device_id=0)
    paths = ("volume__pool__type", "volume__disk_offering__uuid", "volume__disk_offering__name")
    return {
        key: {"pooltype": pool, "diskofferingid": offering, "diskofferingname": name}
        for key, pool, offering, name in rows.values_list("machine", *paths)
    }


def _jobs(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    key_of = uuids_of(VirtualMachine, keys)
    rows = AsyncJob.objects.filter(instance_uuid__in=Uuids(key_of), status=JobStatus.PENDING)
    pairs = rows.order_by("pk").values_list("instance_uuid", "uuid")
    return {key_of[uuid]: {"jobid": job, "jobstatus": 0} for uuid, job in pairs}


def _stats(keys: Sequence[int], caller: Any) -> dict[int, dict[str, Any]]:
    newest = VmSample.objects.filter(machine__in=keys).values("machine").annotate(pk=Max("pk"))
    rows = VmSample.objects.filter(pk__in=[row["pk"] for row in newest])
    return {sample.machine_id: figures(sample) for sample in rows}


_nic_facts, _root_facts = Together(_nics), Together(_root_disks)
_job_facts, stat_facts = Together(_jobs), Together(_stats)

_STAT_NAMES = (
    "memorykbs", "memorytargetkbs", "memoryintfreekbs", "diskioread", "diskiowrite",
    "diskkbsread", "diskkbswrite", "networkkbsread", "networkkbswrite",
)  # fmt: skip

virtualmachine = Response(
    "virtualmachine",
    VirtualMachine,
    (
        text("id", "uuid"),
        text("name"),
        computed("displayname", ("display_name", "name"), lambda shown, name: shown or name),
        *owner(),
        text("userid", "user__uuid"),
        text("username", "user__username"),
        date("created"),
        date("lastupdated", "updated"),
        text("state"),
        text("powerstate", "power_state"),
        date("powerstateupdated", "power_at"),
        flag("haenable", "ha_enabled"),
        *ref("zone", "zone"),
        *ref("host", "host", admin_only=True),
        text("hostcontrolstate", "host__resource_state", admin_only=True),
        text("instancename", "instance_name", admin_only=True),
        text("hypervisor"),
        text("arch", "template__arch"),
        text("groupid", "group__uuid", group="group"),
        text("group", "group__name", group="group"),
        text("templateid", "template__uuid", group="tmpl"),
        text("templatename", "template__name", group="tmpl"),
        text("templatedisplaytext", "template__display_text", group="tmpl"),
        text("templateformat", "template__format", group="tmpl"),
        text("templatetype", "template__type", group="tmpl"),
        flag("passwordenabled", "template__password_enabled"),
        text("isoid", "iso__uuid", group="iso"),
        text("isoname", "iso__name", group="iso"),
        text("isodisplaytext", "iso__display_text", group="iso"),
        text("serviceofferingid", "service_offering__uuid", group="servoff"),
        text("serviceofferingname", "service_offering__name", group="servoff"),
        number("cpunumber", "vcpus"),
        number("cpuspeed", "cpu_speed_mhz"),
        number("memory", "memory_mb"),
        text("guestosid", "os_type__uuid"),
        text("ostypeid", "os_type__uuid"),
        text("osdisplayname", "os_type__display_name"),
        text("boottype", "boot_type"),
        text("bootmode", "boot_mode"),
        flag("isdynamicallyscalable", "dynamic_scaling"),
        flag("deleteprotection", "delete_protection"),
        flag("displayvm", "display", admin_only=True),
        computed("details", ("details",), lambda d: d or None, "map"),
        computed("userdata", ("user_data",), lambda d: d or None, group="userdata"),
        text("userdataid", "user_data_source__uuid"),
        text("userdataname", "user_data_source__name"),
        computed(
            "userdatadetails",
            ("user_data_details",),
            lambda d: ",".join(f"{k}={v}" for k, v in d.items()) or None,
        ),
        several(_key_pairs, Field("keypairs"), Field("keypair")),
        many("pooltype", _root_facts.item("pooltype"), admin_only=True, group="volume"),
        many("diskofferingid", _root_facts.item("diskofferingid"), group="diskoff"),
        many("diskofferingname", _root_facts.item("diskofferingname"), group="diskoff"),
        many("nic", _nic_facts.part(lambda nics: nics), of=nic, group="nics"),
        many("ipaddress", _nic_facts.part(_main_address), group="nics"),
        many("affinitygroup", _affinity, of=affinitygroup_of_machine, group="affgrp"),
        many("securitygroup", _security_groups, of=securitygroup_of_machine, group="secgrp"),
        pinned.tags(VirtualMachine),
        pinned.comments(VirtualMachine),
        pinned.icon(),
        many("jobid", _job_facts.item("jobid")),
        many("jobstatus", _job_facts.item("jobstatus"), kind="integer"),
        many("cpuused", stat_facts.item("cpuused"), group="stats"),
        *(many(n, stat_facts.item(n), kind="long", group="stats") for n in _STAT_NAMES),
    ),
    always={
        "vmtype": "User", "rootdeviceid": 0, "rootdevicetype": "ROOT",
    },
)  # fmt: skip
