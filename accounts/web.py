"""HTTP to identity providers that an administrator names (rule R7).

Names are resolved once, each address is judged, and the connection goes to a judged one. No
redirects, no proxies from the environment; time and size are capped; certificates verified.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from core.config import Setting
from core.errors import ResourceUnavailable
from core.proxies import check_networks, is_within

SITES = Setting(
    "signin.allowed.internal.sites", "",
    "Private networks (CIDRs, with commas between) that identity providers may be in; only there "
    "plain http will do.",
    category="Authentication", house=True, check=check_networks,
)  # fmt: skip

_TIMEOUT_S = 10
_MAX_BYTES = 2**20


class _Refused(Exception):
    """Where this leads, nobody goes."""


def prepared(session: requests.Session) -> requests.Session:
    """The session as it may be used: judged, capped, by itself."""
    session.trust_env = False
    session.max_redirects = 0
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def fetched(url: str) -> requests.Response:
    """The answer to a GET. Raises ResourceUnavailable."""
    with prepared(requests.Session()) as session, said_plainly(url):
        response = session.get(url)
        response.raise_for_status()
        return response


class said_plainly:  # noqa: N801 (a context manager, used like a function)
    """Trouble with a provider as a sentence. Never what follows a question mark: codes do."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, requests.HTTPError):
            status = error.response.status_code if error.response is not None else 0
            why = f"answered {status}"
        elif isinstance(error, (requests.RequestException, _Refused)):
            why = _innermost(error)
        else:
            return
        raise ResourceUnavailable(f"The identity provider {self._host}: {why}.") from error


def _innermost(error: BaseException) -> str:
    """A refusal of ours inside the wrapping of two libraries, else the kind of trouble."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, _Refused):
            return str(seen)
        reason = getattr(seen, "reason", None)
        inner = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = reason if isinstance(reason, BaseException) else inner or seen.__cause__
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not in order"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects, which is not followed"
    return "it cannot be reached"


def _judged(host: str, port: int, *, plain: bool) -> list[str]:
    """The addresses behind a name. One that leads to a forbidden place is refused whole."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]).split("%", 1)[0] for entry in found))
    for text in addresses:
        is_listed = is_within(text, SITES.get())
        if plain and not is_listed:
            raise _Refused("plain http is for networks in signin.allowed.internal.sites only")
        if not (is_listed or ipaddress.ip_address(text).is_global):
            raise _Refused(
                f"its name leads to {text}, an internal address; an administrator can allow it "
                "with the setting signin.allowed.internal.sites"
            )
    return addresses


def _connected(connection: Any, *, plain: bool) -> socket.socket:
    failure: OSError | None = None
    for address in _judged(connection.host, connection.port, plain=plain):
        try:
            return socket.create_connection((address, connection.port), connection.timeout)
        except OSError as error:
            failure = error
    raise NewConnectionError(connection, f"cannot connect: {failure}") from failure


class _PlainConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, plain=True)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self, plain=False)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def send(self, request: Any, **more: Any) -> requests.Response:  # type: ignore[override]
        more |= {"stream": True, "timeout": more.get("timeout") or _TIMEOUT_S}
        response = super().send(request, **more)
        content = response.raw.read(_MAX_BYTES + 1, decode_content=True)
        if len(content) > _MAX_BYTES:
            raise _Refused("its answer is too long")
        response._content = content
        return response
