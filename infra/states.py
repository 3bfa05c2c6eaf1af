"""How hosts move: CloudStack's two machines, status (is it there?) and resource state (may it
be used?). Each move is a compare-and-swap in the database, for one row or for many at once.

Left out of CloudStack's tables: rebalancing between its management servers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core import live
from core.errors import NotAllowedInState
from core.states import Transitions


@dataclass(frozen=True)
class Machine:
    """A state machine over ``field`` of a model."""

    field: str
    table: Transitions

    def can(self, row: Any, event: str) -> bool:
        return (getattr(row, self.field), event) in self.table

    def apply(self, row: Any, event: str, **also: Any) -> None:
        """Move ``row``, setting ``also`` in the same statement; NotAllowedInState if it cannot."""
        before = getattr(row, self.field)
        after = self.table.get((before, event))
        if after is None or not self._swap([row.pk], row, before, after, also):
            row.refresh_from_db(fields=[self.field])
            raise NotAllowedInState(
                f"{str(row._meta.verbose_name).capitalize()} {row} is "
                f"{getattr(row, self.field)}; it cannot {words(event)} now."
            )
        for name, value in {self.field: after, **also}.items():
            setattr(row, name, value)
        live.changed(row)

    def apply_to_all(self, rows: Iterable[Any], event: str, **also: Any) -> list[Any]:
        """Move those of ``rows`` that can; one statement per state they are in.

        Returns the rows that now are in another state than before; moves that change nothing
        but ``also`` are made without telling anybody.
        """
        by_state: dict[str, list[Any]] = {}
        for row in rows:
            if self.can(row, event):
                by_state.setdefault(getattr(row, self.field), []).append(row)
        moved = []
        for before, group in by_state.items():
            after = self.table[before, event]
            self._swap([r.pk for r in group], group[0], before, after, also)
            for row in group:
                for name, value in {self.field: after, **also}.items():
                    setattr(row, name, value)
                if after != before:
                    moved.append(row)
                    live.changed(row)
        return moved

    def _swap(self, keys: list[Any], row: Any, before: str, after: str, also: Any) -> int:
        still = type(row)._base_manager.filter(**{"pk__in": keys, self.field: before})
        return still.update(**{self.field: after, **also})


def words(event: str) -> str:
    """``AdminAskMaintenance`` → ``admin ask maintenance``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in event).strip()


STATUS = Machine(
    "status",
    {
        ("Creating", "AgentConnected"): "Connecting",
        ("Creating", "Error"): "Error",
        ("Creating", "Remove"): "Removed",
        ("Connecting", "AgentConnected"): "Connecting",
        ("Connecting", "Ready"): "Up",
        ("Connecting", "Ping"): "Connecting",
        ("Connecting", "PingTimeout"): "Alert",
        ("Connecting", "AgentDisconnected"): "Alert",
        ("Connecting", "ShutdownRequested"): "Disconnected",
        ("Connecting", "HostDown"): "Down",
        ("Up", "Ping"): "Up",
        ("Up", "AgentConnected"): "Connecting",
        ("Up", "PingTimeout"): "Alert",
        ("Up", "AgentDisconnected"): "Alert",
        ("Up", "ShutdownRequested"): "Disconnected",
        ("Up", "HostDown"): "Down",
        ("Up", "Remove"): "Removed",
        ("Disconnected", "Ping"): "Up",
        ("Disconnected", "AgentConnected"): "Connecting",
        ("Disconnected", "PingTimeout"): "Alert",
        ("Disconnected", "WaitedTooLong"): "Alert",
        ("Disconnected", "AgentDisconnected"): "Disconnected",
        ("Disconnected", "ShutdownRequested"): "Disconnected",
        ("Disconnected", "HostDown"): "Down",
        ("Disconnected", "Remove"): "Removed",
        ("Alert", "Ping"): "Up",
        ("Alert", "AgentConnected"): "Connecting",
        ("Alert", "AgentDisconnected"): "Alert",
        ("Alert", "PingTimeout"): "Alert",
        ("Alert", "ShutdownRequested"): "Disconnected",
        ("Alert", "HostDown"): "Down",
        ("Alert", "Remove"): "Removed",
        ("Down", "AgentConnected"): "Connecting",
        ("Down", "AgentDisconnected"): "Down",
        ("Down", "PingTimeout"): "Down",
        ("Down", "ShutdownRequested"): "Disconnected",
        ("Down", "HostDown"): "Down",
        ("Down", "Remove"): "Removed",
        ("Error", "AgentConnected"): "Connecting",
        ("Error", "Remove"): "Removed",
    },
)

RESOURCE_STATE = Machine(
    "resource_state",
    {
        ("Creating", "InternalCreated"): "Enabled",
        ("Creating", "Error"): "Error",
        ("Enabled", "Enable"): "Enabled",
        ("Enabled", "Disable"): "Disabled",
        ("Enabled", "AdminAskMaintenance"): "PrepareForMaintenance",
        ("Enabled", "InternalEnterMaintenance"): "Maintenance",
        ("Enabled", "DeclareHostDegraded"): "Degraded",
        ("Enabled", "DeleteHost"): "Disabled",
        ("Disabled", "Enable"): "Enabled",
        ("Disabled", "Disable"): "Disabled",
        ("Disabled", "DeclareHostDegraded"): "Degraded",
        ("Disabled", "DeleteHost"): "Disabled",
        ("PrepareForMaintenance", "InternalEnterMaintenance"): "Maintenance",
        ("PrepareForMaintenance", "AdminCancelMaintenance"): "Enabled",
        ("PrepareForMaintenance", "UnableToMigrate"): "ErrorInPrepareForMaintenance",
        ("PrepareForMaintenance", "UnableToMaintain"): "ErrorInMaintenance",
        ("ErrorInPrepareForMaintenance", "Disable"): "Disabled",
        ("ErrorInPrepareForMaintenance", "DeleteHost"): "Disabled",
        ("ErrorInPrepareForMaintenance", "InternalEnterMaintenance"): "Maintenance",
        ("ErrorInPrepareForMaintenance", "AdminCancelMaintenance"): "Enabled",
        ("ErrorInPrepareForMaintenance", "UnableToMigrate"): "ErrorInPrepareForMaintenance",
        ("ErrorInPrepareForMaintenance", "UnableToMaintain"): "ErrorInMaintenance",
        ("ErrorInPrepareForMaintenance", "ErrorsCorrected"): "PrepareForMaintenance",
        ("ErrorInMaintenance", "AdminAskMaintenance"): "PrepareForMaintenance",
        ("ErrorInMaintenance", "Disable"): "Disabled",
        ("ErrorInMaintenance", "DeleteHost"): "Disabled",
        ("ErrorInMaintenance", "AdminCancelMaintenance"): "Enabled",
        ("Maintenance", "AdminCancelMaintenance"): "Enabled",
        ("Maintenance", "DeleteHost"): "Disabled",
        ("Maintenance", "DeclareHostDegraded"): "Degraded",
        ("Degraded", "DeleteHost"): "Disabled",
        ("Degraded", "EnableDegradedHost"): "Enabled",
        ("Degraded", "AdminAskMaintenance"): "Maintenance",
    },
)
