"""What an account that is deleted had in storage. Its machines are gone by then."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts import cleaning
from accounts.models import Account
from accounts.resources import Resource
from core.steps import Plan, Run
from jobs import batches
from storage import states
from storage.jobs import volumes as volume_jobs
from storage.models import Snapshot, Template, Volume
from storage.services import snapshots, templates, volumes


@cleaning.cleaner("snapshots", Resource.SNAPSHOT, order=20, rows=Snapshot.objects.all)
def remove_snapshots(accounts: QuerySet[Account], run: Run) -> int:
    mine = Snapshot.objects.filter(account__in=accounts)
    return batches.for_each(
        run, mine, snapshots.delete, command="deleteSnapshot", event_type="SNAPSHOT.DELETE"
    )


def _data_disks() -> QuerySet:
    """Root disks go with their machines."""
    return Volume.objects.filter(type="DATADISK")


@cleaning.cleaner("volumes", Resource.VOLUME, order=30, rows=_data_disks)
def remove_volumes(accounts: QuerySet[Account], run: Run) -> int:
    """For good, protected ones and those in the bin included."""
    mine = Volume.objects.filter(account__in=accounts)
    return batches.for_each(run, mine, _expunge, command="deleteVolume", event_type="VOLUME.DELETE")


def _expunge(volume: Volume) -> Plan:
    if volume.state not in (states.Volumes.DESTROY, states.Volumes.EXPUNGING):
        volumes.mark_destroyed(volume)
    volume.apply(states.VolumeEvent.EXPUNGE)
    return Plan(volume_jobs.expunge_volume, volume)


@cleaning.cleaner("templates", Resource.TEMPLATE, order=40, rows=Template.objects.all)
def remove_templates(accounts: QuerySet[Account], run: Run) -> int:
    """Machines of others that were made of them go on."""
    mine = Template.objects.filter(account__in=accounts)
    return batches.for_each(
        run, mine, _delete, command="deleteTemplate", event_type="TEMPLATE.DELETE"
    )


def _delete(template: Template) -> Plan:
    if template.state == states.Templates.INACTIVE:  # an earlier try did not get through
        return templates.delete_again(template)
    return templates.delete(template, forced=True)
