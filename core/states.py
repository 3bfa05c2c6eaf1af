"""State by table: a model names its transitions, and ``apply`` is the only way to move.

``apply`` is a compare-and-swap in the database, so the state itself is the lock: of two
callers who both see Running, one stops the machine and the other is told that it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models

from core import live
from core.errors import NotAllowedInState

Transitions = Mapping[tuple[str, str], str]


class Stateful(models.Model):
    """A model whose ``state`` moves along ``TRANSITIONS`` ((state, event) → state)."""

    TRANSITIONS: ClassVar[Transitions] = {}
    KIND: ClassVar[str] = ""  # as a person calls it: "Virtual machine"
    state: Any

    class Meta:
        abstract = True

    def can(self, event: str) -> bool:
        return (self.state, event) in self.TRANSITIONS

    def apply(self, event: str, **also: Any) -> None:
        """Move along ``event``, setting the fields ``also`` in the same statement.

        Raises NotAllowedInState when the table has no such move from the state the row is
        in, or when somebody else moved it first.
        """
        before: str = self.state
        after = self.TRANSITIONS.get((before, event))
        if after is None:
            raise self.refused(event)
        moved = (
            type(self)
            ._base_manager.filter(pk=self.pk, state=before)
            .update(state=after, **also)
        )
        if not moved:
            self.refresh_from_db(fields=["state"])
            raise self.refused(event)
        self.state = after
        for name, value in also.items():
            setattr(self, name, value)
        live.changed(self)

    def refused(self, event: str) -> NotAllowedInState:
        kind = self.KIND or str(self._meta.verbose_name).capitalize()
        verb = event.replace("_", " ").lower()
        return NotAllowedInState(
            f"{kind} {self} is {self.state}; it cannot {verb} now."
        )
