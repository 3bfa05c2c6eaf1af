"""Bridges on a card, on the host's own bridge and on VXLAN; routers with a public address.

VLANs are in tests/unit/agent/test_uplinks.py: not every kernel these tests run on knows them.
"""

import dataclasses

import pytest

from agent import protocol as p
from agent.tasks import unhurried
from tests.integration.agent.conftest import HOST_NETWORK, quietly, run
from tests.integration.agent.spaces import CONNECT, greeter, guest, inside, links
from tests.integration.agent.test_routers import FIRST, REF, make_network, spec

pytestmark = pytest.mark.libvirt

ISP = "cpt-isp"  # plays the provider's router, and another host of the cloud
PUBLIC = p.PublicUplink(
    p.BridgeSpec("cptpub", uplink="cptwire"), "203.0.113.10/24", "203.0.113.1"
)


@pytest.fixture
def wire(host_network):
    """A card of the host, ``cptwire``, whose other end is in the namespace ISP."""
    quietly("ip", "netns", "del", ISP)
    run("ip", "netns", "add", ISP)
    peer = ("peer", "name", "eth0", "netns", ISP)
    run("ip", "-n", HOST_NETWORK, "link", "add", "cptwire", "type", "veth", *peer)
    for space, device in ((HOST_NETWORK, "cptwire"), (ISP, "eth0"), (ISP, "lo")):
        run("ip", "-n", space, "link", "set", device, "up")
    yield "cptwire"
    quietly("ip", "-n", HOST_NETWORK, "link", "del", "cptwire")
    quietly("ip", "netns", "del", ISP)


@pytest.fixture
def network(wire):
    made = make_network()
    made.remove_router(REF)
    yield made
    made.remove_router(REF)
    for name in ("cptbr1", "cptpub", "cptbr5"):
        quietly("ip", "-n", HOST_NETWORK, "link", "del", name)


def isp_has(address: str) -> None:
    run("ip", "-n", ISP, "addr", "add", address, "dev", "eth0")


def reaches_the_isp(bridge: str, address: str) -> bool:
    port = "7100"
    with (
        guest("cpt-web-1", bridge, FIRST.mac, "10.99.0.10/24", address) as one,
        greeter(ISP, int(port)),
    ):
        return inside(one, CONNECT, address, port) == "10.99.0.10"


def test_guests_go_out_with_the_routers_public_address(network):
    isp_has("203.0.113.1/24")
    wanted = dataclasses.replace(spec(), uplink4="", host4="", public=PUBLIC)
    assert network.apply_router(wanted, unhurried()).problems == ()
    assert network.router_state(REF).problems == ()
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1") as one,
        greeter(ISP, 7101),
    ):
        assert inside(one, CONNECT, "203.0.113.1", "7101") == "203.0.113.10"


def test_guests_of_a_further_subnet_go_out_too(network):
    isp_has("203.0.113.1/24")
    wanted = dataclasses.replace(spec(), public=PUBLIC)
    more = dataclasses.replace(wanted.networks[0], more4=(p.Subnet4("10.98.0.1", 24),))
    wanted = dataclasses.replace(wanted, networks=(more,))
    assert network.apply_router(wanted, unhurried()).problems == ()
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.98.0.10/24", "10.98.0.1") as one,
        greeter(ISP, 7103),
    ):
        assert inside(one, CONNECT, "203.0.113.1", "7103") == "203.0.113.10"


def test_a_router_moves_from_the_hosts_address_to_a_public_one_and_back(network):
    isp_has("203.0.113.1/24")
    by_host = spec()
    assert network.apply_router(by_host, unhurried()).problems == ()
    public = dataclasses.replace(by_host, version=2, public=PUBLIC)
    assert network.apply_router(public, unhurried()).problems == ()
    table = run("ip", "netns", "exec", HOST_NETWORK, "nft", "list", "tables")
    assert "cloudportal_host" not in table
    again = dataclasses.replace(by_host, version=3)
    assert network.apply_router(again, unhurried()).problems == ()
    with (
        guest("cpt-web-1", "cptbr1", FIRST.mac, "10.99.0.10/24", "10.99.0.1") as one,
        greeter("cpt-outside", 7102),
    ):
        assert inside(one, CONNECT, "198.51.100.1", "7102") == "198.51.100.2"


def test_a_bridge_on_a_card_reaches_what_is_behind_it(network):
    isp_has("10.99.0.7/24")
    bridge = p.BridgeSpec("cptbr5", uplink="cptwire")
    network.apply_bridge(bridge)
    network.apply_bridge(bridge)
    assert reaches_the_isp("cptbr5", "10.99.0.7")
    network.remove_bridge(bridge)
    assert "cptwire" in links(HOST_NETWORK)


def test_a_bridge_of_the_hosts_own_is_joined_and_left_as_it_was(network):
    run("ip", "-n", HOST_NETWORK, "link", "add", "cptcloudbr", "type", "bridge")
    try:
        for device in ("cptcloudbr", "cptwire"):
            run("ip", "-n", HOST_NETWORK, "link", "set", device, "up")
        run("ip", "-n", HOST_NETWORK, "link", "set", "cptwire", "master", "cptcloudbr")
        isp_has("10.99.0.7/24")
        bridge = p.BridgeSpec("cptbr5", uplink="cptcloudbr")
        network.apply_bridge(bridge)
        network.apply_bridge(bridge)
        assert reaches_the_isp("cptbr5", "10.99.0.7")
        network.remove_bridge(bridge)
        left = set(links(HOST_NETWORK))
        assert "cptcloudbr" in left
        assert not any(name.startswith("cpj") for name in left)
    finally:
        run("ip", "-n", HOST_NETWORK, "link", "del", "cptcloudbr")


def test_a_vxlan_carries_a_network_between_hosts(network):
    run("ip", "-n", HOST_NETWORK, "addr", "add", "192.0.2.1/24", "dev", "cptwire")
    isp_has("192.0.2.2/24")
    run("ip", "-n", ISP, "link", "add", "vx", "type", "vxlan", "id", "5001", "group",
        "239.0.19.137", "dstport", "4789", "dev", "eth0")  # fmt: skip
    run("ip", "-n", ISP, "addr", "add", "10.99.0.7/24", "dev", "vx")
    run("ip", "-n", ISP, "link", "set", "vx", "up")
    bridge = p.BridgeSpec("cptbr5", uplink="cptwire", vni=5001)
    network.apply_bridge(bridge)
    assert reaches_the_isp("cptbr5", "10.99.0.7")
    network.remove_bridge(bridge)
    assert "cpvx5001" not in links(HOST_NETWORK)


@pytest.mark.parametrize(
    "bridge, said",
    [
        (p.BridgeSpec("cptbr5", uplink="cptwire.5000"), "VLAN 5000 is out of range"),
        (p.BridgeSpec("cptbr5", uplink="cptnone.10"), "no network device cptnone for VLAN 10"),
        (p.BridgeSpec("cptbr5", uplink="cptnone", vni=10), "no network device cptnone for VNI 10"),
        (p.BridgeSpec("cptbr5", uplink="cptwire", vni=2**24), "VNI 16777216 is out of range"),
    ],
)  # fmt: skip
def test_wires_that_cannot_be_are_named(network, bridge, said):
    with pytest.raises(p.NetworkFailed, match=said):
        network.apply_bridge(bridge)
