"""Carries out calls: fences, locks, time limits, and errors that may cross."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent import protocol as p
from agent.drivers.base import Driver, Images, Listener, Network, Storage
from agent.fences import FenceBook
from agent.locks import KeyedLocks
from agent.tasks import Task

log = logging.getLogger("agent")

Handler = Callable[["Agent", Any, Task], Any]
Locks = Callable[[Any], tuple[str, ...]]

# How long a stopped or timed-out operation may take to clean up before its caller is freed.
GRACE_S = 20.0


@dataclass(frozen=True, slots=True)
class Parts:
    """``inline`` runs operations in the caller's thread: for parts that cannot hang."""

    driver: Driver
    storage: Storage
    images: Images
    network: Network
    inline: bool = False


class Interceptor:
    """Around each operation; the simulator puts its delays and faults here."""

    def around(self, call: p.Call, task: Task, work: Callable[[], Any]) -> Any:
        return work()


class Agent:
    """``execute`` may be called from any number of threads at once."""

    def __init__(
        self, parts: Parts, fences: FenceBook, interceptor: Interceptor | None = None
    ) -> None:
        self.parts = parts
        self.fences = fences
        self._interceptor = interceptor or Interceptor()
        self._locks = KeyedLocks()

    def execute(
        self,
        call: p.Call,
        progress: p.Progress | None = None,
        on_task: Callable[[Task], None] | None = None,
    ) -> Any:
        """Do what ``call`` asks and return its operation's result.

        ``progress`` is called in this thread; what it raises stops the operation. ``on_task``
        gets the Task before the work begins, to stop it from another thread. Raises only
        AgentError: what the operation's row in OPERATIONS names, StaleFence, Cancelled,
        HostUnavailable when the time is over, OperationFailed for everything else.
        """
        operation = p.OPERATIONS.get(call.operation)
        if operation is None or call.operation not in _HANDLERS:
            raise p.OperationFailed(f"This host knows no operation {call.operation!r}.")
        if not isinstance(call.argument, operation.argument):
            raise p.OperationFailed(
                f"{call.operation} takes {operation.argument.__name__}, "
                f"not {type(call.argument).__name__}."
            )
        if self.parts.inline:
            task = Task(operation.timeout_s, progress or _nothing, call.operation)
            if on_task is not None:
                on_task(task)
            return self._guarded(call, task)
        return self._in_own_thread(call, operation, progress, on_task)

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` called, from another thread, when a domain changes."""
        self.parts.driver.listen(listener)

    def close(self) -> None:
        """Let go of connections and files; guests and routers go on."""
        self.parts.driver.close()
        self.fences.close()

    def _in_own_thread(
        self,
        call: p.Call,
        operation: p.Operation,
        progress: p.Progress | None,
        on_task: Callable[[Task], None] | None,
    ) -> Any:
        # A thread per call, so that a library call that hangs cannot hold the caller, and
        # progress is reported in the caller's thread, where its database connection lives.
        reports: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        task = Task(
            operation.timeout_s,
            lambda percent, note="": reports.put(("progress", (percent, note))),
            call.operation,
        )
        if on_task is not None:
            on_task(task)

        def work() -> None:
            try:
                reports.put(("result", self._guarded(call, task)))
            except BaseException as error:
                reports.put(("error", error))

        threading.Thread(target=work, name=f"agent-{call.operation}", daemon=True).start()
        return _follow(task, reports, progress)

    def _guarded(self, call: p.Call, task: Task) -> Any:
        began = time.monotonic()
        try:
            with (
                self.fences.admitted(call.fences, task),
                self._locks.hold(_LOCKS.get(call.operation, _no_lock)(call.argument), task),
            ):
                handler = _HANDLERS[call.operation]
                result = self._interceptor.around(
                    call, task, lambda: handler(self, call.argument, task)
                )
            level = logging.INFO if call.operation in _LOCKS else logging.DEBUG
            took = time.monotonic() - began
            log.log(level, "%s in %.3f s (%s)", call.operation, took, call.correlation_id or "-")
            return p.Nothing() if result is None else result
        except p.AgentError as error:
            log.info("%s: %s (%s)", call.operation, error.message, call.correlation_id or "-")
            raise
        except Exception as error:
            log.exception("%s failed (%s)", call.operation, call.correlation_id)
            raise p.OperationFailed(f"{call.operation} failed: {error}") from error


def _nothing(percent: float, note: str = "") -> None:
    """Progress nobody asked for."""


def _follow(
    task: Task, reports: queue.SimpleQueue[tuple[str, Any]], progress: p.Progress | None
) -> Any:
    """Relay progress until the result is there, or the time and its grace are over."""
    raised: BaseException | None = None
    give_up_at = 0.0
    while True:
        try:
            kind, value = reports.get(timeout=min(0.5, task.remaining_s() + 0.01))
        except queue.Empty:
            if not give_up_at and task.remaining_s() <= 0:
                give_up_at = time.monotonic() + GRACE_S
                task.stop(p.HostUnavailable(_late(task)))
            if give_up_at and time.monotonic() > give_up_at:
                raise raised or p.HostUnavailable(_late(task)) from None
            continue
        if kind == "result":
            return value
        if kind == "error":
            raise raised or value
        if progress is not None and raised is None:
            try:
                progress(*value)
            except BaseException as error:
                raised = error
                give_up_at = time.monotonic() + GRACE_S
                task.stop(error if isinstance(error, p.AgentError) else None)


def _late(task: Task) -> str:
    return f"{task.name} did not end within {task.timeout_s:.0f} s."


# -- the table: operation -> what does it, and what it must not share ------------------

_HANDLERS: dict[str, Handler] = {
    "host.facts": lambda a, _, t: a.parts.driver.facts(),
    "host.preflight": lambda a, arg, t: a.parts.driver.preflight(arg),
    "host.stats": lambda a, _, t: a.parts.driver.stats(),
    "host.power": lambda a, _, t: a.parts.driver.power(),
    "domain.start": lambda a, arg, t: a.parts.driver.start(arg.spec, t),
    "domain.stop": lambda a, arg, t: a.parts.driver.stop(arg, t),
    "domain.reboot": lambda a, arg, t: a.parts.driver.reboot(arg, t),
    "domain.remove": lambda a, arg, t: a.parts.driver.remove(arg.uuid),
    "domain.state": lambda a, arg, t: a.parts.driver.state(arg.uuid),
    "domain.attach_disk": lambda a, arg, t: a.parts.driver.attach_disk(arg),
    "domain.detach_disk": lambda a, arg, t: a.parts.driver.detach_disk(arg, t),
    "domain.attach_nic": lambda a, arg, t: a.parts.driver.attach_nic(arg),
    "domain.filter": lambda a, arg, t: a.parts.driver.filter(arg),
    "domain.detach_nic": lambda a, arg, t: a.parts.driver.detach_nic(arg, t),
    "domain.change_cdrom": lambda a, arg, t: a.parts.driver.change_cdrom(arg),
    "domain.console": lambda a, arg, t: a.parts.driver.console(arg.uuid),
    "domain.screenshot": lambda a, arg, t: a.parts.driver.screenshot(arg.uuid),
    "pool.prepare": lambda a, arg, t: a.parts.storage.prepare_pool(arg),
    "pool.stats": lambda a, arg, t: a.parts.storage.pool_stats(arg),
    "pool.remove": lambda a, arg, t: a.parts.storage.remove_pool(arg),
    "pool.list": lambda a, arg, t: a.parts.storage.list_pool(arg),
    "volume.create": lambda a, arg, t: a.parts.storage.create_volume(arg, t),
    "volume.delete": lambda a, arg, t: a.parts.storage.delete_volume(arg),
    "volume.info": lambda a, arg, t: a.parts.storage.volume_info(arg),
    "volume.resize": lambda a, arg, t: a.parts.storage.resize_volume(arg, t),
    "volume.snapshot": lambda a, arg, t: a.parts.storage.snapshot_volume(arg, t),
    "volume.revert": lambda a, arg, t: a.parts.storage.revert_volume(arg, t),
    "volume.install_template": lambda a, arg, t: a.parts.storage.install_template(arg, t),
    "volume.copy_to_pool": lambda a, arg, t: a.parts.storage.copy_to_pool(arg, t),
    "volume.copy_to_store": lambda a, arg, t: a.parts.storage.copy_to_store(arg, t),
    "store.prepare": lambda a, arg, t: a.parts.storage.prepare_store(arg),
    "store.stats": lambda a, arg, t: a.parts.storage.store_stats(arg),
    "store.list": lambda a, arg, t: a.parts.storage.list_store(arg),
    "image.copy": lambda a, arg, t: a.parts.storage.copy_image(arg, t),
    "image.download": lambda a, arg, t: a.parts.images.download(arg, t),
    "image.delete": lambda a, arg, t: a.parts.images.delete(arg),
    "router.apply": lambda a, arg, t: a.parts.network.apply_router(arg, t),
    "router.state": lambda a, arg, t: a.parts.network.router_state(arg),
    "router.remove": lambda a, arg, t: a.parts.network.remove_router(arg),
    "bridge.apply": lambda a, arg, t: a.parts.network.apply_bridge(arg),
    "bridge.remove": lambda a, arg, t: a.parts.network.remove_bridge(arg),
}


def _no_lock(_: Any) -> tuple[str, ...]:
    return ()


def _domain(argument: Any) -> tuple[str, ...]:
    return (f"domain {argument.uuid}",)


def _file(disk: p.DiskRef) -> str:
    return f"volume {disk.pool.uuid}/{disk.name}"


def _image(image: p.StorePath) -> str:
    return f"image {image.store.path}/{image.name}"


def _volume(argument: Any) -> tuple[str, ...]:
    return (_file(argument.volume),)


# Stopping a guest is not in the list: a forced stop must pass one that waits politely.
_LOCKS: dict[str, Locks] = {
    "domain.start": lambda arg: (f"domain {arg.spec.uuid}",),
    "domain.remove": _domain,
    "domain.attach_disk": _domain,
    "domain.detach_disk": _domain,
    "domain.attach_nic": _domain,
    "domain.filter": _domain,
    "domain.detach_nic": _domain,
    "domain.change_cdrom": _domain,
    "pool.prepare": lambda arg: (f"pool {arg.pool.uuid}",),
    "pool.remove": lambda arg: (f"pool {arg.pool.uuid}",),
    "volume.create": _volume,
    "volume.delete": _volume,
    "volume.resize": _volume,
    "volume.snapshot": lambda arg: (_file(arg.volume), _image(arg.target)),
    "volume.revert": _volume,
    "volume.install_template": lambda arg: (_file(arg.target),),
    "volume.copy_to_pool": lambda arg: (_file(arg.target),),
    "volume.copy_to_store": lambda arg: (_image(arg.target),),
    "store.prepare": lambda arg: (f"store {arg.store.path}",),
    "image.copy": lambda arg: (_image(arg.target),),
    "image.download": lambda arg: (_image(arg.target),),
    "image.delete": lambda arg: (_image(arg.target),),
    "router.apply": lambda arg: (f"router {arg.uuid}",),
    "router.remove": lambda arg: (f"router {arg.uuid}",),
    "bridge.apply": lambda arg: (f"bridge {arg.name}",),
    "bridge.remove": lambda arg: (f"bridge {arg.name}",),
}
