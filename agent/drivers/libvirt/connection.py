"""The connection to libvirt: opened when wanted, opened again when it broke."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from agent import protocol as p

try:
    import libvirt as libvirt
except ImportError:  # A portal that only simulates, or drives remote hosts, needs none.
    libvirt = None

log = logging.getLogger("agent.libvirt")

KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_COUNT = 3

OnOpen = Callable[[Any], None]


class Connection:
    """Hands out a live ``virConnect``; safe to use from many threads, as libvirt's is.

    ``on_open`` hooks run on every fresh connection (event registrations live and die with
    one). Keepalive turns a libvirtd that hangs into HypervisorUnavailable after 20 s.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._guard = threading.Lock()
        self._connection: Any = None
        self._on_open: list[OnOpen] = []
        self._closed = False

    def on_open(self, hook: OnOpen) -> None:
        """Run ``hook`` on the connection there is, if any, and on each later one."""
        with self._guard:
            self._on_open.append(hook)
            current = self._connection
        if current is not None:
            hook(current)

    def get(self) -> Any:
        """A live connection. Raises HypervisorUnavailable with what to do about it."""
        if libvirt is None:
            raise p.HypervisorUnavailable(
                "The Python binding of libvirt is not installed here (libvirt-python)."
            )
        with self._guard:
            if self._connection is not None and _alive(self._connection):
                return self._connection
            self._drop()
            self._connection = self._open()
            hooks = list(self._on_open)
            fresh = self._connection
        for hook in hooks:
            hook(fresh)
        return fresh

    @contextmanager
    def use(self, doing: str) -> Iterator[Any]:
        """``with connection.use("start i-2-7-VM") as conn``: libvirt's errors become ours."""
        conn = self.get()
        try:
            yield conn
        except libvirt.libvirtError as error:
            if not _alive(conn):
                raise _went_away(error, doing) from error
            raise translate(error, doing) from error

    def is_open(self) -> bool:
        with self._guard:
            return self._connection is not None and _alive(self._connection)

    def close(self) -> None:
        with self._guard:
            self._closed = True
            self._drop()

    def _open(self) -> Any:
        if self._closed:
            raise p.HypervisorUnavailable("This agent is shutting down.")
        _event_loop.start()
        try:
            connection = libvirt.open(self.uri)
            with suppress(libvirt.libvirtError):  # The test driver has no keepalive.
                connection.setKeepAlive(KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT)
        except libvirt.libvirtError as error:
            raise p.HypervisorUnavailable(
                f"libvirt does not answer at {self.uri}: {error.get_error_message()}. "
                "Is libvirtd running, and may this user connect to it?"
            ) from error
        log.info("connected to %s", self.uri)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(libvirt.libvirtError):
                self._connection.close()
            self._connection = None


def translate(error: Any, doing: str) -> p.AgentError:
    """A libvirtError as an error that may cross."""
    code, words = error.get_error_code(), error.get_error_message() or ""
    if error.get_error_domain() == libvirt.VIR_FROM_RPC or code == libvirt.VIR_ERR_INVALID_CONN:
        return _went_away(error, doing)
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return p.NoSuchDomain(f"Cannot {doing}: libvirt has no such domain.")
    if "Cannot access storage file" in words:
        return p.NoSuchVolume(f"Cannot {doing}: {words}")
    return p.OperationFailed(f"Cannot {doing}: {words}")


def _went_away(error: Any, doing: str) -> p.HypervisorUnavailable:
    words = error.get_error_message()
    return p.HypervisorUnavailable(f"libvirt went away while asked to {doing}: {words}")


def is_missing(error: Any) -> bool:
    return bool(error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN)


def _alive(connection: Any) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


class _EventLoop:
    """libvirt's event loop in one daemon thread per process; it sleeps in poll()."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._started = False

    def start(self) -> None:
        with self._guard:
            if self._started:
                return
            # libvirt prints every error to stderr unless told not to; ours are raised.
            libvirt.registerErrorHandler(lambda _context, _error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=self._run, name="libvirt-events", daemon=True).start()
            self._started = True

    def _run(self) -> None:
        while True:
            try:
                libvirt.virEventRunDefaultImpl()
            except libvirt.libvirtError:
                log.exception("libvirt's event loop stumbled")


_event_loop = _EventLoop()
