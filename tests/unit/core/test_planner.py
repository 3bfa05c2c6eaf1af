"""On SQLite a look-up of a few rows does not walk all that live."""

import pytest
from django.db import connection

from compute.models import Nic, VirtualMachine
from core import planner

pytestmark = pytest.mark.django_db


def plan(rows) -> str:
    return rows.explain()


def statistics() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE idx IS NOT NULL")
        return dict(cursor.fetchall())


def test_the_planner_is_taught_by_every_migration():
    if connection.vendor != "sqlite":
        planner.teach()  # nothing to teach
        return
    assert "vm_by_name" in statistics()
    assert statistics()["vm_by_name"] == "1000000 1000000 10"
    assert statistics()["vm_by_state"] == "1000000 1000000 500000 500000"
    assert statistics()["volume_by_state"] == "1000000 500000 10"


def test_teaching_can_be_repeated_and_reaches_new_indexes():
    if connection.vendor != "sqlite":
        return
    before = statistics()
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX made_later ON compute_virtualmachine (removed, hypervisor)")
    planner.teach()
    assert statistics() == {**before, "made_later": "1000000 1000000 10"}


def test_few_rows_are_found_by_what_names_them():
    if connection.vendor != "sqlite":
        return
    of_machines = plan(Nic.objects.filter(machine__in=list(range(60))))
    assert "removed=?" not in of_machines
    assert "machine_id=?" in of_machines
    of_account = plan(VirtualMachine.objects.filter(account=1).order_by())
    assert "vm_by_account (account_id=? AND removed=?)" in of_account
    running = plan(VirtualMachine.objects.filter(account__in=[1, 2], state="Running").order_by())
    assert "account_id=?" in running


def test_all_rows_that_live_are_counted_in_an_index():
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN QUERY PLAN SELECT COUNT(*) FROM compute_virtualmachine WHERE removed IS NULL"
        )
        assert "COVERING INDEX" in cursor.fetchone()[3]
