"""Calls per account, counted when the operator wants it (``api.throttling.*``)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.throttling import SimpleRateThrottle

from accounts.caller import Caller
from api import settings
from core.errors import Throttled


class AccountThrottle(SimpleRateThrottle):
    """So many calls of an account within so many seconds, in this process."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.rate = "settings"
        self.num_requests = settings.THROTTLING_MAX.get()
        self.duration = settings.THROTTLING_INTERVAL_S.get()

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"api-calls:{self.caller.account.pk}"


def check(caller: Caller, request: HttpRequest) -> None:
    """Raises Throttled with the seconds to wait. Root administrators are never throttled."""
    if not settings.THROTTLING.get() or caller.is_root_admin:
        return
    throttle = AccountThrottle(caller)
    if not throttle.allow_request(request, None):
        raise Throttled(
            f"Account {caller.account} makes more than {throttle.num_requests} calls in "
            f"{throttle.duration} s; wait {throttle.wait() or 1:.0f} s and try again."
        )
