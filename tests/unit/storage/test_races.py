"""Many at once, on a database that really lets them: nothing is given twice."""

import threading

import pytest
from django.db import OperationalError, connections, transaction

from accounts.models import Account, ResourceCount
from accounts.resources import Resource
from accounts.services import limits
from core.errors import CloudError
from core.units import GIB
from jobs.models import AsyncJob
from storage.models import DiskOffering, PoolTemplate, StoragePool, Template, Volume
from storage.services import bases, space, volumes
from tests.factories import (
    make_account,
    make_disk_offering,
    make_host,
    make_pool,
    make_store,
    make_template,
    make_volume,
)

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def at_once(count: int, act) -> list:
    """``act(i)`` in so many threads that start together; what each returned or raised.

    A deadlock undoes the whole transaction, which is begun again, as the dispatcher does it.
    """
    gate, found = threading.Barrier(count), [None] * count

    def work(i: int) -> None:
        gate.wait()
        for _ in range(4):
            try:
                found[i] = act(i)
            except OperationalError as error:
                found[i] = error
                continue
            except CloudError as error:
                found[i] = error
            break
        connections.close_all()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_a_limit_lets_through_exactly_as_many_as_it_says():
    account, offering, zone = make_account(), make_disk_offering(size_gb=1), make_pool().zone
    limits.set_limit(account, Resource.VOLUME, 3)

    def create(_):
        with transaction.atomic():
            fresh = Account.objects.select_related("domain", "role").get(pk=account.pk)
            kind = DiskOffering.objects.get(pk=offering.pk)
            return volumes.create(fresh, zone=zone, offering=kind)

    found = at_once(8, create)
    assert sum(isinstance(f, Volume) for f in found) == 3
    assert Volume.objects.count() == 3
    used = ResourceCount.objects.get(account=account, resource=Resource.PRIMARY_STORAGE).used
    assert used == 3 * GIB


def test_the_last_room_of_a_pool_is_promised_once():
    pool = make_pool(capacity_bytes=10 * GIB)  # it may promise 17 GiB

    def reserve(_):
        with transaction.atomic():
            space.reserve(StoragePool.objects.get(pk=pool.pk), 5 * GIB)
            return True

    assert at_once(8, reserve).count(True) == 3
    pool.refresh_from_db()
    assert pool.allocated_bytes == 15 * GIB


def test_a_template_s_room_on_a_pool_is_promised_once():
    host = make_host()
    pool, store = make_pool(cluster=host.cluster), make_store(host.zone)
    template = make_template(store=store)

    def row(_):
        return bases._row(
            Template.objects.get(pk=template.pk), StoragePool.objects.get(pk=pool.pk)
        ).pk

    assert len(set(at_once(8, row))) == 1
    pool.refresh_from_db()
    assert pool.allocated_bytes == PoolTemplate.objects.get().reserved_bytes


def test_only_one_job_brings_a_template():
    host = make_host()
    pool, template = make_pool(cluster=host.cluster), make_template()
    base = PoolTemplate.objects.create(template=template, pool=pool)
    jobs = [
        AsyncJob.objects.create(
            account=template.account, command="deploy", plan="x", subject={}, correlation_id="c"
        )
        for _ in range(8)
    ]

    def claim(i):
        return bases._claim(PoolTemplate.objects.get(pk=base.pk), str(jobs[i].uuid))

    assert at_once(8, claim).count(True) == 1
    base.refresh_from_db()
    assert base.installer in {job.uuid for job in jobs}


def test_a_volume_is_given_back_once():
    account = make_account()
    with transaction.atomic():
        limits.reserve(account, {Resource.VOLUME: 5, Resource.PRIMARY_STORAGE: 50 * GIB})
    volume = make_volume(account, size_gb=10, counted=True, counted_bytes=10 * GIB)

    def destroy(_):
        with transaction.atomic():
            volumes.mark_destroyed(Volume.objects.get(pk=volume.pk))
            return True

    assert at_once(6, destroy).count(True) == 1
    counts = dict(ResourceCount.objects.filter(account=account).values_list("resource", "used"))
    assert (counts[Resource.VOLUME], counts[Resource.PRIMARY_STORAGE]) == (4, 40 * GIB)
