"""What the card at the top of some details draws beside the record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from frontend import tabs, texts, working
from frontend.reader import Reader
from frontend.sections.base import Record
from jobs.models import AsyncJob


def _account(reader: Reader, record: Record) -> dict[str, Any]:
    lines = tabs.quota_lines(record)
    return {"quota": [line for line in lines if line["used"] or line["limit"] is not None]}


def _job(reader: Reader, record: Record) -> dict[str, Any]:
    job = AsyncJob.objects.all().visible_to(reader.caller).filter(uuid=record["id"]).first()
    steps = working.steps_of([job]).get(job.pk, []) if job else []
    error = texts.say(job.error_text) if job else ""
    about = tabs.section_of_kind(job.instance_type) if job else None
    url = f"/{about.key}/{job.instance_uuid}" if about and about.has_detail else ""
    return {"job_steps": steps, "job_error": error, "job": job, "about_url": url}


_LOADERS: dict[str, Callable[[Reader, Record], dict[str, Any]]] = {
    "frontend/cards/account.html": _account,
    "frontend/cards/job.html": _job,
}


def load(template: str, reader: Reader, record: Record) -> Mapping[str, Any]:
    loader = _LOADERS.get(template)
    return loader(reader, record) if loader else {}
