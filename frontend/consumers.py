"""One WebSocket for each open tab: it is told “this changed” and reads the fragment again."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from accounts.models import Account, Project
from accounts.services import sessions
from core import origins
from frontend.middleware import SESSION_COOKIE

#: Accounts whose changes one domain administrator is told of; beyond, pages are read anew
#: when they are opened.
MOST_ACCOUNTS = 2000
NOT_SIGNED_IN = 4401


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Joins the groups of what the visitor may see (core.live); sends ``{kind, id}``.

    A page of another origin, or one without a session, is refused. When the session ends
    (log-out, a new password) the socket is closed and the page goes to sign in.
    """

    groups_joined: tuple[str, ...] = ()
    session_uuid = ""
    account_uuid = ""

    async def connect(self) -> None:
        if not origins.same_origin(self.scope):
            await self.close()
            return
        is_in = await self._join()
        await self.accept()
        if not is_in:
            await self.close(code=NOT_SIGNED_IN)

    async def _join(self) -> bool:
        """The groups of what may be seen now, and no others; False when nobody is signed in."""
        token = origins.cookie(self.scope, SESSION_COOKIE)
        address = origins.client_address(self.scope)
        found = await database_sync_to_async(_groups_of)(token, address)
        if found is None:
            return False
        self.session_uuid, self.account_uuid, groups = found
        # Never out of what goes on being seen: what is told meanwhile would be lost.
        for group in set(groups) - set(self.groups_joined):
            await self.channel_layer.group_add(group, self.channel_name)
        for group in set(self.groups_joined) - set(groups):
            await self.channel_layer.group_discard(group, self.channel_name)
        self.groups_joined = groups
        return True

    async def _leave(self) -> None:
        for group in self.groups_joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        await self._leave()

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """The page says nothing that matters; a ping keeps proxies from closing the line."""

    async def changed(self, message: dict[str, Any]) -> None:
        if message["kind"] == "session" and message["id"] == self.session_uuid:
            await self.close(code=NOT_SIGNED_IN)
            return
        own = message["kind"] == "account" and message["id"] == self.account_uuid
        # Its role may be another now, or who is in the project.
        again = own or message["kind"] == "project"
        if again and not await self._join():
            await self.close(code=NOT_SIGNED_IN)
            return
        await self.send_json({"kind": message["kind"], "id": message["id"]})


def _groups_of(token: str, address: str) -> tuple[str, str, tuple[str, ...]] | None:
    """(session, account, groups) of whoever holds this token; None: nobody."""
    caller = sessions.find(token, address) if token else None
    if caller is None or caller.session is None:
        return None
    session, account = str(caller.session.uuid), str(caller.account.uuid)
    if caller.is_root_admin:
        return session, account, ("live.admin",)
    accounts = Account.objects.all().visible_to(caller).order_by("pk").values_list("pk", flat=True)
    projects = Project.objects.all().visible_to(caller).order_by("pk")
    shared = projects.values_list("account", flat=True)[:MOST_ACCOUNTS]
    keys = [*accounts[:MOST_ACCOUNTS], *shared][:MOST_ACCOUNTS]
    return session, account, tuple(f"live.account.{pk}" for pk in keys)
