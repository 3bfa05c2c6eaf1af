"""Who calls: a session's cookies, or a signature by an API key. Nothing is written here.

Both are authentication classes of Django REST Framework; ``http`` asks them directly, since
its ``APIView`` would cost a light call half as much again (see bench/README.md).
"""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication

from accounts.caller import Caller
from accounts.models import ApiKey, User
from api import addresses, settings, signature
from api.calls import Call
from core.errors import NotAuthenticated


class SignatureAuthentication(BaseAuthentication):
    """``apiKey`` and ``signature``, with ``expires`` in version 3."""

    def authenticate(self, request: HttpRequest, call: Call | None = None) -> tuple[Caller, ApiKey]:
        """The caller, or NotAuthenticated: whatever is wrong looks the same."""
        call = call or Call.of(request)
        given = call.given
        if not given.get("apikey") or not given.get("signature"):
            raise NotAuthenticated
        key = (
            ApiKey.objects.select_related("user__account__domain", "user__account__role")
            .filter(key=given["apikey"])
            .first()
        )
        if key is None or not signature.is_genuine(key.secret, call.params, given["signature"]):
            raise NotAuthenticated
        if not _is_timely(given) or not may_sign_in(key.user) or not _keys_allowed(key.user):
            raise NotAuthenticated
        return Caller.of(key.user, address=call.address, correlation_id=call.correlation_id), key


def _is_timely(given: dict[str, str]) -> bool:
    versioned = given.get("signatureversion") == "3"
    if not versioned:
        return not settings.ENFORCE_POST.get()
    return signature.is_current(given.get("expires", ""))


def may_sign_in(user: User) -> bool:
    """Whether user, account, domain and role are all in force."""
    account = user.account
    return (
        user.state == account.state == "enabled"
        and user.removed is None
        and account.removed is None
        and account.domain.state == "Active"
        and account.role.state == "enabled"
    )


def _keys_allowed(user: User) -> bool:
    for holder in (user, user.account):
        if holder.api_key_access != "INHERIT":
            return holder.api_key_access == "ENABLED"
    return True


def check_source(caller: Caller) -> None:
    """Refuses callers from addresses that the operator (or the account) does not accept."""
    if not caller.address or not settings.SOURCE_CHECK.get():
        return
    allowed = settings.SOURCE_CIDRS.get(caller.account)
    if not addresses.is_within(caller.address, allowed):
        raise NotAuthenticated(
            f"Calls of account {caller.account} are not accepted from {caller.address}."
        )
