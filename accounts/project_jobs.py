"""Plans over projects: what takes other contexts' work to finish."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from accounts import cleaning, jobs
from accounts.models import Account, Project
from accounts.resources import Resource
from accounts.services import project_members
from core.locking import locked
from core.steps import Run, Step, plan


@cleaning.cleaner("projects", Resource.PROJECT, order=5)
def leave_projects(accounts: QuerySet[Account], run: Run) -> int:
    """Who goes is in no project; its own projects have gone to others, or go with the domain."""
    for account in accounts.filter(memberships__isnull=False).distinct():
        with transaction.atomic():
            project_members.forget(account)
    return 0


@plan(cancellable=False)
def suspend_project(project: Project) -> list[Step]:
    return [
        Step(count_what_runs, label="count what the project runs"),
        Step(stop_what_it_runs, label="stop what the project runs"),
    ]


def count_what_runs(project: Project) -> dict[str, int]:
    return jobs.count_what_runs(account_of(project))


def stop_what_it_runs(project: Project, run: Run) -> None:
    jobs.stop_what_it_runs(account_of(project), run)


@plan(cancellable=False)
def delete_project(project: Project) -> list[Step]:
    return [
        Step(count_what_it_has, undo=keep_for_cleanup, label="count what the project has"),
        Step(remove_what_it_has, label="remove what the project has"),
        Step(forget_project, label="remove the project"),
    ]


def count_what_it_has(project: Project) -> dict[str, int]:
    return jobs.count_what_it_has(account_of(project))


def remove_what_it_has(project: Project, run: Run) -> None:
    jobs.remove_what_it_has(account_of(project), run)


def keep_for_cleanup(project: Project) -> None:
    """The project stays closed: half of what it had is gone."""
    Project.objects.filter(pk=project.pk).update(cleanup_needed=True)


def forget_project(project: Project) -> None:
    """Harmless when it is gone already."""
    with transaction.atomic():
        project = locked(project, "account__domain")
        jobs.forget_account(project.account)


def account_of(project: Project) -> Account:
    return Account.everything.select_related("domain", "role").get(pk=project.account_id)
