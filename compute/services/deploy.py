"""A new machine: everything about it decided in one transaction, so that the job only builds.

Who may use what, names, size, disks, networks, quota, place: each refusal leaves nothing.
"""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from accounts.caller import Caller
from accounts.models import Account
from compute import jobs
from compute.hostnames import hostname_for
from compute.models import (
    AffinityGroup,
    SecurityGroup,
    ServiceOffering,
    UserData,
    VirtualMachine,
)
from compute.placement import place
from compute.placement.explain import Table, explain
from compute.services import (
    access,
    disks,
    groups,
    holdings,
    nics,
    offerings,
    places,
    securitygroups,
)
from compute.services.disks import DataDisk
from compute.services.nics import NicWish
from compute.services.offerings import Size
from compute.services.places import Choice
from compute.spec import KEYBOARDS
from compute.states import VmState
from core import live
from core.config import Setting
from core.errors import InvalidParameter, ResourceUnavailable
from core.steps import Plan
from infra.models import Zone
from storage.models import DiskOffering, Template


def _check_suffix(text: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,30}", text):
        raise InvalidParameter(f"“{text}” cannot be in a name; use letters, digits and hyphens.")


INSTANCE_SUFFIX = Setting(
    "instance.name", "VM", "The end of the names that hosts know machines by (i-2-7-VM).",
    restart=True, check=_check_suffix,
)  # fmt: skip
NAME_IN_SUFFIX = Setting(
    "vm.instancename.flag", False,
    "Whether hosts know new machines by their own host names (i-2-7-web-1) instead.",
)  # fmt: skip
_LONGEST_NAME = 80


@dataclass(frozen=True)
class Request:
    """What was asked for; checked by ``deploy``, not here."""

    zone: Zone
    offering: ServiceOffering
    template: Template
    owner: Account
    name: str = ""
    display_name: str = ""
    group: str = ""
    hypervisor: str = ""
    networks: Sequence[NicWish] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    root_disk_gb: int | None = None
    root_offering: DiskOffering | None = None
    data_disks: Sequence[DataDisk] = ()
    key_pairs: Sequence[str] = ()
    password: str = ""
    user_data: str = ""
    user_data_row: UserData | None = None
    user_data_values: Mapping[str, str] = field(default_factory=dict)
    affinity: Sequence[AffinityGroup] = ()
    affinity_names: Sequence[str] = ()
    security: Sequence[SecurityGroup] = ()
    security_names: Sequence[str] = ()
    keyboard: str = ""
    boot_type: str = "BIOS"
    boot_mode: str = "Legacy"
    start: bool = True
    choice: Choice = Choice()
    uuid: uuids.UUID | None = None
    display: bool = True
    dynamic_scaling: bool | None = None

    def root_gb(self) -> int | None:
        """``details[0].rootdisksize`` wins over the parameter, as in CloudStack."""
        text = {k.lower(): v for k, v in self.details.items()}.get("rootdisksize")
        if text is None:
            return self.root_disk_gb
        if not str(text).isdigit() or not int(text):
            raise InvalidParameter(f"rootdisksize must be a whole number of GB, not “{text}”.")
        return int(text)


def deploy(caller: Caller, asked: Request) -> Plan:
    """The machine in Starting (or Stopped with ``start`` off), and the plan that builds it.

    Raises InvalidParameter, LimitExceeded, InsufficientCapacity (with the table of places).
    """
    size, root_bytes = _check(asked)
    members = groups.affinity_groups(asked.owner, asked.affinity, asked.affinity_names)
    wishes = list(asked.networks) or nics.default_wishes(asked.owner, asked.zone)
    for wish in wishes:
        nics.check_usable(wish.network, asked.owner, asked.zone)
    tags = holdings.host_tags(asked.offering, asked.template)
    shares = disks.shares(asked.offering, root_bytes, asked.root_offering, asked.data_disks)
    counted = holdings.reserve_quota(
        asked.owner, size, tags, [s.counts for s in shares], starts=asked.start
    )
    vm = _create(caller, asked, size, counted)
    vm.affinity_groups.add(*members)
    rules = securitygroups.chosen(
        asked.owner, [w.network for w in wishes], asked.security, asked.security_names
    )
    root = disks.allocate_root(vm, root_bytes, asked.root_offering, shares[0].fields)
    data = disks.allocate_data(vm, asked.data_disks, [s.fields for s in shares[1:]])
    attachments = disks.attach_new(vm, root, data)
    if asked.start:
        wanted = places.of_machine(
            vm, attachments, members, asked.choice, full_pods=nics.full_pods(wishes, asked.zone)
        )
        vm.host = place(wanted, for_admin=caller.is_root_admin).host
    vm.save(update_fields=["instance_name", "host"])
    nics.plug(vm, wishes, is_new=True)
    if rules:
        securitygroups.assign(vm, rules)
    live.changed(vm)
    return Plan(jobs.deploy_vm, vm, {"start": asked.start}, resources=[root, *data])


def dry_run(asked: Request) -> Table:
    """Where the machine could go now; reserves and changes nothing."""
    size, root_bytes = _check(asked)
    members = groups.affinity_groups(asked.owner, asked.affinity, asked.affinity_names)
    root_offering = asked.root_offering or asked.offering.disk_offering
    wishes = [places.root_wish(root_bytes, asked.offering, root_offering, asked.template)]
    wishes += [places.data_wish(d) for d in asked.data_disks]
    return explain(
        places.wanted(
            zone=asked.zone,
            hypervisor=_hypervisor(asked),
            size=size,
            template=asked.template,
            host_tags=asked.offering.host_tags,
            disks=wishes,
            groups=members,
            choice=asked.choice,
            owner=asked.owner,
        )
    )


def _check(asked: Request) -> tuple[Size, int]:
    """The machine's size, and the root disk's in bytes, once everything named may be used."""
    if asked.zone.allocation_state != "Enabled":
        raise ResourceUnavailable(f"Zone {asked.zone} is disabled; it takes no new machines.")
    offerings.check_usable(asked.offering, asked.owner, asked.zone)
    _check_template(asked)
    offerings.check_details(asked.details)
    asked.choice.check(asked.zone)
    if asked.keyboard and asked.keyboard not in KEYBOARDS:
        raise InvalidParameter(f"There is no keyboard {asked.keyboard}: {', '.join(KEYBOARDS)}.")
    if asked.boot_mode == "Secure" and asked.boot_type != "UEFI":
        raise InvalidParameter("Boot mode Secure needs boot type UEFI.")
    if asked.root_offering is not None:
        _check_root_offering(asked)
    disks.check_data_disks(asked.data_disks, asked.owner, asked.zone)
    root_offering = asked.root_offering or asked.offering.disk_offering
    root_bytes = disks.root_size(
        asked.template, asked.offering.root_disk_size_bytes, root_offering, asked.root_gb()
    )
    return offerings.size_of(asked.offering, asked.details), root_bytes


def _check_root_offering(asked: Request) -> None:
    if asked.offering.disk_offering_strict:
        raise InvalidParameter(
            f"The root disk of service offering {asked.offering} is always as "
            f"{asked.offering.disk_offering} says."
        )
    disks.check_offering(asked.root_offering, asked.owner, asked.zone)


def _check_template(asked: Request) -> None:
    template, zone = asked.template, asked.zone
    kind = "ISO" if template.is_iso else "Template"
    usable = Template.objects.filter(pk=template.pk).usable_by(Caller(asked.owner))
    in_zone = usable.filter(Q(zone=zone) | Q(zone=None)).ready(zone)
    if not in_zone.exists():
        if not usable.exists():
            raise InvalidParameter(f"Account {asked.owner} may not use {kind.lower()} {template}.")
        raise InvalidParameter(
            f"{kind} {template} is not ready in zone {zone}; wait for its download to end."
        )
    if template.is_iso and not template.bootable:
        raise InvalidParameter(f"ISO {template} is not bootable; no machine can start from it.")
    if template.is_iso and not asked.hypervisor:
        raise InvalidParameter("Give hypervisor: an ISO does not say which one it is for.")


def _hypervisor(asked: Request) -> str:
    return asked.template.hypervisor or asked.hypervisor


def _create(
    caller: Caller, asked: Request, size: Size, counted: dict[str, object]
) -> VirtualMachine:
    """The row, counted, with what the guest is to be told; no disks, NICs or host yet."""
    pairs = access.key_pairs(asked.owner, asked.key_pairs)
    lines = access.public_keys(pairs)
    password = access.new_password(asked.template, asked.password)
    user_data = access.user_data_fields(
        asked.owner, asked.user_data, asked.user_data_row, asked.user_data_values
    )
    uuid = asked.uuid or uuids.uuid4()
    name = asked.name or f"VM-{uuid}"
    vm = VirtualMachine.objects.create(
        uuid=uuid,
        account=asked.owner,
        user=caller.user if caller.account.pk == asked.owner.pk else None,
        name=name,
        display_name=asked.display_name,
        hostname=hostname_for(name, str(uuid)),
        state=VmState.STARTING if asked.start else VmState.STOPPED,
        zone=asked.zone,
        hypervisor=_hypervisor(asked),
        service_offering=asked.offering,
        vcpus=size.vcpus,
        cpu_speed_mhz=size.cpu_speed_mhz,
        memory_mb=size.memory_mb,
        template=asked.template,
        iso=asked.template if asked.template.is_iso else None,
        os_type_id=asked.template.os_type_id,
        group=groups.group_named(asked.owner, asked.group) if asked.group else None,
        ssh_public_keys=lines,
        keyboard=asked.keyboard or "us",
        boot_type=asked.boot_type,
        boot_mode=asked.boot_mode,
        details=offerings.kept_details(asked.details),
        ha_enabled=asked.offering.offer_ha,
        dynamic_scaling=_dynamic(asked),
        display=asked.display,
        **counted,
        **access.password_fields(password, lines),
        **user_data,
    )
    vm.key_pairs.add(*pairs)
    suffix = vm.hostname if NAME_IN_SUFFIX.get() else INSTANCE_SUFFIX.get()
    vm.instance_name = f"i-{asked.owner.pk}-{vm.pk}-{suffix}"[:_LONGEST_NAME]
    return vm


def _dynamic(asked: Request) -> bool:
    wanted = asked.offering.dynamic_scaling and asked.template.is_dynamically_scalable
    return wanted if asked.dynamic_scaling is None else wanted and asked.dynamic_scaling

