"""Who came and went, for audits: one event for each sign-in and sign-out that went well."""

from __future__ import annotations

import uuid as uuids

from accounts.caller import Caller
from jobs import events


def came(caller: Caller) -> None:
    half = caller.session is not None and caller.session.pending
    words = "gave the right password, second factor to follow," if half else "signed in"
    _record("USER.LOGIN", f"{caller.user} {words}", caller)


def went(caller: Caller) -> None:
    _record("USER.LOGOUT", f"{caller.user} signed out", caller)


def chose_a_password(caller: Caller) -> None:
    _record("USER.UPDATE", f"{caller.user} chose a new password by a link in e-mail", caller)


def _record(event_type: str, sentence: str, caller: Caller) -> None:
    where = f" from {caller.address}" if caller.address else ""
    events.record(
        event_type,
        f"{sentence}{where}",
        account=caller.account,
        user=caller.user,
        row=caller.user,
        correlation_id=caller.correlation_id or str(uuids.uuid4()),
    )
