"""Consoles: a ticket for one, who has one open, and ending one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet

from accounts import owners
from accounts.caller import Caller
from accounts.models import Account, User
from compute.models import VirtualMachine
from consoleproxy import tickets
from consoleproxy.models import ConsoleSession
from core.commands import USER, Filter, Operate, command, listing
from core.responses import SUCCESS, Field, Response, date, flag, ref, text
from infra.models import Host

consoleendpoint = Response(
    "consoleendpoint",
    None,
    (Field("success", "boolean"), Field("url"), Field("details"), Field("websocket", "object")),
)

consolesession = Response(
    "consolesession",
    ConsoleSession,
    (
        text("id", "uuid"),
        text("kind"),
        date("created"),
        date("acquired"),
        date("removed"),
        flag("endasked", "end_asked"),
        *owners.account(),
        text("accountid", "account__uuid"),
        text("domain", "account__domain__name"),
        text("domainid", "account__domain__uuid"),
        text("domainpath", "account__domain__name_path"),
        text("user", "user__username"),
        text("userid", "user__uuid"),
        *ref("virtualmachine", "machine"),
        *ref("host", "host", admin_only=True),
        text("clientaddress", "client_address"),
        text("consoleendpointcreatoraddress", "creator_address"),
        text("proxy", admin_only=True),
    ),
)


@command(roles=USER, event="VM.CONSOLE", response=consoleendpoint)
def createConsoleEndpoint(
    caller: Caller,
    virtualmachineid: Annotated[VirtualMachine, Operate, "The machine whose console to open"],
    token: Annotated[str, "Accepted for CloudStack's sake; tickets here are bound anyway"] = "",
    kind: Annotated[Literal["vnc", "serial"], "Its screen, or its serial line"] = "vnc",
) -> dict[str, Any]:
    """Gives a ticket, good for 30 seconds and one use, that opens a machine's console."""
    _, ticket = tickets.issue(caller, virtualmachineid, kind)
    page = f"/console/{virtualmachineid.uuid}"
    return {
        "success": True,
        "url": f"{page}?kind={kind}#{ticket}",
        "websocket": {
            "token": ticket,
            "path": f"/console/ws/{ticket}",
            "keyboard": virtualmachineid.keyboard,
            # Its screen is out of the portal's reach; the ticket is for a gateway on its host.
            "gateway": tickets.needs_gateway(virtualmachineid),
        },
    }


@listing(ConsoleSession, response=consolesession, keyword=("machine__name", "user__username"),
         order=("-pk",))  # fmt: skip
def listConsoleSessions(
    caller: Caller,
    rows: QuerySet,
    virtualmachineid: Annotated[
        VirtualMachine | None, Filter("machine"), "Only of this machine"
    ] = None,
    userid: Annotated[User | None, Filter("user"), "Only this user's"] = None,
    hostid: Annotated[Host | None, Filter("host"), "Only on this host"] = None,
    activeonly: Annotated[bool, "Only those that are open now"] = False,
    acquired: Annotated[bool | None, "Only those a browser has come for, or not"] = None,
    clientaddress: Annotated[str | None, Filter("client_address"), "Only from here"] = None,
    accountid: Annotated[Account | None, Filter("account"), "Only this account's"] = None,
    consoleendpointcreatoraddress: Annotated[
        str | None, Filter("creator_address"), "Only those asked for from here"
    ] = None,
    startdate: Annotated[datetime | None, Filter("created__gte"), "Not before"] = None,
    enddate: Annotated[datetime | None, Filter("created__lte"), "Not after"] = None,
) -> QuerySet:
    """Lists console sessions, newest first."""
    if activeonly:
        rows = rows.filter(removed=None).exclude(acquired=None)
    if acquired is not None:
        rows = rows.exclude(acquired=None) if acquired else rows.filter(acquired=None)
    return rows


@command(roles=USER, event="VM.CONSOLE.END", response=SUCCESS)
def endConsoleSession(
    caller: Caller, id: Annotated[ConsoleSession, Operate, "The session to end"]
) -> None:
    """Ends an open console session within seconds."""
    id.end_asked = True
    id.save(update_fields=["end_asked"])
