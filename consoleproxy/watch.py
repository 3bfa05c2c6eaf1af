"""Open consoles are checked again every few seconds: a log-out, a lost right or an
administrator's word ends them (R12), all of a process in one query."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from channels.db import database_sync_to_async
from django.db import Error

from consoleproxy import tickets
from consoleproxy.models import ConsoleSession

log = logging.getLogger(__name__)

EVERY_S = 3
_open: dict[int, asyncio.Future[Any]] = {}
_task: asyncio.Task[None] | None = None


def watch(row_id: int, carrying: asyncio.Future[Any]) -> None:
    global _task
    _open[row_id] = carrying
    if _task is None or _task.done():
        _task = asyncio.get_running_loop().create_task(_look_after())


def forget(row_id: int) -> None:
    _open.pop(row_id, None)


async def _look_after() -> None:
    while _open:
        await asyncio.sleep(EVERY_S)
        try:
            ended = await database_sync_to_async(over)(list(_open))
        except Error as error:
            log.warning("consoles could not be checked: %s", error)
            continue
        for row_id in ended:
            carrying = _open.get(row_id)
            if carrying is not None:
                carrying.cancel()


def over(row_ids: list[int]) -> list[int]:
    """Those of them that may not go on."""
    rows = ConsoleSession.objects.filter(pk__in=row_ids).select_related(
        "user__account__domain", "user__account__role",
        "session__user__account__domain", "session__user__account__role",
    )  # fmt: skip
    seen = {row.pk: row for row in rows}
    return [pk for pk in row_ids if pk not in seen or _is_over(seen[pk])]


def _is_over(row: ConsoleSession) -> bool:
    return row.end_asked or row.removed is not None or not tickets.may_still(row)
