"""Lifecycle events of our domains, to whoever listens, across lost connections."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from agent import protocol as p
from agent.drivers.base import Listener
from agent.drivers.libvirt.connection import Connection, libvirt

log = logging.getLogger("agent.libvirt")

RECONNECT_EVERY_S = 1.0


class Events:
    """Registers on every fresh connection; with listeners it also keeps one open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._guard = threading.Lock()
        self._listeners: list[Listener] = []
        self._resets: dict[str, int] = {}
        self._watcher: threading.Thread | None = None
        self._closed = threading.Event()
        connection.on_open(self._register)

    def listen(self, listener: Listener) -> None:
        with self._guard:
            self._listeners.append(listener)
            if self._watcher is None:
                self._watcher = threading.Thread(
                    target=self._keep_connected, name="libvirt-watch", daemon=True
                )
                self._watcher.start()

    def resets(self, uuid: str) -> int:
        """How often a domain was reset since we watch: tells that a reboot happened."""
        with self._guard:
            return self._resets.get(uuid, 0)

    def close(self) -> None:
        self._closed.set()

    def _keep_connected(self) -> None:
        was_open = False
        while not self._closed.is_set():
            is_open = self._connection.is_open()
            if not is_open:
                with suppress(p.HypervisorUnavailable):
                    self._connection.get()
                    is_open = True
                    self._announce(p.DomainEvent("", "PowerUnknown", "resync", at=time.time()))
            if was_open and not is_open:
                log.warning("lost the connection to libvirt; trying again each second")
            was_open = is_open
            self._closed.wait(RECONNECT_EVERY_S)

    def _register(self, conn: Any) -> None:
        register = conn.domainEventRegisterAny
        with suppress(libvirt.libvirtError):
            register(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None)
            register(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, self._on_reset, None)

    def _on_reset(self, _conn: Any, domain: Any, _opaque: Any) -> None:
        uuid = domain.UUIDString()
        with self._guard:
            self._resets[uuid] = self._resets.get(uuid, 0) + 1

    def _on_lifecycle(self, _conn: Any, domain: Any, event: int, detail: int, _: Any) -> None:
        change = _change(event, detail)
        if change is not None:
            power, reason = change
            self._announce(
                p.DomainEvent(domain.UUIDString(), power, reason, domain.name(), time.time())
            )

    def _announce(self, event: p.DomainEvent) -> None:
        with self._guard:
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", event)


def _change(event: int, detail: int) -> tuple[str, str] | None:
    """(power, reason), or None for what does not change a domain's power."""
    if event == libvirt.VIR_DOMAIN_EVENT_STARTED:
        return "PowerOn", "started"
    if event == libvirt.VIR_DOMAIN_EVENT_STOPPED:
        return "PowerOff", _STOPPED.get(detail, "failed")
    if event == libvirt.VIR_DOMAIN_EVENT_CRASHED:
        return "PowerOff", "crashed"
    if event == libvirt.VIR_DOMAIN_EVENT_SUSPENDED:
        return "PowerOn", "suspended"
    if event == libvirt.VIR_DOMAIN_EVENT_RESUMED:
        return "PowerOn", "resumed"
    if event == libvirt.VIR_DOMAIN_EVENT_UNDEFINED:
        return "PowerMissing", "removed"
    return None


_STOPPED: dict[int, str] = {}
if libvirt is not None:
    _STOPPED = {
        libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN: "shutdown",
        libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED: "destroyed",
        libvirt.VIR_DOMAIN_EVENT_STOPPED_CRASHED: "crashed",
        libvirt.VIR_DOMAIN_EVENT_STOPPED_MIGRATED: "migrated",
        libvirt.VIR_DOMAIN_EVENT_STOPPED_FAILED: "failed",
    }
