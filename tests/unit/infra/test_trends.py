"""How capacity came to be used, and when it will be gone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agent.protocol import HostStats
from api.dispatch import execute
from infra.models import CapacityPoint, HostCapacity, HostTrend
from infra.services import capacities, trends
from tests.factories import admin_caller, make_host, make_pool, make_zone

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


def ask(command, **given):
    return execute(admin_caller(), command, {k: str(v) for k, v in given.items()})


def points(*used, total=1000, every=timedelta(hours=6), scope="zone", holder=1, kind=2):
    first = NOW - every * (len(used) - 1)
    return [
        CapacityPoint(scope=scope, holder=holder, type=kind, at=first + every * i,
                      total=total, used=n)
        for i, n in enumerate(used)
    ]  # fmt: skip


def test_each_hour_leaves_one_point_of_each_place():
    host = make_host()
    pool = make_pool(zone=host.zone, cluster=host.cluster, used_bytes=100, allocated_bytes=300)
    HostCapacity.objects.filter(host=host).update(cpu_used_mhz=8000)
    trends.note()
    HostCapacity.objects.filter(host=host).update(cpu_used_mhz=16000)
    trends.note()  # the same hour: corrected
    cpu = CapacityPoint.objects.filter(type=capacities.CPU)
    assert {(p.scope, p.holder, p.used, p.total) for p in cpu} == {
        ("zone", host.zone_id, 16000, 32000),
        ("pod", host.pod_id, 16000, 32000),
        ("cluster", host.cluster_id, 16000, 32000),
    }
    of_pool = CapacityPoint.objects.filter(scope="pool", holder=pool.pk)
    assert {(p.type, p.used, p.total) for p in of_pool} == {
        (capacities.STORAGE, 100, 2**40),
        (capacities.STORAGE_ALLOCATED, 300, 2**41),
    }


@pytest.mark.parametrize(
    ("used", "days"),
    [
        ((100, 200, 300, 400, 500), 1.2),  # 100 each six hours, 500 left
        ((500, 500, 500, 500), None),  # never
        ((500, 400, 300, 200), None),
        ((100, 200), None),  # too little is known
        ((700, 800, 900, 1000), 0.0),
        ((0, 0, 0, 1), None),  # more than ten years away: nobody believes that
    ],
)
def test_a_line_through_the_points_says_when_it_is_full(used, days):
    total = 10**9 if used == (0, 0, 0, 1) else 1000
    assert trends.full_in_days(points(*used, total=total)) == days


def test_the_forecast_looks_back_two_weeks_only():
    old = points(*range(0, 900, 30), every=timedelta(days=1))  # grew for a month …
    recent = points(*[870] * 57, every=timedelta(hours=6))  # … and stands still since
    assert trends.full_in_days(old) == pytest.approx((1000 - 870) / 30, abs=0.1)
    assert trends.full_in_days([*old[:-15], *recent]) is None


def test_old_points_are_thinned():
    hours = 24 * 40
    rows = points(*[1] * hours, every=timedelta(hours=1))
    rows += [CapacityPoint(scope="zone", holder=2, type=2, at=NOW - timedelta(days=500), total=1)]
    CapacityPoint.objects.bulk_create(rows)
    trends.thin()
    now = timezone.now()
    recent = CapacityPoint.objects.filter(at__gte=now - timedelta(days=3))
    middle = CapacityPoint.objects.filter(
        at__lt=now - timedelta(days=3), at__gte=now - timedelta(days=30)
    )
    old = CapacityPoint.objects.filter(at__lt=now - timedelta(days=30))
    assert recent.count() in (71, 72, 73)
    assert {p.at.hour for p in middle} == {0, 6, 12, 18}
    assert {p.at.hour for p in old} == {0}
    assert not CapacityPoint.objects.filter(holder=2).exists()


def test_the_history_of_a_place_with_its_forecast():
    zone = make_zone()
    CapacityPoint.objects.bulk_create(points(100, 200, 300, 400, holder=zone.pk))
    (shown,) = ask("listCapacityHistory", zoneid=zone.uuid).records
    assert (shown["name"], shown["percentused"], shown["fullindays"]) == ("STORAGE", "40.00", 1.5)
    assert shown["threshold"] == 0.75
    assert [p["capacityused"] for p in shown["points"]] == [100, 200, 300, 400]
    (short,) = ask("listCapacityHistory", showpoints="false").records
    assert "points" not in short
    since = (NOW - timedelta(hours=7)).isoformat()
    (recent,) = ask("listCapacityHistory", zoneid=zone.uuid, startdate=since).records
    assert len(recent["points"]) == 2


def test_a_hosts_last_day_is_one_row(monkeypatch):
    host = make_host()
    monkeypatch.setattr(trends, "_noted", {})
    clock = iter(range(0, 10**7, 600))
    monkeypatch.setattr(trends.time, "monotonic", lambda: next(clock))
    for at in range(200):
        trends.keep_host(host, HostStats(cpu_used_percent=at), NOW + timedelta(seconds=600 * at))
    kept = HostTrend.objects.get(host=host)
    assert len(kept.points) == 144
    (shown,) = ask("listHostsUsageHistory", id=host.uuid).records
    assert shown["stats"][-1]["cpuused"] == "199.00%"
    assert shown["stats"][0]["timestamp"] == NOW + timedelta(seconds=600 * 56)


def test_a_host_that_speaks_often_leaves_few_points(monkeypatch):
    host = make_host()
    monkeypatch.setattr(trends, "_noted", {})
    clock = iter(range(0, 10**6, 60))
    monkeypatch.setattr(trends.time, "monotonic", lambda: next(clock))
    for _ in range(30):
        trends.keep_host(host, HostStats(), NOW)
    assert len(HostTrend.objects.get(host=host).points) == 3


# -- what hosts gave away ----------------------------------------------------------------


@pytest.fixture
def filling(monkeypatch):
    """A host that gives away 2 GiB more every six hours, noted five times, with 6 GiB left."""
    host = make_host()
    capacity = HostCapacity.objects.filter(host=host)
    capacity.update(memory_limit_mb=16384, cpu_limit_mhz=8000)
    for step in range(5):
        capacity.update(memory_used_mb=2048 * (step + 1))
        at = NOW - timedelta(hours=6 * (4 - step))
        with monkeypatch.context() as then:
            then.setattr(trends.timezone, "now", lambda at=at: at)
            trends.note_hosts()
    return host


def test_a_host_says_what_it_gave_away_and_when_it_will_be_full(filling):
    (memory,) = ask("listCapacityHistory", hostid=filling.uuid, type=0).records
    assert memory["scope"] == "host"
    assert memory["placename"] == filling.name
    assert [p["capacityused"] for p in memory["points"]] == [2**31 * n for n in range(1, 6)]
    assert memory["fullindays"] == pytest.approx(3 * 6 / 24, abs=0.06)
    assert memory["threshold"] == 0.75
    kinds = ask("listCapacityHistory", hostid=filling.uuid, showpoints="false").records
    assert {r["type"]: r.get("fullindays") for r in kinds} == {0: 0.8, 1: None, 90: None}


def test_points_of_a_host_are_those_of_two_weeks_in_one_row(filling):
    (row,) = HostTrend.objects.all()
    HostTrend.objects.update(given=row.given * 20, points=[[1, 2.0, 3, 4.0]])
    trends.note_hosts()
    row.refresh_from_db()
    assert len(row.given) == 57
    assert row.points == [[1, 2.0, 3, 4.0]]


def test_hosts_are_noted_in_few_statements(django_assert_max_num_queries):
    for _ in range(7):
        make_host()
    with django_assert_max_num_queries(8):  # one bite, and the look for a second
        assert trends.note_hosts() == 7


def test_points_of_a_host_are_chosen_by_time(filling):
    since = (NOW - timedelta(hours=7)).isoformat()
    (cpu,) = ask("listCapacityHistory", hostid=filling.uuid, type=1, startdate=since).records
    assert len(cpu["points"]) == 2
