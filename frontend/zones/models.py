"""A zone that somebody is building with the wizard: what was typed, and what was made of it."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import Entity, User
from accounts.querysets import AdminQuerySet, LiveManager
from jobs.models import AsyncJob, JobStatus


class ZoneDraft(Entity):
    """``values`` are the wizard's fields as texts. ``made`` lists what commands have made, in
    order: ``{part, command, id, name, began, ended, job}``; a command and its line here are
    one transaction, so nothing is made twice and nothing that was made is forgotten.

    Whether it is being built is not stored: it is, while ``job`` is pending. ``refused`` is
    the last refusal: ``{part, message, details}``. Removed when the zone is ready (then
    ``finished`` is set) or when it was discarded.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=16)
    values = models.JSONField(default=dict)
    made = models.JSONField(default=list)
    refused = models.JSONField(default=dict)
    job = models.ForeignKey(AsyncJob, null=True, on_delete=models.SET_NULL, related_name="+")
    finished = models.DateTimeField(null=True)

    objects = LiveManager.from_queryset(AdminQuerySet)()
    everything = models.Manager.from_queryset(AdminQuerySet)()

    def __str__(self) -> str:
        return str(self.values.get("name") or self.kind)

    @property
    def is_running(self) -> bool:
        return self.job is not None and self.job.status == JobStatus.PENDING

    @property
    def is_begun(self) -> bool:
        """Something of it exists."""
        return bool(self.made)

    @property
    def is_going(self) -> bool:
        """What runs, takes it away again."""
        return self.is_running and self.job is not None and self.job.plan.endswith("discard_zone")

    def entry(self, part: str) -> dict[str, Any] | None:
        return next((e for e in self.made if e["part"] == part), None)

    @property
    def ids(self) -> dict[str, str]:
        """The id of what each part made; parts that are not quite done have theirs as well."""
        return {e["part"]: e["id"] for e in self.made}
