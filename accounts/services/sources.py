"""From where an account may be used: its calls, its pages, its sign-ins."""

from __future__ import annotations

import ipaddress

from accounts.models import Account
from core.config import Scope, Setting
from core.errors import InvalidParameter
from core.proxies import is_within


def _check_networks(text: str) -> None:
    """A list with a mistake in it would shut people out, or in."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        raise InvalidParameter("Name at least one network; 0.0.0.0/0,::/0 are all.")
    for entry in entries:
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            raise InvalidParameter(
                f"“{entry}” is no network; write it as 192.0.2.0/24 or 2001:db8::/32."
            ) from None


CHECKED = Setting(
    "api.source.cidr.checks.enabled", True,
    "Compare each caller's address with api.allowed.source.cidr.list.",
)  # fmt: skip
NETWORKS = Setting(
    "api.allowed.source.cidr.list", "0.0.0.0/0,::/0",
    "Networks from which an account is used, by calls and by pages, separated by commas.",
    scopes=(Scope.GLOBAL, Scope.DOMAIN, Scope.ACCOUNT), house=True, check=_check_networks,
)  # fmt: skip


def refusal(account: Account, address: str) -> str:
    """Why nobody uses the account from this address; empty when they may. The shell and the
    portal itself have no address."""
    if not address or not CHECKED.get() or is_within(address, NETWORKS.get(account)):
        return ""
    return f"Account {account} is not used from {address}."
