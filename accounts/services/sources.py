"""From where an account may be used: its calls, its pages, its sign-ins."""

from __future__ import annotations

from accounts.models import Account
from core.config import Scope, Setting
from core.errors import InvalidParameter
from core.proxies import check_networks, is_within


def _check_networks(text: str) -> None:
    if not text.replace(",", "").strip():
        raise InvalidParameter("Name at least one network; 0.0.0.0/0,::/0 are all.")
    check_networks(text)


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
