"""Routers in network namespaces, seen from guests, after damage, and when they are gone."""

import dataclasses
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agent import protocol as p
from agent.config import AgentConfig
from agent.network.routers import HostNetwork
from agent.tasks import unhurried
from tests.integration.agent.conftest import HOST_NETWORK, quietly, run
from tests.integration.agent.spaces import (
    CONNECT,
    FETCH,
    RESOLVE,
    fails_inside,
    greeter,
    guest,
    inside,
    links,
)
from tests.unit.agent.contract_network import router

pytestmark = pytest.mark.libvirt

NAME = "cpt-r1"
RUN = Path("/run/cptest-routers")
FIRST = p.DhcpHost("02:01:00:00:00:01", "10.99.0.10", "fd00:99::10", "web-1")
SECOND = p.DhcpHost("02:01:00:00:00:02", "10.99.0.11", hostname="web-2")
OUTSIDE = "198.51.100.1"


def spec(version: int = 1, hosts=(FIRST,), **changes) -> p.RouterSpec:
    wanted = router(NAME, version)
    (network,) = wanted.networks
    metadata = p.GuestMetadata("10.99.0.10", {"local-hostname": "web-1"}, "aGVsbG8=", "s3cret")
    network = dataclasses.replace(network, hosts=hosts, metadata=(metadata,), gateway6="fd00:99::1")
    return dataclasses.replace(wanted, networks=(network,), **changes)


REF = p.RouterRef(spec().uuid, NAME)


def make_network(**changes) -> HostNetwork:
    return HostNetwork(
        AgentConfig(Path("/nowhere"), run=RUN, network_namespace=HOST_NETWORK, **changes)
    )


@pytest.fixture
def network(host_network):
    made = make_network()
    made.remove_router(REF)
    yield made
    made.remove_router(REF)
    made.remove_bridge(p.BridgeSpec("cptbr1"))


@pytest.fixture
def applied(network):
    assert network.apply_router(spec(), unhurried()).problems == ()
    return network


@pytest.fixture
def first_guest(applied):
    with guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1") as name:
        yield name


def folder() -> Path:
    return RUN / "routers" / HOST_NETWORK / NAME


def dnsmasq_pid() -> int:
    (path,) = folder().glob("*.pid")
    return int(path.read_text()) if path.name != "metadata.pid" else 0


def pids() -> dict[str, int]:
    return {path.name: int(path.read_text()) for path in folder().glob("*.pid")}


def test_a_guest_reads_who_it_is(first_guest):
    for base in ("http://169.254.169.254", "http://10.99.0.1"):
        assert inside(first_guest, FETCH, f"{base}/latest/meta-data/local-hostname") == "web-1"
        assert inside(first_guest, FETCH, f"{base}/latest/user-data") == "hello"


def test_a_guest_fetches_its_password_once(applied, first_guest):
    assert applied.router_state(REF).passwords_taken == ()
    url = "http://10.99.0.1:8080/"
    asked = [inside(first_guest, FETCH, url, what) for what in
             ("send_my_password", "saved_password", "send_my_password")]  # fmt: skip
    assert asked == ["s3cret", "saved_password", "saved_password"]
    assert applied.router_state(REF).passwords_taken == ("10.99.0.10",)


def test_a_guest_with_anothers_address_reads_nothing(applied):
    forged = "02:01:00:00:00:66"
    with guest("cpt-forger", "cptbr1", forged, "10.99.0.10/24", "10.99.0.1") as name:
        assert fails_inside(name, FETCH, "http://10.99.0.1/latest/user-data")


def test_names_are_answered_over_both_families(first_guest):
    assert inside(first_guest, RESOLVE, "10.99.0.1", "web-1.cs.internal", "A") == "10.99.0.10"
    assert inside(first_guest, RESOLVE, "10.99.0.1", "web-1.cs.internal", "AAAA") == "fd00:99::10"
    run("ip", "-n", first_guest, "addr", "add", "fd00:99::10/64", "dev", "eth0", "nodad")
    assert inside(first_guest, RESOLVE, "fd00:99::1", "web-1.cs.internal", "A") == "10.99.0.10"


def test_the_way_out_hides_the_guest_behind_the_host(first_guest):
    with greeter("cpt-outside", 7001):
        assert inside(first_guest, CONNECT, OUTSIDE, "7001") == "198.51.100.2"


def test_a_forged_source_does_not_leave(first_guest):
    run("ip", "-n", first_guest, "addr", "add", "10.55.0.1/32", "dev", "eth0")
    run("ip", "-n", first_guest, "route", "replace", "default", "via", "10.99.0.1",
        "src", "10.55.0.1")  # fmt: skip
    run("ip", "-n", NAME, "route", "add", "10.55.0.1/32", "via", "10.99.0.10")
    with greeter("cpt-outside", 7002):
        assert fails_inside(first_guest, CONNECT, OUTSIDE, "7002")


@pytest.mark.parametrize("address", ["100.64.9.1", "198.51.100.2"])
def test_the_hosts_own_services_are_out_of_reach_unless_opened(first_guest, applied, address):
    with greeter(HOST_NETWORK, 7003):
        assert fails_inside(first_guest, CONNECT, address, "7003")
        opened = make_network(router_host_ports=(7003,))
        assert opened.apply_router(spec(), unhurried()).problems == ()
        assert inside(first_guest, CONNECT, address, "7003") == "100.64.9.2"


def test_nothing_from_outside_comes_in_unasked(first_guest):
    run("ip", "-n", "cpt-outside", "route", "replace", "100.64.9.0/30", "via", "198.51.100.2")
    with greeter(NAME, 7004):
        assert fails_inside("cpt-outside", CONNECT, "100.64.9.2", "7004")


def test_a_new_guest_is_known_without_a_restart(applied, first_guest):
    before = pids()
    began = time.monotonic()
    assert applied.apply_router(spec(2, (FIRST, SECOND)), unhurried()).problems == ()
    took = time.monotonic() - began
    assert pids() == before

    def known() -> bool:
        return inside(first_guest, RESOLVE, "10.99.0.1", "web-2.cs.internal", "A") == "10.99.0.11"

    end = time.monotonic() + 5
    while not known() and time.monotonic() < end:
        time.sleep(0.05)
    assert known()
    assert took < 5, "an added guest must not cost a rebuild"


def test_an_address_that_changes_hands_is_not_held_for_its_old_owner(applied):
    (leases,) = folder().glob("*.leases")
    leases.write_text(f"9999999999 {FIRST.mac} 10.99.0.10 web-1 *\n9999999999 {SECOND.mac} "
                      "10.99.0.11 web-2 *\n")  # fmt: skip
    before = pids()
    successor = dataclasses.replace(SECOND, ip4="10.99.0.10", hostname="web-3")
    assert applied.apply_router(spec(2, (successor,)), unhurried()).problems == ()
    assert FIRST.mac not in leases.read_text()
    assert SECOND.mac in leases.read_text()
    assert {name for name in before if pids()[name] != before[name]} == {leases.stem + ".pid"}


def test_the_programs_outlive_the_agent(applied):
    before = pids()
    successor = make_network()
    assert successor.apply_router(spec(), unhurried()).problems == ()
    assert successor.router_state(REF).version == 1
    assert pids() == before


def kill_dnsmasq():
    for name, pid in pids().items():
        if name != "metadata.pid":
            os.kill(pid, signal.SIGKILL)


def kill_metadata():
    os.kill(pids()["metadata.pid"], signal.SIGKILL)


DAMAGES = {
    "dnsmasq killed": kill_dnsmasq,
    "metadata server killed": kill_metadata,
    "firewall flushed": lambda: run(
        "nsenter", f"--net=/run/netns/{NAME}", "nft", "flush", "ruleset"
    ),
    "gateway address lost": lambda: run("ip", "-n", NAME, "addr", "flush", "to", "10.99.0.1"),
    "uplink pulled": lambda: run("ip", "-n", NAME, "link", "del", "uplink"),
    "default route lost": lambda: run("ip", "-n", NAME, "route", "del", "default"),
    "link down": lambda: run("ip", "-n", NAME, "link", "set", "uplink", "down"),
    "off its bridge": lambda: run(
        "ip", "-n", HOST_NETWORK, "link", "set",
        next(name for name in links(HOST_NETWORK) if name.startswith("cpv")), "nomaster",
    ),
    "bridge deleted": lambda: run("ip", "-n", HOST_NETWORK, "link", "del", "cptbr1"),
    "namespace deleted": lambda: (
        subprocess.run(["ip", "netns", "pids", NAME], check=True, capture_output=True),
        run("ip", "netns", "del", NAME),
    ),
    "host table deleted": lambda: run(
        "nsenter", f"--net=/run/netns/{HOST_NETWORK}", "nft", "delete", "table", "inet",
        "cloudportal_host",
    ),
    "a stray device": lambda: run("ip", "-n", NAME, "link", "add", "netstray", "type", "ifb"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_mended(applied, damage):
    DAMAGES[damage]()
    found = applied.router_state(REF)
    assert found.problems, "the damage was not noticed"
    assert applied.apply_router(spec(), unhurried()).problems == ()
    assert applied.router_state(REF) == p.RouterState(REF.uuid, 1, running=True)
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1") as name,
        greeter("cpt-outside", 7005),
    ):
        assert inside(name, CONNECT, OUTSIDE, "7005") == "198.51.100.2"
        assert inside(name, FETCH, "http://169.254.169.254/latest/user-data") == "hello"
        assert inside(name, RESOLVE, "10.99.0.1", "web-1.cs.internal", "A") == "10.99.0.10"


def test_a_removed_router_leaves_nothing(applied):
    running = pids()
    applied.remove_router(REF)
    applied.remove_bridge(p.BridgeSpec("cptbr1"))
    assert not Path(f"/run/netns/{NAME}").exists()
    assert not folder().exists()
    assert set(links(HOST_NETWORK)) == {"lo", "eth0"}
    rules = run("nsenter", f"--net=/run/netns/{HOST_NETWORK}", "nft", "list", "ruleset")
    assert rules.strip() == ""
    forwarding = "net.ipv4.conf.eth0.forwarding"
    argv = ("nsenter", f"--net=/run/netns/{HOST_NETWORK}", "sysctl", "-n", forwarding)
    assert run(*argv).strip() == "0"
    for pid in running.values():
        assert not Path(f"/proc/{pid}/ns/net").exists() or _is_dead(pid)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def test_a_killed_apply_is_completed_by_the_next(network, monkeypatch):
    """The agent dies between two steps; whatever the step, applying again ends well."""
    from agent.network import routers as module

    steps = ["_mend_links", "_load_rules", "_apply_daemons", "remember"]
    for step in steps:
        with monkeypatch.context() as patch:
            patch.setattr(module._Router, step, _die)
            with pytest.raises(KeyboardInterrupt):
                network.apply_router(spec(), unhurried())
        assert network.apply_router(spec(), unhurried()).problems == ()
        network.remove_router(REF)


def _die(*_):
    raise KeyboardInterrupt


def test_a_namespace_of_somebody_else_is_left_alone(network):
    run("ip", "netns", "add", NAME)
    try:
        with pytest.raises(p.NetworkFailed, match="not ours"):
            network.apply_router(spec(), unhurried())
        network.remove_router(REF)
        assert Path(f"/run/netns/{NAME}").exists()
    finally:
        quietly("ip", "netns", "del", NAME)


def test_a_router_of_an_earlier_installation_makes_room(applied):
    other = dataclasses.replace(spec(), uuid="99999999-0000-4000-8000-000000000001")
    assert applied.apply_router(other, unhurried()).problems == ()
    assert applied.router_state(REF) == p.RouterState(REF.uuid, 0, running=False)
    applied.remove_router(REF)  # No longer ours to remove.
    assert applied.router_state(p.RouterRef(other.uuid, NAME)).running
    applied.remove_router(p.RouterRef(other.uuid, NAME))


def test_two_networks_of_one_router_do_not_reach_each_other(network):
    one = spec()
    other = dataclasses.replace(
        one.networks[0], bridge=p.BridgeSpec("cptbr2"), gateway4="10.98.0.1", gateway6="",
        hosts=(), metadata=(),
    )  # fmt: skip
    both = dataclasses.replace(one, networks=(*one.networks, other))
    assert network.apply_router(both, unhurried()).problems == ()
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1") as first,
        guest("cpt-web-9", "cptbr2", "02:01:00:00:00:09", "10.98.0.10/24", "10.98.0.1") as second,
        greeter(second, 7006),
    ):
        assert inside(second, CONNECT, "10.98.0.10", "7006") == "10.98.0.10"
        assert fails_inside(first, CONNECT, "10.98.0.10", "7006")
    # Back to one: the other's device and dnsmasq go.
    assert network.apply_router(dataclasses.replace(one, version=2), unhurried()).problems == ()
    assert len(list(folder().glob("*.conf"))) == 1
    network.remove_bridge(p.BridgeSpec("cptbr2"))


def test_a_uplink_with_the_hosts_address_is_not_taken(network):
    with pytest.raises(p.NetworkFailed, match="this machine's own address"):
        network.apply_bridge(p.BridgeSpec("cptbr3", uplink="eth0"))
    assert links(HOST_NETWORK)["eth0"].get("master") is None
    network.remove_bridge(p.BridgeSpec("cptbr3"))


def test_bridges_of_others_stay_and_busy_ones_too(network):
    run("ip", "-n", HOST_NETWORK, "link", "add", "cptbr4", "type", "bridge")
    try:
        network.apply_bridge(p.BridgeSpec("cptbr4"))
        network.remove_bridge(p.BridgeSpec("cptbr4"))
        assert "cptbr4" in links(HOST_NETWORK)
    finally:
        run("ip", "-n", HOST_NETWORK, "link", "del", "cptbr4")
    network.apply_bridge(p.BridgeSpec("cptbr1"))
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1"),
        pytest.raises(p.NetworkFailed, match="still in use by"),
    ):
        network.remove_bridge(p.BridgeSpec("cptbr1"))


def test_a_device_that_is_no_bridge_and_one_that_is_missing_are_named(network):
    run("ip", "-n", HOST_NETWORK, "link", "add", "cptdummy", "type", "ifb")
    try:
        with pytest.raises(p.NetworkFailed, match="not a bridge"):
            network.apply_bridge(p.BridgeSpec("cptdummy"))
    finally:
        run("ip", "-n", HOST_NETWORK, "link", "del", "cptdummy")
    with pytest.raises(p.NetworkFailed, match="no network device eth9"):
        network.apply_bridge(p.BridgeSpec("cptbr3", uplink="eth9"))
    network.remove_bridge(p.BridgeSpec("cptbr3"))


def test_a_guest_configures_ipv6_by_itself(first_guest):
    """Router advertisements: an address of the network from the card's own number."""

    def has_address() -> bool:
        return "fd00:99::1:ff:fe00:1/64" in run("ip", "-n", first_guest, "-6", "addr", "show")

    end = time.monotonic() + 20
    while not has_address() and time.monotonic() < end:
        time.sleep(0.1)
    assert has_address()
    routes = run("ip", "-n", first_guest, "-6", "route", "show", "default")
    assert "fe80::" in routes
