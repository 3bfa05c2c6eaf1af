"""From what a command came to, to CloudStack's reply: ``{envelope: body}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from api import results, wire
from core.errors import CloudError
from core.responses import SUCCESS

if TYPE_CHECKING:
    from api.dispatch import Outcome

Reply = dict[str, dict[str, Any]]


def of(outcome: Outcome) -> Reply:
    """The reply to a call that went well."""
    shape = wire.shape(outcome.command.name)
    return {shape.envelope: {**(outcome.trial or {}), **_body(outcome, shape)}}


def _body(outcome: Outcome, shape: wire.Shape) -> dict[str, Any]:
    if outcome.job is not None:
        return _started(outcome, shape)
    results.add_job_results(outcome)
    if outcome.records is not None:
        return listed(shape.key, outcome.records, outcome.count)
    record = outcome.record()
    is_bare = "success" in record and not isinstance(outcome.value, (models.Model, dict))
    if is_bare or not shape.key or outcome.command.response is SUCCESS:
        return record
    return listed(shape.key, [record], 1) if shape.is_list else {shape.key: record}


def listed(key: str, records: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Nothing at all is an empty object; past the end there is a count without an array."""
    if not count and not records:
        return {}
    return {"count": count, key: records} if records else {"count": count}


def _started(outcome: Outcome, shape: wire.Shape) -> dict[str, Any]:
    started: dict[str, Any] = {"jobid": outcome.job.uuid}
    made = getattr(outcome.value, "uuid", None)
    return {"id": made, **started} if shape.creates and made else started


def of_error(error: CloudError, command: str, *, known: bool) -> Reply:
    """The reply to a call that was refused; ``known`` says whether the command exists.

    A 432, or a command that does not exist, answers under ``errorresponse``.
    """
    envelope = "errorresponse"
    if known and error.code != 432:
        envelope = wire.shape(command).envelope
    body: dict[str, Any] = {"uuidList": [], "errorcode": error.code}
    if error.cs_code:
        body["cserrorcode"] = error.cs_code
    body["errortext"] = error.message
    if error.details is not None:
        body["details"] = error.details
    return {envelope: body}
