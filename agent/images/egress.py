"""The one client for addresses that a user names (DESIGN R7).

Scheme and port list; names resolved once, every address judged, the connection pinned to a
judged one; redirects followed by hand and judged again; size and time capped; no proxies
from the environment, no metalinks, no credentials in the address.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from agent import protocol as p
from agent.images import addresses

CONNECT_TIMEOUT_S = 15.0
# TLS and all of the head; a server could else send a byte a minute, or “100 Continue” for ever.
HEAD_TIMEOUT_S = 60.0
# A server that sends nothing for this long is given up.
STALL_TIMEOUT_S = 60.0
CHUNK = 256 * 1024
REDIRECTS = (301, 302, 303, 307, 308)
USER_AGENT = "cloudportal"

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """``length`` is what the server announced, 0 when it did not. ``name`` ends the path."""

    length: int
    name: str
    content_type: str
    chunks: Iterator[bytes]


def parse(url: str, rules: p.EgressRules) -> Target:
    """Judge an address without asking anybody. Raises DownloadRefused."""
    if len(url) > 2048 or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise p.DownloadRefused("The address is too long or has blanks or control characters.")
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError as error:
        raise p.DownloadRefused(f"The address cannot be read: {error}.") from error
    if parts.scheme not in ("http", "https"):
        raise p.DownloadRefused(f"{parts.scheme or 'Such'} addresses are not fetched; use https.")
    if parts.username is not None or parts.password is not None:
        raise p.DownloadRefused("The address holds a user name or password; it must not.")
    if port not in rules.ports:
        allowed = ", ".join(str(port) for port in rules.ports)
        raise p.DownloadRefused(f"Port {port} is not allowed for downloads; use one of {allowed}.")
    host = _host(parts)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        f"?{quote(parts.query, safe='/%:@!$&()*+,;=?~-._[]')}" if parts.query else ""
    )
    return Target(parts.scheme, host, port, path, url)


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        with suppress(ValueError):
            address = ipaddress.IPv6Address(host)
            if not address.scope_id:
                return str(address)
        raise p.DownloadRefused(f"{host[:80]!r} is not an address.")
    try:
        ascii_host = host.encode("idna").decode() if not host.isascii() else host
    except UnicodeError as error:
        raise p.DownloadRefused(f"{host[:80]!r} is not a host name.") from error
    if not _HOST.fullmatch(ascii_host):
        raise p.DownloadRefused(f"{host[:80]!r} is not a host name.")
    return ascii_host


class Egress:
    """``resolve`` may be replaced in tests; the real one asks the system's resolver."""

    def __init__(self, ca_file: str = "", resolve: Resolve | None = None) -> None:
        self._context = ssl.create_default_context(cafile=ca_file or None)
        self._resolve = resolve or _resolve

    def fetch(self, url: str, rules: p.EgressRules, deadline: float) -> Answer:
        """Follow redirects to an answer whose body is read through ``chunks``.

        ``deadline`` is monotonic. Raises DownloadRefused (rules), DownloadFailed (the server).
        """
        for _ in range(rules.max_redirects + 1):
            target = parse(url, rules)
            connection, response = self._ask(target, rules, deadline)
            if response.status not in REDIRECTS:
                return self._answer(target, connection, response, rules, deadline)
            location = response.getheader("Location") or ""
            connection.close()
            if not location:
                raise p.DownloadFailed(f"{target.host} redirects to nowhere.")
            following = urljoin(url, location)
            if target.scheme == "https" and urlsplit(following).scheme == "http":
                raise p.DownloadRefused(f"{target.host} redirects from https to plain http.")
            url = following
        raise p.DownloadRefused(f"More than {rules.max_redirects} redirects.")

    def _ask(
        self, target: Target, rules: p.EgressRules, deadline: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        tried = []
        for address in self._judged(target, rules):
            connection = _Pinned(target, address, self._context)
            patience_s = min(HEAD_TIMEOUT_S, max(1.0, deadline - time.monotonic()))
            watch = threading.Timer(patience_s, connection.abort)
            watch.daemon = True
            watch.start()
            try:
                headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
                connection.request("GET", target.path, headers=headers)
                response = connection.getresponse()
                if connection.aborted:
                    raise OSError("no answer in time")
                return connection, response
            except ssl.SSLCertVerificationError as error:
                connection.close()
                why = error.verify_message
                raise p.DownloadFailed(f"The certificate of {target.host}: {why}.") from error
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                tried.append(f"{address}: {error or type(error).__name__}")
            finally:
                watch.cancel()
        raise p.DownloadFailed(f"{target.host} does not answer ({'; '.join(tried[:3])}).")

    def _judged(self, target: Target, rules: p.EgressRules) -> list[str]:
        """Addresses we may connect to. A name that leads to a forbidden one is refused whole:
        an honest name has no reason to."""
        try:
            found = self._resolve(target.host, target.port)
        except OSError as error:
            raise p.DownloadFailed(f"The name {target.host} is not known: {error}.") from error
        internal = addresses.networks(rules.allow_internal)
        for text in found:
            if not addresses.is_allowed(ipaddress.ip_address(text), internal):
                raise p.DownloadRefused(
                    f"{target.host} leads to {text}, an internal address. An administrator can "
                    "allow it with the setting secstorage.allowed.internal.sites."
                )
        return found

    def _answer(
        self,
        target: Target,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        rules: p.EgressRules,
        deadline: float,
    ) -> Answer:
        try:
            if response.status != 200:
                reason = "".join(c for c in response.reason if c.isprintable())[:80]
                # Never what follows the question mark: signed addresses carry their key there.
                path = target.path.split("?", 1)[0][:200]
                raise p.DownloadFailed(
                    f"{target.host} answered {response.status} {reason} for {path}."
                )
            length = _length(response)
            if length > rules.max_bytes:
                raise p.DownloadRefused(_too_large(length, rules))
        except BaseException:
            connection.close()
            raise
        name = unquote(target.path.split("?", 1)[0].rsplit("/", 1)[-1])
        kind = response.getheader("Content-Type") or ""
        return Answer(length, name, kind, _body(connection, response, rules, length, deadline))


class _Pinned(http.client.HTTPConnection):
    """Connects to the judged address, whatever the name resolves to by now."""

    def __init__(self, target: Target, address: str, context: ssl.SSLContext) -> None:
        host = f"[{target.host}]" if ":" in target.host else target.host
        super().__init__(host, target.port, timeout=STALL_TIMEOUT_S)
        self._target = target
        self._address = address
        self._tls = context if target.scheme == "https" else None
        self._raw: socket.socket | None = None
        self.aborted = False
        if target.scheme == "https":
            self.default_port = 443

    def connect(self) -> None:
        raw = socket.create_connection((self._address, self._target.port), CONNECT_TIMEOUT_S)
        raw.settimeout(STALL_TIMEOUT_S)
        self._raw = raw
        if self._tls is None:
            self.sock = raw
            return
        try:
            self.sock = self._tls.wrap_socket(raw, server_hostname=self._target.host)
        except BaseException:
            raw.close()
            raise

    def abort(self) -> None:
        """From another thread: whoever waits for the server's bytes gets an error now."""
        self.aborted = True
        for end in (self.sock, self._raw):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).split("%", 1)[0] for entry in found))


def _length(response: http.client.HTTPResponse) -> int:
    written = response.getheader("Content-Length") or "0"
    if not written.isdecimal() or len(written) > 18:
        raise p.DownloadFailed("The server announces a length that is no number.")
    return int(written)


def _too_large(size: int, rules: p.EgressRules) -> str:
    return f"The file is {size / 2**30:.1f} GiB; the most is {rules.max_bytes / 2**30:.1f} GiB."


def _body(
    connection: http.client.HTTPConnection,
    response: http.client.HTTPResponse,
    rules: p.EgressRules,
    length: int,
    deadline: float,
) -> Iterator[bytes]:
    got = 0
    try:
        while True:
            if time.monotonic() > deadline:
                raise p.DownloadFailed(f"The download took longer than {rules.timeout_s} s.")
            chunk = response.read1(CHUNK)
            if not chunk:
                break
            got += len(chunk)
            if got > rules.max_bytes:
                raise p.DownloadRefused(_too_large(got, rules))
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        why = str(error) or type(error).__name__
        raise p.DownloadFailed(f"The connection broke after {got} bytes: {why}.") from error
    finally:
        response.close()
        connection.close()
    if length and got < length:
        raise p.DownloadFailed(f"The connection ended after {got} of {length} bytes.")
