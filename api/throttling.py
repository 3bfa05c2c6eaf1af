"""Calls per account, counted when the operator wants it (``api.throttling.*``)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.throttling import SimpleRateThrottle

from accounts.caller import Caller
from accounts.models import Account
from api import settings
from core.errors import Throttled


class AccountThrottle(SimpleRateThrottle):
    """So many calls of an account within so many seconds, in this process."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.rate = "settings"
        self.num_requests = settings.THROTTLING_MAX.get()
        self.duration = settings.THROTTLING_INTERVAL_S.get()

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"api-calls:{self.account.pk}"


def standing(caller: Caller) -> tuple[int, int, int]:
    """Calls made within the interval, calls allowed (0: any number), and seconds until the
    oldest of them is forgotten."""
    throttle = AccountThrottle(caller.account)
    now = throttle.timer()
    made = throttle.cache.get(throttle.get_cache_key(None, None), [])
    counted = [at for at in made if at > now - throttle.duration]
    is_limited = settings.THROTTLING.get() and not caller.is_root_admin
    left_s = int(counted[-1] + throttle.duration - now) + 1 if counted else 0
    return len(counted), throttle.num_requests if is_limited else 0, left_s


def forget(account: Account) -> None:
    throttle = AccountThrottle(account)
    throttle.cache.delete(throttle.get_cache_key(None, None))


def check(caller: Caller, request: HttpRequest) -> None:
    """Raises Throttled with the seconds to wait. Root administrators are never throttled."""
    if not settings.THROTTLING.get() or caller.is_root_admin:
        return
    throttle = AccountThrottle(caller.account)
    if not throttle.allow_request(request, None):
        raise Throttled(
            f"Account {caller.account} makes more than {throttle.num_requests} calls in "
            f"{throttle.duration} s; wait {throttle.wait() or 1:.0f} s and try again."
        )
