"""“This changed”, told to whoever looks at it; pages re-read the fragment they show.

A message names a kind and an id, never content, so a socket that is told of a thing it may
not see learns nothing that a refused read would not tell it. Groups: one per account, and
one per domain for its administrators.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

_loop: asyncio.AbstractEventLoop | None = None
_pending = threading.local()


def serve_from(loop: asyncio.AbstractEventLoop | None) -> None:
    """Remember the event loop that the sockets of this process live on."""
    global _loop
    _loop = loop


def changed(row: Any) -> None:
    """Tell watchers, once the transaction is in, that ``row`` changed (or came, or went)."""
    account_id = getattr(row, "account_id", None)
    tell(row._meta.model_name, str(getattr(row, "uuid", row.pk)), account_id)


def tell(kind: str, uuid: str, account_id: int | None) -> None:
    message = {"type": "changed", "kind": kind, "id": uuid, "account": account_id}
    transaction.on_commit(lambda: _send(message))


def _send(message: dict[str, Any]) -> None:
    groups = ["live.admin"]
    if message["account"]:
        groups.append(f"live.account.{message['account']}")
    layer = get_channel_layer()
    if layer is None:
        return
    if _loop is not None and _loop.is_running():
        for group in groups:
            asyncio.run_coroutine_threadsafe(layer.group_send(group, message), _loop)
    elif type(layer).__name__ != "InMemoryChannelLayer":
        # A worker of its own: the message travels through Redis. Losing one only delays a
        # page, so a layer that is down must not fail the work that is being told of.
        with contextlib.suppress(OSError):
            for group in groups:
                async_to_sync(layer.group_send)(group, message)
