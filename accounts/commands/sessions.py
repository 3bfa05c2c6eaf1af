from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from django.db.models import QuerySet

from accounts.caller import Caller
from accounts.models import Session, User
from accounts.services import sessions
from core.commands import USER, Filter, Operate, Read, command, listing
from core.errors import InvalidParameter
from core.responses import SUCCESS, Response, date, flag, many, text


def _is_this(keys: Sequence[int], caller: Any) -> dict[int, bool]:
    own = caller.session.pk if caller is not None and caller.session is not None else None
    return {key: key == own for key in keys}


session_response = Response(
    "session",
    Session,
    (
        text("id", "uuid"),
        text("userid", "user__uuid"),
        text("username", "user__username"),
        text("account", "user__account__name"),
        text("accountid", "user__account__uuid"),
        text("domain", "user__domain__name"),
        text("domainid", "user__domain__uuid"),
        text("device"),
        text("address"),
        text("usersource", "source"),
        flag("pending"),
        date("created"),
        date("lastseen", "last_seen"),
        many("current", _is_this, kind="boolean"),
    ),
)


@listing(
    Session, response=session_response, keyword=("user__username", "device"),
    order=("-last_seen", "-pk"),
)  # fmt: skip
def listSessions(
    caller: Caller,
    rows: QuerySet,
    userid: Annotated[User | None, Read, Filter("user"), "Only sessions of this user"] = None,
) -> QuerySet:
    """Lists who is signed in, from where: one's own sessions and those of lower users. (A
    command of cloudportal's own.)"""
    return rows


@command(roles=USER, event="USER.LOGOUT", response=SUCCESS)
def deleteSession(
    caller: Caller,
    id: Annotated[Session, Operate, "The session to end"],
) -> None:
    """Ends a session: whoever holds it has to sign in anew. (A command of cloudportal's own.)"""
    sessions.log_out(id)


@command(roles=USER, event="USER.LOGOUT", response=SUCCESS)
def deleteOtherSessions(
    caller: Caller,
    userid: Annotated[User | None, Operate, "Whose to end; one's own if left out"] = None,
) -> None:
    """Ends all sessions of a user but the one that asks. (A command of cloudportal's own.)"""
    user = userid or caller.user
    if user is None:
        raise InvalidParameter("The portal itself has no sessions; give userid.")
    sessions.end_others(user, caller.session)
