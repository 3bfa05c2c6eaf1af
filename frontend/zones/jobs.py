"""Building a zone from a draft, and taking it away again: jobs that cannot get stuck.

A command and the draft's line about it are one transaction, so wherever a worker dies the next
one goes on behind the last thing that was made. A refusal ends the job and is written down in
the draft; nothing is undone, because a person mends the value and goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.caller import Caller
from accounts.models import User
from api.dispatch import Outcome, execute
from core import live
from core.commands import COMMANDS
from core.errors import CloudError, NotAllowedInState
from core.steps import Later, Plan, Run, Step, plan
from frontend.zones import parts
from frontend.zones.models import ZoneDraft
from frontend.zones.trial import made
from jobs.models import AsyncJob, JobStatus
from jobs.submit import submit

_LOOK_AGAIN_S = 0.5


# -- beginning ------------------------------------------------------------------------------


def launch(caller: Caller, draft: ZoneDraft) -> None:
    """Begin to build, or go on where it stopped. Raises NotAllowedInState while at work."""
    _submit(caller, draft, build_zone, "createZone")


def discard(caller: Caller, draft: ZoneDraft) -> None:
    """Take away what was made, last first; a draft of which nothing exists just goes."""
    with transaction.atomic():
        row = _locked(draft)
        if not row.made and not row.is_running:
            row.remove()
            live.changed(row)
            return
    _submit(caller, draft, discard_zone, "deleteZone")


def _submit(caller: Caller, draft: ZoneDraft, kind: Any, command: str) -> None:
    with transaction.atomic():
        row = _locked(draft)
        if row.removed or row.is_running:
            raise NotAllowedInState(f"Zone {row} is being worked on already; wait for its job.")
        row.user, row.refused = caller.user, {}
        row.job = submit(
            Plan(kind, row), account=caller.account, user=caller.user, command=command,
            correlation_id=caller.correlation_id,
        )  # fmt: skip
        row.save()
        live.changed(row)


def _locked(draft: ZoneDraft) -> ZoneDraft:
    return ZoneDraft.everything.select_for_update().get(pk=draft.pk)


# -- building -------------------------------------------------------------------------------


@plan()
def build_zone(draft: ZoneDraft) -> list[Step]:
    return [Step(build, label="Build the zone")]


def build(draft: ZoneDraft, run: Run) -> None:
    caller = _caller(draft)
    wanted = parts.of(draft)
    for number, part in enumerate(wanted):
        run.progress(100 * number / len(wanted), f"{number} of {len(wanted)} parts are made.")
        entry = draft.entry(part.key)
        if entry is None:
            entry = _make(caller, draft, part)
            draft.refresh_from_db()
        if not entry["ended"]:
            _settle(draft, part, entry)
            draft.refresh_from_db()
    _finish(draft)


def _make(caller: Caller, draft: ZoneDraft, part: parts.Part) -> dict[str, Any]:
    began = timezone.now()
    try:
        with transaction.atomic():
            row = _locked(draft)
            there = row.entry(part.key)  # a worker that was late has made it meanwhile
            if there is not None:
                return there
            entry = {"part": part.key, "title": part.title, "command": part.command, "id": "",
                     "began": began.isoformat(), "ended": "", "job": ""}  # fmt: skip
            _run(caller, row, part, entry)
            row.made = [*row.made, entry]
            row.save(update_fields=["made"])
            live.changed(row)
    except CloudError as error:
        _refuse(draft, part.key, error.message, error.details)
        raise
    return entry


def _run(caller: Caller, row: ZoneDraft, part: parts.Part, entry: dict[str, Any]) -> None:
    site = parts.Site(caller, row.values, dict(row.ids))
    try:
        outcome = execute(caller, part.command, part.params(site))
    except parts.NotHere:
        entry.update(ended=entry["began"], left_out=True)
        return
    except parts.Missing as missing:
        raise CloudError(f"“{missing}” has to be made first; discard the zone.") from missing
    job = _job_of(outcome, made(outcome))
    entry.update(id=made(outcome), job=str(job.uuid) if job else "")
    if job is None:
        entry["ended"] = timezone.now().isoformat()


def _job_of(outcome: Outcome, uuid: str) -> AsyncJob | None:
    """The command's job, or the one that it left behind for what it made."""
    if outcome.job is not None or not uuid:
        return outcome.job
    jobs = AsyncJob.objects.filter(instance_uuid=uuid, status=JobStatus.PENDING)
    return jobs.order_by("-pk").first()


def _settle(draft: ZoneDraft, part: parts.Part, entry: Mapping[str, Any]) -> None:
    """Wait for the job behind a part. One that failed has taken its thing away again."""
    job = AsyncJob.objects.filter(uuid=entry["job"]).first()
    if job is not None and job.status == JobStatus.PENDING:
        raise Later(_LOOK_AGAIN_S, f"Waits for {job.instance_name}.")
    done = job is None or job.status == JobStatus.DONE
    ended = job.completed if job and job.completed else timezone.now()
    with transaction.atomic():
        row = _locked(draft)
        others = [e for e in row.made if e["part"] != part.key]
        mine = [{**e, "ended": ended.isoformat()} for e in row.made if e["part"] == part.key]
        row.made = others + mine if done else others
        row.save(update_fields=["made"])
        live.changed(row)
    if not done and job is not None:
        words = job.error_text or "It was cancelled."
        _refuse(draft, part.key, words, job.error_details)
        raise CloudError(words, details=job.error_details)


def _finish(draft: ZoneDraft) -> None:
    with transaction.atomic():
        row = _locked(draft)
        row.finished = timezone.now()
        row.save(update_fields=["finished"])
        row.remove()
        live.changed(row)


def _refuse(draft: ZoneDraft, part: str, message: str, details: Any = None) -> None:
    with transaction.atomic():
        row = _locked(draft)
        row.refused = {"part": part, "message": message, "details": details}
        row.save(update_fields=["refused"])
        live.changed(row)


def _caller(draft: ZoneDraft) -> Caller:
    """Whoever launched it, with the rights they have today."""
    user = User.objects.select_related("account__domain", "account__role").get(pk=draft.user_id)
    return Caller.of(user)


# -- taking away ----------------------------------------------------------------------------


@plan()
def discard_zone(draft: ZoneDraft) -> list[Step]:
    return [Step(take_away, label="Remove what was made of the zone")]


def take_away(draft: ZoneDraft, run: Run) -> None:
    caller = _caller(draft)
    commands = {part.key: part for part in parts.of(draft)}
    total = len(draft.made)
    _close(caller, draft)
    while draft.made:
        run.progress(100 * (1 - len(draft.made) / total), f"{len(draft.made)} parts are left.")
        entry = draft.made[-1]
        _remove(caller, draft, entry, commands.get(entry["part"]))
        draft.refresh_from_db()
    with transaction.atomic():
        row = _locked(draft)
        row.remove()
        live.changed(row)


#: What the cloud itself has put into a zone, and how it goes: list, record's state that can.
_ITS_OWN = (("listSystemVms", "destroySystemVm"), ("listRouters", "destroyRouter"))


def _close(caller: Caller, draft: ZoneDraft) -> None:
    """Nothing new comes into the zone; its system machines and routers go first."""
    zone = draft.ids.get("zone")
    if zone is None or not _exists(caller, "listZones", zone):
        return
    with transaction.atomic():
        execute(caller, "updateZone", {"id": zone, "allocationstate": "Disabled"})
    for listing, destroy in _ITS_OWN:
        if listing not in COMMANDS or destroy not in COMMANDS:
            continue
        for record in execute(caller, listing, {"zoneid": zone}).records or []:
            _wait_for(record["id"])
            with transaction.atomic():
                execute(caller, destroy, {"id": record["id"]})
            _wait_for(record["id"])


def _wait_for(uuid: Any) -> None:
    job = AsyncJob.objects.filter(instance_uuid=uuid, status=JobStatus.PENDING).first()
    if job is not None:
        raise Later(_LOOK_AGAIN_S, f"Waits for {job.instance_name}.")


def _remove(
    caller: Caller, draft: ZoneDraft, entry: Mapping[str, Any], part: parts.Part | None
) -> None:
    """One thing: asked for once, waited for, then struck off. Raises Later meanwhile."""
    there = part is not None and part.undo and entry["id"]
    if there and not entry.get("removing") and _exists(caller, part.seen, entry["id"]):
        _wait_for(entry["id"])
        _ask_to_go(caller, draft, entry, part)
        return
    job = AsyncJob.objects.filter(uuid=_uuid(entry.get("removing"))).first()
    if job is not None and job.status == JobStatus.PENDING:
        raise Later(_LOOK_AGAIN_S, f"Waits for {job.instance_name}.")
    if job is not None and job.status != JobStatus.DONE:
        with transaction.atomic():
            _mark(draft, entry, removing="")
        _refuse(draft, entry["part"], job.error_text, job.error_details)
        raise CloudError(job.error_text, details=job.error_details)
    with transaction.atomic():
        row = _locked(draft)
        row.made = [e for e in row.made if e["part"] != entry["part"]]
        row.save(update_fields=["made"])
        live.changed(row)


#: A thing without a job of its own is gone when the command has answered.
_AT_ONCE = "at once"


def _uuid(removing: str | None) -> str | None:
    return None if removing in (_AT_ONCE, "") else removing


_FORCED = {"deleteHost", "deleteStoragePool"}


def _ask_to_go(
    caller: Caller, draft: ZoneDraft, entry: Mapping[str, Any], part: parts.Part
) -> None:
    more = {"forced": "true"} if part.undo in _FORCED else {}
    try:
        with transaction.atomic():
            outcome = execute(caller, part.undo, {"id": entry["id"], **more})
            job = _job_of(outcome, entry["id"])
            _mark(draft, entry, removing=str(job.uuid) if job else _AT_ONCE)
    except CloudError as error:
        _refuse(draft, entry["part"], error.message, error.details)
        raise


def _mark(draft: ZoneDraft, entry: Mapping[str, Any], **facts: Any) -> None:
    """Within a transaction."""
    row = _locked(draft)
    row.made = [{**e, **facts} if e["part"] == entry["part"] else e for e in row.made]
    row.save(update_fields=["made"])


def _exists(caller: Caller, listing: str, uuid: str) -> bool:
    try:
        return bool(execute(caller, listing, {"id": uuid}).records)
    except CloudError:
        return False


def seconds_of(entry: Mapping[str, Any]) -> float | None:
    """How long a part took; None while it is not done."""
    began, ended = parse_datetime(entry["began"]), parse_datetime(entry["ended"] or "")
    return (ended - began).total_seconds() if began and ended else None
