"""Hosts elsewhere: their agents dial in, and calls travel back along the line."""

import asyncio
import contextlib
import json
import socket
import stat
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from channels.routing import URLRouter
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from agent import protocol
from agent.link import CredentialFile, Link, Refused
from agent.operations import AgentConfig, World, simulated_agent
from api.dispatch import execute
from core.errors import InvalidParameter, PermissionDenied
from infra import agents, remote
from infra.models import Host, HostCredential, HostEnrolment
from infra.routing import websocket_urlpatterns
from infra.services import configuration, enrolment
from jobs.worker import run_everything
from tests.factories import admin_caller, make_cluster, make_host

pytestmark = pytest.mark.django_db(transaction=True)

UUID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def cluster():
    """One for the Simulator behind a remote agent: only its enrolment is like a real one's."""
    return make_cluster(hypervisor="KVM")


def new_token(cluster, **more):
    outcome = execute(
        admin_caller(), "createHostEnrolment", {"clusterid": str(cluster.uuid), **more}
    )
    token = outcome.record()["token"]
    # The agents of these tests are simulated, behind real connections.
    type(cluster).objects.filter(pk=cluster.pk).update(hypervisor="Simulator")
    return token


FACTS = protocol.HostFacts("far", UUID, 8, 1, 2000, 4096, "Simulator", "simulated")


# -- tokens and credentials ------------------------------------------------------------


def test_a_token_is_shown_once_stored_as_a_hash_and_used_once(cluster):
    token = new_token(cluster, name="far-1", hosttags="ssd")
    listed = execute(admin_caller(), "listHostEnrolments").records[0]
    assert "token" not in listed
    assert token not in HostEnrolment.objects.get().token_hash

    host, secret = enrolment.enrol(token, FACTS)
    assert (host.name, host.link, host.status, host.tags) == (
        "far-1", "remote", "Connecting", ["ssd"],
    )  # fmt: skip
    assert enrolment.recognise(str(host.uuid), secret) == host
    assert secret not in HostCredential.objects.get().secret_hash
    with pytest.raises(PermissionDenied, match="not valid"):
        enrolment.enrol(token, FACTS)
    assert Host.objects.count() == 1


@pytest.mark.parametrize("why", ["wrong", "expired", "taken back"])
def test_a_token_that_does_not_hold_adds_nothing(cluster, why):
    token = new_token(cluster)
    if why == "wrong":
        token += "x"
    elif why == "expired":
        HostEnrolment.objects.update(expires=timezone.now() - timedelta(seconds=1))
    else:
        made = HostEnrolment.objects.get()
        execute(admin_caller(), "deleteHostEnrolment", {"id": str(made.uuid)})
    with pytest.raises(PermissionDenied, match="not valid"):
        enrolment.enrol(token, FACTS)
    assert not Host.everything.exists()


def test_the_lifetime_of_a_token_is_a_setting(cluster):
    configuration.set_value("host.enrolment.lifetime", "60")
    new_token(cluster)
    assert HostEnrolment.objects.get().expires < timezone.now() + timedelta(seconds=61)


def test_simulated_hosts_and_taken_names_get_no_token(cluster):
    make_host(cluster, "far-1")
    with pytest.raises(InvalidParameter, match="already a host named far-1"):
        new_token(cluster, name="far-1")
    with pytest.raises(InvalidParameter, match="need no agent"):
        new_token(make_cluster())


def test_a_credential_is_its_own_hosts_only_and_ends_with_it(cluster):
    host, secret = enrolment.enrol(new_token(cluster), FACTS)
    other = make_host(cluster)
    for uuid, given in (
        (str(other.uuid), secret), (str(host.uuid), "guess"), ("nonsense", secret),
    ):  # fmt: skip
        with pytest.raises(PermissionDenied, match="not valid"):
            enrolment.recognise(uuid, given)
    execute(admin_caller(), "deleteHost", {"id": str(host.uuid), "forced": "true"})
    with pytest.raises(PermissionDenied):
        enrolment.recognise(str(host.uuid), secret)


# -- the first word --------------------------------------------------------------------


def say(url, frame):
    """Send a frame as an agent would; returns the answers until the portal hung up, and its
    close code."""
    answers = []
    with connect(url) as line:
        line.send(frame if isinstance(frame, str) else json.dumps(frame))
        with contextlib.suppress(ConnectionClosed):
            for text in line:
                answers.append(json.loads(text)["type"])
        return answers, line.close_code


@pytest.mark.parametrize(
    "hello, code",
    [
        ({"type": "hello", "version": 1, "token": "guess", "facts": protocol.to_wire(FACTS)}, 4401),
        ({"type": "hello", "version": 1, "host": UUID, "secret": "guess"}, 4401),
        ({"type": "hello", "version": 1, "host": {"a": 1}, "secret": ["x"]}, 4401),
        ({"type": "hello", "version": 1, "token": "guess", "facts": {"name": 1}}, 4401),
        ({"type": "hello", "version": 2, "token": "guess", "facts": {}}, 4401),
        ({"type": "event", "event": {}}, 4400),
        ([1], 4400),
        ("not json", 4400),
    ],
)
def test_who_does_not_show_who_it_is_is_hung_up_on(portal, hello, code):
    answers, closed = say(portal, hello)
    assert closed == code
    assert answers == (["refused"] if code == 4401 else [])
    assert not Host.everything.exists()


def test_a_browser_cannot_speak_as_an_agent(portal):
    with pytest.raises(InvalidStatus), connect(portal, origin="https://evil.example"):
        pass


# -- a whole line ----------------------------------------------------------------------


@pytest.fixture
def portal():
    """The portal's side on a loopback port."""
    config = uvicorn.Config(
        URLRouter(websocket_urlpatterns), host="127.0.0.1", port=0, lifespan="off",
        ws="websockets-sansio", log_config=None, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True
    )
    thread.start()
    wait_for(lambda: server.started)
    yield f"ws://127.0.0.1:{listening.getsockname()[1]}/agent"
    server.should_exit = True
    thread.join(10)
    listening.close()


def wait_for(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


class Far:
    """A machine elsewhere, with a simulated hypervisor and a real agent's line."""

    def __init__(self, url: str, folder: Path, token: str = "") -> None:
        self.world = World()
        self.agent = simulated_agent(
            AgentConfig(data=folder, name="far", host_uuid=UUID), self.world
        )
        self.file = folder / "host.json"
        self.link = Link(self.agent, url, CredentialFile(self.file), token=token)
        self.ended: list[BaseException] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.task = self.loop.create_task(self.link.run())
        try:
            self.loop.run_until_complete(self.task)
        except Refused as refusal:
            self.ended.append(refusal)
        except asyncio.CancelledError:
            pass
        finally:
            self.loop.close()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # its loop has ended by itself
            self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(5)


@pytest.fixture
def far(portal, tmp_path, cluster):
    machine = Far(portal, tmp_path, new_token(cluster))
    wait_for(lambda: Host.objects.exists() and remote.find(Host.objects.get()) is not None)
    yield machine
    machine.stop()


def test_a_machine_joins_with_its_token_and_comes_back_with_its_secret(far, portal, tmp_path):
    run_everything()
    host = Host.objects.get()
    assert (host.name, host.status, host.machine, host.cpus) == ("far", "Up", UUID, 32)
    assert stat.S_IMODE(far.file.stat().st_mode) == 0o600

    far.stop()
    wait_for(lambda: remote.find(host) is None)
    with pytest.raises(protocol.HostUnavailable, match="not connected"):
        agents.call(host, "host.facts")

    again = Far(portal, tmp_path)
    wait_for(lambda: remote.find(host) is not None)
    assert agents.call(host, "host.facts").name == "far"
    again.stop()


def test_errors_progress_and_events_cross(far):
    host = Host.objects.get()
    with pytest.raises(protocol.NoSuchDomain, match="has no domain"):
        agents.call(host, "domain.reboot", protocol.RebootDomain("nobody"))

    heard = []
    agents.link_for(host).listen(heard.append)
    spec = protocol.DomainSpec(uuid="u1", name="i-2-3-VM", vcpus=1, memory_mb=64)
    assert agents.call(host, "domain.start", protocol.StartDomain(spec)).power == "PowerOn"
    far.world.kill_guest(UUID, "u1")
    wait_for(lambda: [(e.uuid, e.power) for e in heard] == [("u1", "PowerOn"), ("u1", "PowerOff")])


class Run:
    """A job that gives up at the first sign of progress."""

    job_uuid, correlation_id, results = "j", "c", {}

    def __init__(self, error=None):
        self.error, self.seen = error, []

    def fences(self):
        return {"vm:1": 7}

    def progress(self, percent, note=""):
        self.seen.append(percent)
        if self.error:
            raise self.error


def install(host, run):
    """An operation that reports progress as it goes."""
    store = protocol.StoreRef("s", "/store")
    rules = protocol.EgressRules()
    wanted = protocol.DownloadImage("http://x/y", protocol.StorePath(store, "t"), "QCOW2",
                                    rules=rules)  # fmt: skip
    agents.call(host, "store.prepare", protocol.PrepareStore(store), run)
    return agents.call(host, "image.download", wanted, run)


def test_a_cancelled_call_ends_on_the_host_too(far):
    host = Host.objects.get()
    far.world.web["http://x/y"] = protocol.ImageInfo(10**9, 10**6, "qcow2", "{SHA-512}0")
    run = Run()
    assert install(host, run).virtual_bytes == 10**9
    assert run.seen
    with pytest.raises(protocol.Cancelled):
        install(host, Run(protocol.Cancelled("stop")))


def test_an_older_lease_is_refused_across_the_line(far):
    host = Host.objects.get()
    agents.call(host, "host.facts", run=Run())

    class Late(Run):
        def fences(self):
            return {"vm:1": 6}

    with pytest.raises(protocol.StaleFence):
        agents.call(host, "host.facts", run=Late())


def test_who_waits_is_told_at_once_when_the_line_breaks(far):
    host = Host.objects.get()
    far.world.faults.delay("host.facts", 20)
    outcome = []

    def ask():
        try:
            agents.call(host, "host.facts")
        except protocol.AgentError as error:
            outcome.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.2)
    began = time.monotonic()
    far.stop()
    asking.join(5)
    assert time.monotonic() - began < 3
    assert "hung up" in str(outcome[0])
    assert outcome[0].transient


def test_a_removed_host_is_hung_up_on_and_not_let_in_again(far):
    run_everything()
    host = Host.objects.get()
    execute(admin_caller(), "deleteHost", {"id": str(host.uuid)})
    wait_for(lambda: far.ended)
    assert "not valid" in str(far.ended[0])
