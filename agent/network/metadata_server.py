"""What guests may ask of their router: metadata, user data, and their password once.

A program of its own, started in a router's namespace with the router's folder as argument
(``python -I -S metadata_server.py FOLDER``), standard library only. It answers by the
address a request comes from, checked against the MAC the router's neighbour table has for
it, on port 80 CloudStack's ``/latest/…`` paths and on port 8080 its password protocol
(header DomU_Request). ``metadata.json`` is read again whenever it was replaced.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable

Guest = dict[str, object]
Head = tuple[str, str, dict[str, str]]
Answer = Callable[[str, Guest, str, str, dict[str, str]], tuple[int, bytes]]

NAME = "cp-metadata"
# A number of its own, below no account: it may read this router's data and nothing else.
UID = 65520
WEB_PORT, PASSWORD_PORT = 80, 8080
MOST_CONNECTIONS = 256
MOST_PER_GUEST = 8
MOST_HEAD = 8192
IDLE_S = 10.0

_VERSION = re.compile(r"latest|[0-9]{4}-[0-9]{2}-[0-9]{2}|1\.0")


class Guests:
    """The data file, and the marks of passwords that guests have fetched and confirmed."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "metadata.json")
        self._taken = os.path.join(folder, "taken")
        self._seen: tuple[int, int] = (0, 0)
        self._guests: dict[str, Guest] = {}

    def find(self, address: str) -> Guest | None:
        about = os.stat(self._path)
        seen = (about.st_ino, about.st_mtime_ns)
        if seen != self._seen:
            with open(self._path, encoding="utf-8") as file:
                self._guests = json.load(file)["guests"]
            self._seen = seen
        return self._guests.get(address)

    def password(self, address: str, guest: Guest) -> str:
        """ "" when there is none, or the guest has confirmed it."""
        password = str(guest.get("password") or "")
        return "" if password and os.path.exists(self._mark(address, password)) else password

    def confirm(self, address: str, guest: Guest) -> None:
        password = str(guest.get("password") or "")
        if password:
            fd = os.open(self._mark(address, password), os.O_CREAT | os.O_WRONLY, 0o600)
            os.close(fd)

    def _mark(self, address: str, password: str) -> str:
        return os.path.join(self._taken, mark(address, password))


def mark(address: str, password: str) -> str:
    """Name of the file that says: this guest has confirmed this password."""
    digest = hashlib.sha256(f"{address} {password}".encode()).hexdigest()
    return f"{address} {digest[:32]}"


def neighbour(address: str) -> str:
    """The MAC this namespace last saw behind an address, or ""."""
    try:
        with open("/proc/self/net/arp", encoding="ascii") as lines:
            for line in lines:
                fields = line.split()
                if fields and fields[0] == address:
                    return fields[3].lower()
    except OSError:
        pass
    return ""


class Server:
    def __init__(self, folder: str) -> None:
        self._guests = Guests(folder)
        self._open: dict[str, int] = {}

    async def web(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, self._metadata)

    async def password(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer, self._password)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
    ) -> None:
        address = writer.get_extra_info("peername")[0]
        if sum(self._open.values()) >= MOST_CONNECTIONS or (
            self._open.get(address, 0) >= MOST_PER_GUEST
        ):
            writer.transport.abort()
            return
        self._open[address] = self._open.get(address, 0) + 1
        try:
            async with asyncio.timeout(IDLE_S):
                status, body = self._respond(address, await _head(reader), answer)
                writer.write(_response(status, body))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
            writer.close()

    def _respond(self, address: str, head: Head, answer: Answer) -> tuple[int, bytes]:
        try:
            guest = self._guests.find(address)
        except (OSError, ValueError, KeyError):
            return 503, b"try again"
        if guest is None:
            return 404, b"not found"
        expected, seen = guest.get("mac"), neighbour(address)
        if expected and seen and seen != expected:
            return 403, b"forbidden"
        return answer(address, guest, *head)

    def _metadata(
        self, address: str, guest: Guest, method: str, path: str,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:  # fmt: skip
        if method not in ("GET", "HEAD"):
            return 405, b"method not allowed"
        parts = [part for part in path.split("?", 1)[0].split("/") if part]
        if not parts:
            return 200, b"latest"
        if _VERSION.fullmatch(parts[0]):
            parts = parts[1:]
        status, body = _look_up(guest, parts)
        return status, b"" if method == "HEAD" else body

    def _password(
        self, address: str, guest: Guest, method: str, path: str,
        headers: dict[str, str],
    ) -> tuple[int, bytes]:  # fmt: skip
        asked = headers.get("domu_request", "")
        if asked == "send_my_password":
            return 200, (self._guests.password(address, guest) or "saved_password").encode()
        if asked == "saved_password":
            self._guests.confirm(address, guest)
            return 200, b"saved_password"
        return 400, b"bad_request"


def _look_up(guest: Guest, parts: list[str]) -> tuple[int, bytes]:
    entries = guest.get("entries")
    assert isinstance(entries, dict)
    if not parts:
        return 200, b"meta-data\nuser-data"
    if parts[0] == "user-data" and len(parts) == 1:
        return 200, base64.b64decode(str(guest.get("user_data") or ""))
    if parts[0] != "meta-data":
        return 404, b"not found"
    if len(parts) == 1:
        return 200, "\n".join(sorted(entries)).encode()
    value = entries.get("/".join(parts[1:]))
    return (404, b"not found") if value is None else (200, str(value).encode())


async def _head(reader: asyncio.StreamReader) -> Head:
    """(method, path, headers with lower-case names) of a request; a body is never read."""
    text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = text.split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3:
        return "", "", {}
    pairs = (line.split(":", 1) for line in lines[1:] if ":" in line)
    return words[0], words[1], {k.strip().lower(): v.strip() for k, v in pairs}


_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 503: "Service Unavailable"}  # fmt: skip


def _response(status: int, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


# -- becoming a daemon -----------------------------------------------------------------


def listen(port: int) -> socket.socket:
    """Every address of the namespace; its firewall lets only guests come here."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", port))
    sock.listen(64)
    sock.setblocking(False)
    return sock


def detach(pid_file: str) -> None:
    """Two forks and a session of its own; the starter returns once the pid is written."""
    if os.fork():
        while not os.path.exists(pid_file):
            time.sleep(0.001)
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    with open(f"{pid_file}.new", "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    ctypes.CDLL(None).prctl(15, NAME.encode(), 0, 0, 0)  # PR_SET_NAME
    os.rename(f"{pid_file}.new", pid_file)


def drop_privileges() -> None:
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


async def serve(folder: str, web: socket.socket, password: socket.socket) -> None:
    server = Server(folder)
    async with (
        await asyncio.start_server(server.web, sock=web, limit=MOST_HEAD),
        await asyncio.start_server(server.password, sock=password, limit=MOST_HEAD),
    ):
        await asyncio.Event().wait()


def main() -> None:
    folder = sys.argv[1]
    web, password = listen(WEB_PORT), listen(PASSWORD_PORT)
    detach(os.path.join(folder, "metadata.pid"))
    drop_privileges()
    asyncio.run(serve(folder, web, password))


if __name__ == "__main__":
    main()
