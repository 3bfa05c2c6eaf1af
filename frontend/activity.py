"""Events and jobs of one thing as one line of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.errors import CloudError
from frontend import tabs, texts
from frontend.reader import Reader
from frontend.sections.base import Record, Section
from frontend.states import JOB_STATES
from frontend.working import steps_of
from jobs.models import AsyncJob, JobStep

MOST = 100


@dataclass
class Entry:
    """One line: when, what, by whom, and how it went."""

    when: Any
    title: str
    state: str
    text: str = ""
    by: str = ""
    correlation: str = ""
    url: str = ""
    steps: list[JobStep] = field(default_factory=list)


def of(reader: Reader, section: Section, record: Record) -> list[Entry]:
    """Newest first: jobs with their steps, and the events that no job stands for."""
    uuid = str(record["id"])
    jobs = list(
        AsyncJob.objects.all()
        .visible_to(reader.caller)
        .filter(instance_uuid=uuid)
        .select_related("user")
        .order_by("-created")[:MOST]
    )
    steps = steps_of(jobs)
    entries = [_of_job(job, steps.get(job.pk, [])) for job in jobs]
    told = {job.correlation_id for job in jobs}
    try:
        found = reader.run(
            "listEvents",
            {"resourceid": uuid, "listall": "true", "page": "1", "pagesize": str(MOST)},
            sort="-created",
        ).records
    except CloudError:
        found = []
    entries += [_of_event(e) for e in found or [] if str(e.get("correlationid", "")) not in told]
    return sorted(entries, key=lambda e: str(e.when), reverse=True)[:MOST]


def _of_job(job: AsyncJob, steps: list[JobStep]) -> Entry:
    return Entry(
        when=job.created,
        title=tabs.command_title(job.command),
        state=JOB_STATES.get(job.status, "Working"),
        text=texts.say(job.error_text or job.note),
        by=str(job.user or ""),
        correlation=job.correlation_id,
        url=f"/jobs/{job.uuid}",
        steps=steps,
    )


def _of_event(event: dict[str, Any]) -> Entry:
    return Entry(
        when=event.get("created"),
        title=str(event.get("type", "")),
        state=tabs.event_state(event),
        text=tabs.event_text(event),
        by=str(event.get("username", "")),
        correlation=str(event.get("correlationid", "")),
        url=f"/events/{event['id']}" if event.get("id") else "",
    )
