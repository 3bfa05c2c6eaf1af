"""Who came and went, for audits: one event for each sign-in and sign-out that went well."""

from __future__ import annotations

import uuid as uuids
from typing import Any

from accounts.caller import Caller
from jobs import events


def came(caller: Caller) -> None:
    user, place = caller.user, _from(caller)
    if caller.session is not None and caller.session.pending:
        events.record(
            "USER.LOGIN",
            f"{user} gave the right password from {place}; the second factor is to follow",
            **_facts(caller),
        )
    else:
        events.record("USER.LOGIN", f"{user} signed in from {place}", **_facts(caller))


def went(caller: Caller) -> None:
    events.record("USER.LOGOUT", f"{caller.user} signed out from {_from(caller)}", **_facts(caller))


def chose_a_password(caller: Caller) -> None:
    events.record(
        "USER.UPDATE",
        f"{caller.user} chose a new password by a link in e-mail, from {_from(caller)}",
        **_facts(caller),
    )


def _from(caller: Caller) -> str:
    return caller.address or "localhost"


def _facts(caller: Caller) -> dict[str, Any]:
    return {
        "account": caller.account,
        "user": caller.user,
        "row": caller.user,
        "correlation_id": caller.correlation_id or str(uuids.uuid4()),
        "address": caller.address,
    }
