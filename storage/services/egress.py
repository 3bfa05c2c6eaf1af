"""What addresses images may be fetched from (rule R7); the agent that fetches obeys it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from accounts.caller import Caller
from agent.protocol import EgressRules
from core.config import Setting
from core.errors import InvalidParameter, PermissionDenied
from core.proxies import check_networks
from core.units import GIB

SITES = Setting(
    "secstorage.allowed.internal.sites", "",
    "Private networks (CIDRs, with commas between) that images may be fetched from.",
    check=check_networks,
)  # fmt: skip
MAX_SIZE = Setting(
    "max.template.iso.size", 50, "Largest image that may be fetched, in GB.", minimum=1,
)  # fmt: skip
REDIRECTS = Setting(
    # CloudStack's default is off; ours is on, because each hop is checked like the first
    # and the mirrors of most distributions redirect.
    "store.download.follow.redirects", True,
    "Whether a download may follow redirects; every hop obeys the same rules.",
)  # fmt: skip

_FETCHED = ("http", "https")


def rules(*, allow_file: bool = False, max_bytes: int = 0) -> EgressRules:
    """``max_bytes`` further limits the size (what is left of a quota)."""
    ceiling = MAX_SIZE.get() * GIB
    return EgressRules(
        allow_internal=allowed_sites(),
        allow_file=allow_file,
        max_bytes=min(ceiling, max_bytes) if max_bytes else ceiling,
        max_redirects=5 if REDIRECTS.get() else 0,
    )


def allowed_sites() -> tuple[str, ...]:
    """The setting as networks; what is not one is left out, which opens nothing."""
    found = []
    for text in SITES.get().split(","):
        try:
            found.append(str(ipaddress.ip_network(text.strip(), strict=False)))
        except ValueError:
            continue
    return tuple(found)


def check_url(caller: Caller, url: str) -> bool:
    """Whether the address needs file access; raises InvalidParameter for what can never be
    fetched, PermissionDenied for files when the caller is not an owner of the cloud."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise InvalidParameter(f"“{url}” is not an address.") from None
    scheme = parts.scheme.lower()
    if scheme == "file":
        # Whoever reads files of the host reads the portal's keys among them.
        if not caller.role.is_unrestricted:
            raise PermissionDenied("Only root administrators may register images from files.")
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise InvalidParameter("Write the address of a file as file:///folder/image.")
        return True
    if scheme not in _FETCHED:
        raise InvalidParameter(
            f"Images are fetched over http or https, not {scheme or 'an address without scheme'}."
        )
    if not parts.hostname:
        raise InvalidParameter(f"“{url}” names no server.")
    if parts.username or parts.password:
        raise InvalidParameter("An address must not carry a user name or password.")
    if port is not None and port not in EgressRules().ports:
        allowed = ", ".join(str(p) for p in EgressRules().ports)
        raise InvalidParameter(f"Images are fetched from ports {allowed}, not {port}.")
    return False
