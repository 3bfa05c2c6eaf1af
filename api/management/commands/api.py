"""``manage.py api listZones``, ``manage.py api stopVirtualMachine id=… --wait``: the commands
of the API from a shell on the portal's machine, through the same dispatcher."""

from __future__ import annotations

import time
import uuid as uuids
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from accounts.caller import Caller
from accounts.models import User
from api import dispatch, renderers, replies, results, tables
from core.commands import COMMANDS
from core.errors import CloudError
from infra import agents
from jobs import clock
from jobs.models import AsyncJob, JobStatus, JobStep, StepState, Worker
from jobs.worker import DEAD_AFTER_S, WorkerProcess

_MARKS = {
    StepState.PENDING: "·", StepState.RUNNING: "…", StepState.DONE: "✓",
    StepState.FAILED: "✗", StepState.UNDOING: "↶", StepState.UNDONE: "↩",
}  # fmt: skip


class Command(BaseCommand):
    help = "Run a command of the API: manage.py api listZones, manage.py api deployVirtualMachine …"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("command", help="name, as in listZones; in any case")
        parser.add_argument("parameters", nargs="*", metavar="name=value")
        parser.add_argument(
            "--as", dest="user", default="", help="user to act as; user@domain/path below ROOT"
        )
        parser.add_argument("--table", action="store_true", help="a table instead of JSON")
        parser.add_argument("--columns", default="", help="of the table, separated by commas")
        parser.add_argument(
            "--wait", action="store_true", help="follow the job, and run it if no portal does"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        caller = Caller.of(_user(options["user"]), correlation_id=str(uuids.uuid4()))
        try:
            outcome = dispatch.execute(
                caller, _name(options["command"]), _parameters(options["parameters"])
            )
        except CloudError as error:
            raise CommandError(_told(error)) from error
        if outcome.job is None or not options["wait"]:
            self._show(replies.of(outcome), options)
            return
        job = self._follow(outcome.job)
        result = results.of_jobs([job], caller).get(str(job.uuid), {})
        if job.status != JobStatus.DONE:
            raise CommandError(f"{job.error_code}: {result.get('errortext')}")
        self._show({"": result}, options)

    def _show(self, reply: replies.Reply, options: dict[str, Any]) -> None:
        (body,) = reply.values()
        if not (options["table"] or options["columns"]):
            plain = orjson.loads(renderers.JSON.render(body))
            self.stdout.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode())
            return
        columns = [c.strip() for c in options["columns"].split(",") if c.strip()]
        listed = [v for v in body.values() if isinstance(v, list)]
        if "count" in body or not body:
            self.stdout.write(tables.table(listed[0] if listed else [], columns))
            self.stdout.write(f"{body.get('count', 0)} in all")
        else:
            inner = [v for v in body.values() if isinstance(v, dict)]
            self.stdout.write(tables.pairs(inner[0] if len(body) == 1 and inner else body))

    def _follow(self, job: AsyncJob) -> AsyncJob:
        """Prints each step as it changes until the job has ended."""
        worker = None if _somebody_works() else self._own_worker()
        shown: dict[int, str] = {}
        try:
            while True:
                job.refresh_from_db()
                self._steps(job, shown)
                if job.status != JobStatus.PENDING:
                    return job
                time.sleep(0.2)
        finally:
            if worker:
                worker.stop()
                agents.close_links()

    def _own_worker(self) -> WorkerProcess:
        self.stderr.write("No portal is running; the job runs here.")
        import_string(settings.PLUG_IN_HOSTS)()
        worker = WorkerProcess(2, with_schedules=False)
        worker.start()
        return worker

    def _steps(self, job: AsyncJob, shown: dict[int, str]) -> None:
        for step in JobStep.objects.filter(job=job):
            line = f"  {_MARKS[StepState(step.state)]} {step.title}"
            if step.note:
                line += f": {step.note}"
            if step.state != StepState.PENDING and shown.get(step.index) != line:
                shown[step.index] = line
                self.stderr.write(line)


def _name(text: str) -> str:
    """Commands in any case, as people type them; programs write them as they are."""
    by_lower = {name.lower(): name for name in COMMANDS}
    return by_lower.get(text.lower(), text)


def _parameters(words: list[str]) -> dict[str, str]:
    given = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise CommandError(f"“{word}” is not name=value.")
        given[name] = value
    return given


def _user(text: str) -> User:
    """``user`` in ROOT, ``user@a/b`` in the domain ROOT/a/b; nobody named: the first one."""
    users = User.objects.select_related("account__domain", "account__role")
    if not text:
        found = users.filter(account__name="admin", domain__level=0).order_by("pk").first()
    else:
        name, _, path = text.rpartition("@") if "@" in text else (text, "", "")
        full = "ROOT" if path in ("", "ROOT") else f"ROOT/{path.strip('/').removeprefix('ROOT/')}"
        found = users.filter(username=name, domain__name_path=full).first()
    if found is None:
        raise CommandError(
            f"There is no user {text}; write user@domain/path for one below ROOT."
            if text
            else "There is no administrator yet; start the portal once with scripts/up."
        )
    return found


def _told(error: CloudError) -> str:
    text = f"{error.code}: {error.message}"
    if isinstance(error.details, list) and error.details:
        rows = [d if isinstance(d, dict) else {"": d} for d in error.details]
        text += "\n" + tables.table(rows)
    return text


def _somebody_works() -> bool:
    clock.ask()
    limit = clock.now() - timedelta(seconds=DEAD_AFTER_S)
    return Worker.objects.filter(heartbeat__gte=limit).exclude(name__startswith="inline-").exists()
