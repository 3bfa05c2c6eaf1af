"""Templates and ISOs: registered, described, shared, copied, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.caller import Caller
from accounts.models import Account
from core import live
from core.errors import InUse, InvalidParameter, NotAllowedInState
from core.steps import Plan
from infra.models import OsType, Zone
from infra.services.usage import users_of
from jobs.models import AsyncJob, JobStatus
from storage import states
from storage.jobs import templates as jobs
from storage.models import Snapshot, Template, TemplateCopy, Volume
from storage.services import egress, quota, stores
from storage.services.follow import follow_up
from storage.services.sharing import publicity

FORMATS = {"KVM": ("QCOW2", "RAW", "VHD", "VHDX", "VMDK"),
           "Simulator": ("QCOW2", "RAW", "VHD", "VHDX", "VMDK")}  # fmt: skip
#: Fields a client may set, as the command names them → as the row does.
_FLAGS = {
    "isextractable": "is_extractable",
    "isdynamicallyscalable": "is_dynamically_scalable",
    "passwordenabled": "password_enabled",
    "sshkeyenabled": "ssh_key_enabled",
    "requireshvm": "requires_hvm",
    "bootable": "bootable",
}


def register(
    caller: Caller,
    account: Account,
    *,
    kind: str,
    name: str,
    url: str,
    zones: Iterable[Zone] = (),
    display_text: str = "",
    format: str = "QCOW2",
    hypervisor: str = "",
    os_type: OsType | None = None,
    checksum: str = "",
    is_public: bool = False,
    is_featured: bool = False,
    flags: dict[str, bool | None] | None = None,
    details: dict[str, str] | None = None,
    arch: str = "x86_64",
    bits: int = 64,
    tag: str = "",
    type: str = "USER",
) -> Template:
    """The row, and a job that downloads it; how far that is shows in the template's status.

    ``zones`` empty: for all zones. Raises InvalidParameter, PermissionDenied, LimitExceeded,
    InsufficientCapacity (no store).
    """
    from_file = egress.check_url(caller, url)
    _check_format(kind, format, hypervisor)
    _check_checksum(checksum)
    zones = list(dict.fromkeys(zones))
    chosen = [stores.choose(zone) for zone in zones] or [stores.choose(None)]
    public, featured = publicity(caller, is_public, is_featured)
    template = Template.objects.create(
        account=account,
        kind=kind,
        name=name,
        display_text=display_text or name,
        url=url.strip(),
        zone=zones[0] if zones else None,
        format="ISO" if kind == "ISO" else format.upper(),
        hypervisor="" if kind == "ISO" else hypervisor,
        os_type=os_type,
        wanted_checksum=checksum,
        is_public=public,
        is_featured=featured,
        details=details or {},
        arch=arch,
        bits=bits,
        tag=tag,
        type=type,
        **given(flags),
        **quota.take(account, Template, 0),
    )
    copy = TemplateCopy.objects.create(template=template, store=chosen[0])
    for store in dict.fromkeys(chosen[1:]):
        # Begun by the upkeep as soon as the first copy is whole.
        TemplateCopy.objects.get_or_create(template=template, store=store)
    follow_up(
        Plan(jobs.download, template, {"copy": copy, "allow_file": from_file}, [copy]),
        caller,
        "registerIso" if kind == "ISO" else "registerTemplate",
    )
    live.changed(template)
    return template


def given(flags: dict[str, bool | None] | None) -> dict[str, bool]:
    """Wire flags that were sent, under the names of the row."""
    return {_FLAGS[k]: v for k, v in (flags or {}).items() if v is not None}


def _check_format(kind: str, format: str, hypervisor: str) -> None:
    if kind == "ISO":
        return
    known = {name.lower(): name for name in FORMATS}
    if hypervisor.lower() not in known:
        raise InvalidParameter(
            f"There is no hypervisor {hypervisor} here; templates are for {', '.join(FORMATS)}."
        )
    allowed = FORMATS[known[hypervisor.lower()]]
    if format.upper() not in allowed:
        raise InvalidParameter(
            f"{known[hypervisor.lower()]} runs templates in {', '.join(allowed)}, not {format}."
        )


_DIGITS = {32: "MD5", 40: "SHA-1", 56: "SHA-224", 64: "SHA-256", 96: "SHA-384", 128: "SHA-512"}


def _check_checksum(text: str) -> None:
    """``{SHA-256}hex`` or bare hex, told by its length."""
    if not text:
        return
    name, digits = text[1:].split("}", 1) if text.startswith("{") and "}" in text else ("", text)
    known = _DIGITS.get(len(digits))
    is_hex = all(c in "0123456789abcdefABCDEF" for c in digits)
    if known is None or not is_hex or (name and name.upper() != known):
        raise InvalidParameter(
            f"“{text[:80]}” is not a checksum; write {{SHA-256}} and 64 hexadecimal digits."
        )


# -- describing --------------------------------------------------------------------


def update(
    template: Template,
    *,
    name: str | None = None,
    display_text: str | None = None,
    os_type: OsType | None = None,
    flags: dict[str, bool | None] | None = None,
    details: dict[str, str] | None = None,
    clean_details: bool = False,
    sort_key: int | None = None,
    arch: str | None = None,
    tag: str | None = None,
) -> Template:
    changes: dict[str, Any] = {
        "name": name or None,
        "display_text": display_text,
        "os_type": os_type,
        "sort_key": sort_key,
        "arch": arch,
        "tag": tag,
        **given(flags),
    }
    if clean_details:
        changes["details"] = {}
    elif details is not None:
        changes["details"] = {**template.details, **details}
    changes = {field: value for field, value in changes.items() if value is not None}
    for field, value in changes.items():
        setattr(template, field, value)
    if changes:
        template.save(update_fields=list(changes))
        live.changed(template)
    return template


# -- making from what is there -------------------------------------------------------------------


def create_from(
    caller: Caller,
    account: Account,
    *,
    name: str,
    snapshot: Snapshot | None = None,
    volume: Volume | None = None,
    display_text: str = "",
    os_type: OsType | None = None,
    hypervisor: str = "KVM",
    is_public: bool = False,
    is_featured: bool = False,
    flags: dict[str, bool | None] | None = None,
    details: dict[str, str] | None = None,
    bits: int = 64,
    tag: str = "",
) -> Plan:
    """A private template of a snapshot, or of a volume whose machine is off (the caller has
    made sure). Counted now, as large as the source; the job makes its file.

    Raises NotAllowedInState, LimitExceeded, InsufficientCapacity.
    """
    if (snapshot is None) == (volume is None):
        raise InvalidParameter("Give either snapshotid or volumeid: what the template is made of.")
    source: Any = snapshot or volume
    wanted = states.Snapshots.BACKED_UP if snapshot else states.Volumes.READY
    if source.state != wanted:
        raise NotAllowedInState(
            f"{type(source).KIND} {source} is {source.state}; a template is made of it once it "
            f"is {wanted}."
        )
    store = stores.choose(source.zone, source.physical_bytes)
    if volume is not None:
        volume.apply(states.VolumeEvent.SNAPSHOT)  # nobody may start or change it meanwhile
    public, featured = publicity(caller, is_public, is_featured)
    template = Template.objects.create(
        account=account,
        name=name,
        display_text=display_text or name,
        zone=source.zone,
        hypervisor=hypervisor,
        os_type=os_type or (source.template.os_type if source.template else None),
        is_public=public,
        is_featured=featured,
        details=details or {},
        bits=bits,
        tag=tag,
        size_bytes=source.size_bytes,
        source_template=source.template,
        **given(flags),
        **quota.take(account, Template, source.physical_bytes or 0),
    )
    copy = TemplateCopy.objects.create(template=template, store=store)
    live.changed(template)
    if snapshot is not None:
        arguments = {"copy": copy, "snapshot": snapshot}
        return Plan(jobs.make_from_snapshot, template, arguments, [copy, snapshot])
    return Plan(jobs.make_from_volume, template, {"copy": copy, "volume": volume}, [copy, volume])


def copy_to_zones(caller: Caller, template: Template, zones: Iterable[Zone]) -> Plan:
    """Have stores of other zones take it. Raises NotAllowedInState while no copy is whole."""
    ready = template.copies.filter(state=states.Copies.READY).select_related("store")
    here = {copy.store.zone_id for copy in ready}
    if not here:
        raise NotAllowedInState(f"{template.kind} {template} is not ready yet; wait for it.")
    wanted = [zone for zone in zones if zone.pk not in here and None not in here]
    if not wanted:
        raise InvalidParameter(f"{template.kind} {template} is in that zone already.")
    plans = []
    for zone in wanted:
        store = stores.choose(zone, template.physical_bytes)
        copy, _ = TemplateCopy.objects.get_or_create(template=template, store=store)
        plans.append(Plan(jobs.copy_to_other_store, template, {"copy": copy}, [copy]))
    for plan in plans[1:]:
        follow_up(plan, caller, "copyTemplate", "TEMPLATE.COPY")
    return plans[0]


# -- the end -------------------------------------------------------------------------------------


def delete(template: Template, *, forced: bool = False) -> Plan:
    """Nobody starts from it any more; its files go in the job, but for those that disks of
    machines still build on.

    Raises InUse, naming them, while machines use it (``forced``: let them go on with what
    they have). A machine that has the ISO in its drive keeps it from being deleted always.
    """
    if template.type == "SYSTEM":
        raise InvalidParameter(f"Template {template} belongs to the system; it stays.")
    users = [] if forced and not template.is_iso else users_of(template)
    if users:
        raise InUse(
            f"{template.kind.capitalize() if not template.is_iso else 'ISO'} {template} is in use "
            "by "
            + ", ".join(f"{u._meta.verbose_name} {u}" for u in users[:5])
            + (" …" if len(users) > 5 else "")
            + ("; detach it first." if template.is_iso else "; set forced to delete it still.")
        )
    template.apply(states.TemplateEvent.DELETE)
    # A download that is under way would be waited for: it is of no use any more.
    running = AsyncJob.objects.filter(instance_uuid=template.uuid, status=JobStatus.PENDING)
    running.update(cancel_asked=True)
    return Plan(jobs.delete_template, template)


def delete_again(template: Template) -> Plan:
    """The rest of a deletion that did not get through."""
    return Plan(jobs.delete_template, template)
