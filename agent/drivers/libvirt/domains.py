"""A domain's life: start, stop, reboot, remove, and what state it is in."""

from __future__ import annotations

import logging
import secrets
import time
import xml.etree.ElementTree as ET
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from agent import names
from agent import protocol as p
from agent.drivers.libvirt import cgroups, configdrive, xml
from agent.drivers.libvirt.connection import is_missing, libvirt
from agent.drivers.libvirt.consolelogs import ConsoleLogs
from agent.drivers.libvirt.context import Context, disk_path, live_xml, takes_direct_io
from agent.drivers.libvirt.events import Events
from agent.network.filtering import Filtering
from agent.network.shaping import Shaping
from agent.tasks import Task

log = logging.getLogger("agent.libvirt")

ASK_AGAIN_S = 5.0
POLL_S = 0.1
# Where firmware describes itself to libvirt (QEMU docs, interop/firmware.json).
FIRMWARE = (Path("/usr/share/qemu/firmware"), Path("/etc/qemu/firmware"))


class Domains:
    def __init__(
        self, context: Context, events: Events, shaping: Shaping, filtering: Filtering
    ) -> None:
        self._context = context
        self._events = events
        self._shaping = shaping
        self._filtering = filtering
        self._ours: dict[str, bool] = {}
        self._logs = ConsoleLogs(context.serial_log("x").parent)

    def start(self, spec: p.DomainSpec, task: Task) -> p.DomainState:
        with self._context.connection.use(f"start {spec.name}") as conn:
            domain = self._context.find(conn, spec.uuid)
            if domain is None or not domain.isActive():
                domain = self._define_and_create(conn, spec)
            self._ours[spec.uuid] = True
            return _state_with_port(domain)

    def _define_and_create(self, conn: Any, spec: p.DomainSpec) -> Any:
        with ExitStack() as undo:
            undo.callback(self._remove_files, spec.uuid)
            definition = xml.render(spec, self._setting(spec))
            domain = conn.defineXML(definition)
            undo.callback(_undefine, domain)
            # A saved memory image (libvirt-guests makes them) belongs to an older spec.
            with (
                self._filtering.before_taps_appear(spec.nics),
                self._shaping.as_taps_appear(spec.nics),
            ):
                domain.createWithFlags(libvirt.VIR_DOMAIN_START_FORCE_BOOT)
            undo.pop_all()
            return domain

    def _setting(self, spec: p.DomainSpec) -> xml.Setting:
        context = self._context
        context.make_folders()
        if (spec.uefi or spec.secure_boot) and not any(path.exists() for path in FIRMWARE):
            raise p.OperationFailed(
                f"{spec.name} boots by UEFI, and this host has no UEFI firmware. "
                "Install the package ovmf on the host."
            )
        drive = ""
        if spec.config_drive is not None:
            path = context.config_drive(spec.uuid)
            configdrive.write(path, spec.config_drive)
            drive = str(path)
        return xml.Setting(
            accelerated=context.accelerator.choice().accelerated,
            path_of=disk_path,
            installation=context.installation,
            config_drive=drive,
            serial_socket=str(context.serial_socket(spec.uuid)),
            serial_log=str(context.serial_log(spec.uuid)),
            vnc_password=secrets.token_urlsafe(6),  # 8 characters: all that VNC looks at
            emulator=context.emulator,
            shares=cgroups.shares if cgroups.has_cpu() else None,
            direct_io=takes_direct_io,
        )

    def stop(self, wanted: p.StopDomain, task: Task) -> p.DomainState:
        with self._context.connection.use(f"stop domain {wanted.uuid}") as conn:
            domain = self._context.find(conn, wanted.uuid)
            if domain is None:
                return p.DomainState(wanted.uuid, "PowerMissing")
            if domain.isActive():
                self._bring_down(domain, wanted, task)
            return _state(domain)

    def _bring_down(self, domain: Any, wanted: p.StopDomain, task: Task) -> None:
        if wanted.timeout_s > 0:
            self._ask_to_shut_down(domain, wanted.timeout_s, task)
        if not _is_active(domain):
            return
        if not wanted.forced:
            raise p.GuestIgnoredShutdown(
                f"{domain.name()} did not shut down within {wanted.timeout_s} s. "
                "Shut it down from inside, or force the stop."
            )
        _cut_power(domain)

    def _ask_to_shut_down(self, domain: Any, timeout_s: int, task: Task) -> None:
        end, next_ask = time.monotonic() + timeout_s, 0.0
        while time.monotonic() < end and _is_active(domain):
            if time.monotonic() >= next_ask:
                # Asked again: a guest that still boots does not hear the first time.
                with suppress(libvirt.libvirtError):
                    domain.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
                next_ask = time.monotonic() + ASK_AGAIN_S
            task.sleep(POLL_S)

    def reboot(self, wanted: p.RebootDomain, task: Task) -> p.DomainState:
        with self._context.running(wanted.uuid, f"reboot domain {wanted.uuid}") as domain:
            before = self._events.resets(wanted.uuid)
            end = time.monotonic() + wanted.timeout_s
            if wanted.timeout_s > 0:
                domain.reboot(libvirt.VIR_DOMAIN_REBOOT_ACPI_POWER_BTN)
            while self._events.resets(wanted.uuid) == before and time.monotonic() < end:
                task.sleep(POLL_S)
            if self._events.resets(wanted.uuid) == before:
                if not wanted.forced:
                    raise p.GuestIgnoredShutdown(
                        f"{domain.name()} did not restart within {wanted.timeout_s} s. "
                        "Restart it from inside, or force the reboot."
                    )
                domain.reset(0)
            return _state_with_port(domain)

    def remove(self, uuid: str) -> None:
        with self._context.connection.use(f"remove domain {uuid}") as conn:
            domain = self._context.find(conn, uuid)
            if domain is not None:
                if domain.isActive():
                    _cut_power(domain)
                _undefine(domain)
                self._shaping.sweep()
                self._filtering.sweep()
        self._ours.pop(uuid, None)
        self._remove_files(uuid)

    def state(self, uuid: str) -> p.DomainState:
        with self._context.connection.use(f"look at domain {uuid}") as conn:
            domain = self._context.find(conn, uuid)
            if domain is None:
                return p.DomainState(uuid, "PowerMissing")
            return _state_with_port(domain) if domain.isActive() else _state(domain)

    def power(self) -> p.PowerReport:
        """One request for all domains; whether a domain is ours never changes, so is kept."""
        self._logs.trim()
        with self._context.connection.use("list domains") as conn:
            found = conn.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
            states = []
            for domain, stats in found:
                uuid = domain.UUIDString()
                if self._is_ours(domain, uuid):
                    number, why = stats.get("state.state", 0), stats.get("state.reason", 0)
                    states.append(
                        p.DomainState(uuid, _power(number), domain.name(), _reason(number, why))
                    )
            self._forget_all_but({state.uuid for state in states})
            return p.PowerReport(tuple(states))

    def is_ours(self, domain: Any) -> bool:
        return self._is_ours(domain, domain.UUIDString())

    def _is_ours(self, domain: Any, uuid: str) -> bool:
        known = self._ours.get(uuid)
        if known is None:
            known = _mark_on(domain) == self._context.installation
            self._ours[uuid] = known
        return known

    def _forget_all_but(self, uuids: set[str]) -> None:
        for uuid in [u for u, ours in list(self._ours.items()) if ours and u not in uuids]:
            self._ours.pop(uuid, None)

    def _remove_files(self, uuid: str) -> None:
        uuid = names.uuid(uuid)
        context = self._context
        context.config_drive(uuid).unlink(missing_ok=True)
        context.serial_socket(uuid).unlink(missing_ok=True)
        log_file = context.serial_log(uuid)
        # virtlogd keeps older parts as .0, .1, …
        for path in (log_file, *log_file.parent.glob(f"{log_file.name}.*")):
            path.unlink(missing_ok=True)


# -- reading and ending a domain -------------------------------------------------------


def _is_active(domain: Any) -> bool:
    try:
        return bool(domain.isActive())
    except libvirt.libvirtError as error:
        if is_missing(error):
            return False
        raise


def _cut_power(domain: Any) -> None:
    try:
        domain.destroy()
    except libvirt.libvirtError:
        if _is_active(domain):
            raise


def _undefine(domain: Any) -> None:
    flags = (
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    )
    try:
        domain.undefineFlags(flags)
    except libvirt.libvirtError as error:
        if not is_missing(error):
            log.warning("%s stays defined: %s", domain.name(), error.get_error_message())


def _mark_on(domain: Any) -> str | None:
    """The installation that made a domain; None for one that no agent of ours made."""
    try:
        text = domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, xml.NAMESPACE)
    except libvirt.libvirtError:
        return None
    return ET.fromstring(text).get("installation")


def _state(domain: Any) -> p.DomainState:
    try:
        number, why = domain.state()
    except libvirt.libvirtError as error:
        if is_missing(error):
            return p.DomainState(domain.UUIDString(), "PowerMissing")
        raise
    return p.DomainState(domain.UUIDString(), _power(number), domain.name(), _reason(number, why))


def _state_with_port(domain: Any) -> p.DomainState:
    state = _state(domain)
    if state.power != "PowerOn":
        return state
    graphics = live_xml(domain).find("./devices/graphics[@type='vnc']")
    port = int(graphics.get("port", "0")) if graphics is not None else 0
    return p.DomainState(state.uuid, state.power, state.name, state.reason, max(0, port))


def _power(number: int) -> str:
    if number in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
        return "PowerOff"
    return "PowerUnknown" if number == libvirt.VIR_DOMAIN_NOSTATE else "PowerOn"


def _reason(number: int, why: int) -> str:
    if number == libvirt.VIR_DOMAIN_SHUTOFF:
        return {
            libvirt.VIR_DOMAIN_SHUTOFF_SHUTDOWN: "shutdown",
            libvirt.VIR_DOMAIN_SHUTOFF_DESTROYED: "destroyed",
            libvirt.VIR_DOMAIN_SHUTOFF_CRASHED: "crashed",
            libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED: "migrated",
            libvirt.VIR_DOMAIN_SHUTOFF_FAILED: "failed",
        }.get(why, "")
    if number == libvirt.VIR_DOMAIN_PAUSED:
        broken = why == libvirt.VIR_DOMAIN_PAUSED_IOERROR
        return "paused: a disk gave an error or is full" if broken else "paused"
    return "crashed" if number == libvirt.VIR_DOMAIN_CRASHED else ""
