"""What the portal shows of a real host follows the host within ten seconds."""

import time
import uuid

import pytest

from agent import protocol
from agent.operations import AgentConfig, local_agent
from infra import agents
from infra.models import Host
from infra.services import reports
from infra.services.monitor import Monitor
from tests.factories import make_cluster

pytestmark = [pytest.mark.libvirt, pytest.mark.django_db(transaction=True)]

TRUTH_WITHIN_S = 10


@pytest.fixture
def lab(lab_hosts, short_folder):
    """A lab host plugged in as this machine, and its row, which is Up."""
    (machine,) = lab_hosts(1)
    # The lab host shares this machine's /tmp, not its /run.
    config = AgentConfig(
        data=short_folder / "agent", run=short_folder / "run", libvirt_uri=machine.uri, virt="qemu"
    )
    agents.use_local(lambda: local_agent(config))
    cluster = make_cluster(hypervisor="KVM")
    host = Host.objects.create(
        zone=cluster.zone, pod=cluster.pod, cluster=cluster, name="lab", hypervisor="KVM",
        link="local", status="Up",
    )  # fmt: skip
    yield machine, host
    agents.use_local(None)


@pytest.fixture
def watching(lab):
    monitor = Monitor()
    monitor.start()
    yield lab
    monitor.stop()


@pytest.fixture
def powered(monkeypatch):
    """Uuids that the last report had on."""
    seen = []
    monkeypatch.setattr(reports, "_power", [
        lambda host, states, at: seen.append({s.uuid for s in states if s.power == "PowerOn"})
    ])  # fmt: skip
    return seen


def within(seconds, condition, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {seconds} s")


def status(host):
    return Host.objects.get(pk=host.pk).status


def test_a_stopped_libvirtd_is_seen_and_its_return_too(watching):
    machine, host = watching
    within(15, lambda: Host.objects.get(pk=host.pk).last_seen, "first report")
    machine.stop_libvirtd()
    within(TRUTH_WITHIN_S, lambda: status(host) == "Alert", "libvirtd is gone")
    assert "libvirt" in Host.objects.get(pk=host.pk).reason
    machine.start_libvirtd()
    within(TRUTH_WITHIN_S, lambda: status(host) == "Up", "libvirtd is back")


def test_a_guest_killed_behind_our_back_is_reported(watching, powered):
    machine, host = watching
    uid = str(uuid.uuid4())
    spec = protocol.DomainSpec(uuid=uid, name="i-2-9-VM", vcpus=1, memory_mb=64)
    agents.call(host, "domain.start", protocol.StartDomain(spec))
    within(TRUTH_WITHIN_S, lambda: powered and powered[-1] == {uid}, "the guest runs")
    machine.run("pkill", "-KILL", "-f", uid)
    within(TRUTH_WITHIN_S, lambda: powered[-1] == set(), "the guest is dead")
