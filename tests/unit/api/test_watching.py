"""/metrics, /healthz and /readyz."""

import gzip
import re

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.watching import views
from api.watching.latency import BOUNDS_S, Histogram
from infra.services import configuration
from jobs.models import Worker, WorkerState
from tests.factories import make_cluster, make_host, make_pool, make_vm

pytestmark = pytest.mark.django_db

LINE = re.compile(r'([a-z_]+)(\{([a-z]+="(?:[^"\\]|\\.)*",?)+\})? (-?[0-9.e+-]+|\+Inf)')


@pytest.fixture
def scraped():
    configuration.set_value("prometheus.exporter.enable", "true")

    def scrape():
        response = Client().get("/metrics")
        assert response.status_code == 200
        return response.content.decode()

    return scrape


def values(text):
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_metrics_are_off_until_switched_on_and_for_allowed_addresses_only():
    assert Client().get("/metrics").status_code == 404
    configuration.set_value("prometheus.exporter.enable", "true")
    assert Client().get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.9").get("/metrics").status_code == 404
    configuration.set_value("prometheus.exporter.allowed.ips", "127.0.0.1, 192.0.2.0/24")
    assert Client(REMOTE_ADDR="192.0.2.9").get("/metrics").status_code == 200
    assert Client().post("/metrics").status_code == 405


def test_the_cloud_in_numbers(scraped):
    vm = make_vm("Running")
    make_host(make_cluster(zone=vm.zone), status="Down")
    found = values(scraped())
    zone = f'zone="{vm.zone.name}"'
    assert found[f'cloudstack_hosts_total{{{zone},filter="online"}}'] == "1"
    assert found[f'cloudstack_hosts_total{{{zone},filter="offline"}}'] == "1"
    assert found[f'cloudstack_vms_total{{{zone},filter="running"}}'] == "1"
    host = f'{zone},hostname="{vm.host.name}",ip="127.0.0.1"'
    assert found[f"cloudstack_host_vms_total{{{host}}}"] == "1"
    assert float(found[f'cloudstack_host_cpu_usage_mhz_total{{{host},filter="used"}}']) > 0
    assert found['cloudportal_alerts_open{acknowledged="no"}'] == "0"


def test_a_client_that_asks_for_it_gets_it_packed(scraped):
    make_host()
    packed = Client().get("/metrics", headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    lines = gzip.decompress(packed.content).decode().splitlines()
    assert "cloudstack_hosts_total" in "".join(lines)
    assert len(lines) == len(scraped().splitlines())


def test_every_line_is_as_prometheus_reads_it(scraped):
    make_vm("Running")
    make_pool(name='a "quoted" \\ name')
    kinds = {}
    for line in scraped().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("#"):
            assert LINE.fullmatch(line), line
    assert kinds["cloudportal_request_seconds"] == "histogram"
    assert len(kinds) > 15


def test_the_number_of_queries_does_not_grow_with_hosts(scraped):
    def count():
        with CaptureQueriesContext(connection) as seen:
            scraped()
        return len(seen)

    cluster = make_cluster()
    make_host(cluster)
    scraped()
    few = count()
    for _ in range(10):
        make_host(cluster)
    assert count() <= few


def test_a_histogram_counts_what_fell_below_each_bound():
    histogram = Histogram()
    for seconds in (0.001, 0.02, 0.02, 99):
        histogram.observe("api", 200, seconds)
    samples = {(suffix, labels.get("le")): n for suffix, labels, n in histogram.family().samples}
    assert samples["_bucket", "0.005"] == 1
    assert samples["_bucket", "0.025"] == 3
    assert samples["_bucket", str(BOUNDS_S[-1])] == 3
    assert samples["_bucket", "+Inf"] == samples["_count", None] == 4
    assert samples["_sum", None] == pytest.approx(99.041)


def test_the_process_says_that_it_lives():
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_it_is_ready_when_somebody_works():
    assert Client().get("/readyz").status_code == 503
    worker = Worker.objects.create(name="w", machine="m", pid=1)
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True, "database": "ok", "workers": "ok", "agents": "no hosts", "process": "ok",
    }  # fmt: skip
    make_host(status="Disconnected")
    assert Client().get("/readyz").json()["agents"] == "some do not answer"
    Worker.objects.filter(pk=worker.pk).update(heartbeat=timezone.now() - timezone.timedelta(0, 60))
    assert Client().get("/readyz").json()["workers"] == "none"


def test_a_process_that_is_to_rest_gets_no_requests(monkeypatch):
    Worker.objects.create(name="w", machine="m", pid=1)
    monkeypatch.setattr(views, "own_state", lambda: WorkerState.PREPARING_SHUTDOWN)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["process"]) == (503, "PreparingForShutDown")


def test_without_a_database_it_lives_and_is_not_ready(monkeypatch):
    class Gone:
        def cursor(self):
            raise DatabaseError("gone")

    monkeypatch.setattr(views, "connection", Gone())
    assert Client().get("/healthz").status_code == 200
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "not answering")
