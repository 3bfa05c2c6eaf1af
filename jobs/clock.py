"""The time by the database's clock, which all processes of the portal share.

What one process writes and another compares with its own time (heartbeats, when a job or a
schedule is due) is told by it: a machine whose clock is an hour off is neither taken for dead
nor buries the others. Workers ask for it and keep the difference, so telling the time costs no
query. With SQLite all processes are on one machine.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

#: What a network and a busy database explain.
TOLERATED = timedelta(seconds=5)

_ahead = timedelta()  # the database's clock, of this machine's


def now() -> datetime:
    """The time by the database's clock, as far as it was asked."""
    return timezone.now() + _ahead


def ask() -> timedelta:
    """Compares the clocks. Returns by how much the database's is ahead; nothing where that
    is tolerable. Raises OperationalError while the database is away."""
    global _ahead
    before = timezone.now()
    theirs = _of_database()
    after = timezone.now()
    ahead = theirs - (before + (after - before) / 2) if theirs else timedelta()
    # What is measured of clocks that agree is how long the answer took: time must not waver by it.
    _ahead = ahead if abs(ahead) > TOLERATED else timedelta()
    return _ahead


def sentence(machine: str, ahead: timedelta) -> str:
    """What the operator is told when the database's clock is ``ahead`` of a machine's."""
    seconds = round(abs(ahead).total_seconds())
    if ahead > timedelta():
        return (
            f"The clock of {machine} is {seconds} seconds behind the database's. Jobs go on by "
            "the database's; codes and calls that expire are judged wrongly there until it is "
            "set right."
        )
    return (
        f"The clock of {machine} is {seconds} seconds ahead of the database's. Jobs go on by the "
        "database's; codes and calls that expire are judged wrongly there until it is set right."
    )


def _of_database() -> datetime | None:
    """None where the database is a file of this machine."""
    if connection.vendor != "mysql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6)")
        (found,) = cursor.fetchone()
    return found.replace(tzinfo=UTC)
