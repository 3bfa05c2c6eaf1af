"""A router's configuration: what a spec becomes, and that no value can leave its place."""

import base64
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import protocol as p
from agent.network import rendering
from agent.network.host_side import rules as host_rules

HOST = p.DhcpHost("02:01:00:00:00:01", "10.1.1.10", "fd00:1::10", "web-1")
NETWORK = p.RouterNetwork(
    bridge=p.BridgeSpec("cpbr7"), gateway4="10.1.1.1", prefix4=24, gateway6="fd00:1::1",
    domain="cs1.internal", dns=("9.9.9.9", "2620:fe::fe"), mtu=1450, hosts=(HOST,),
    metadata=(p.GuestMetadata("10.1.1.10", {"local-hostname": "web-1"}, "aGk=", "s3cret"),),
)  # fmt: skip
SPEC = p.RouterSpec(
    "6a5d1c9e-0000-4000-8000-000000000001", "r-12-VM", 3, (NETWORK,),
    "100.64.0.2/30", "100.64.0.1/30",
)  # fmt: skip


def rendered(**changes) -> rendering.Wanted:
    network = dataclasses.replace(NETWORK, **changes)
    return rendering.render(dataclasses.replace(SPEC, networks=(network,)), "/run/r")


def with_host(**changes) -> rendering.Wanted:
    return rendered(hosts=(dataclasses.replace(HOST, **changes),))


def test_names_are_short_enough_for_the_kernel_and_do_not_depend_on_the_order():
    other = dataclasses.replace(NETWORK, bridge=p.BridgeSpec("cpbr8"), gateway4="10.2.1.1")
    both = rendering.render(dataclasses.replace(SPEC, networks=(NETWORK, other)), "/run/r")
    turned = rendering.render(dataclasses.replace(SPEC, networks=(other, NETWORK)), "/run/r")
    assert set(both.links) == set(turned.links)
    for link in both.all_links():
        assert len(link.inside) <= 15
        assert len(link.outside) <= 15


def test_a_router_has_an_address_that_no_guest_can_choose():
    assert rendered().links[0].mac.startswith("0e:")


def test_dhcp_knows_each_guest_by_its_card():
    one = rendered().dnsmasq[0]
    assert one.dhcp == "02:01:00:00:00:01,10.1.1.10,[fd00:1::10],web-1,86400\n"
    assert one.pairs == {"10.1.1.10": "02:01:00:00:00:01"}


def test_dns_knows_guests_by_short_and_full_name_and_the_metadata_server():
    assert rendered().dnsmasq[0].hosts.splitlines() == [
        "10.1.1.1 data-server",
        "10.1.1.10 web-1.cs1.internal web-1",
        "fd00:1::10 web-1.cs1.internal web-1",
    ]


def test_no_guest_answers_for_the_metadata_server():
    one = with_host(hostname="Data-Server").dnsmasq[0]
    assert one.hosts == "10.1.1.1 data-server\n"
    assert "data-server" not in one.dhcp


def test_the_config_serves_both_families():
    lines = rendered().dnsmasq[0].config.splitlines()
    for line in (
        "dhcp-range=10.1.1.0,static,255.255.255.0,86400",
        "dhcp-range=fd00:1::,static,slaac,64,86400",
        "enable-ra",
        "dhcp-option=option:router,10.1.1.1",
        "dhcp-option=option:mtu,1450",
        "server=9.9.9.9",
        "server=2620:fe::fe",
        "local=/cs1.internal/",
        "no-ping",
    ):
        assert line in lines


def test_a_network_without_dns_tells_guests_the_resolvers():
    config = rendered(serve_dns=False).dnsmasq[0].config
    assert "port=0\n" in config
    assert "dhcp-option=option:dns-server,9.9.9.9\n" in config
    assert "dhcp-option=option6:dns-server,[2620:fe::fe]\n" in config


def test_a_network_with_neither_has_no_dnsmasq():
    assert rendered(dhcp=False, serve_dns=False).dnsmasq == ()


def test_options_of_one_guest_carry_its_tag_and_may_be_withheld():
    one = with_host(options={"42": "10.1.1.9", "router": ""}).dnsmasq[0]
    assert "set:m020100000001," in one.dhcp
    assert one.options == "tag:m020100000001,42,10.1.1.9\ntag:m020100000001,option:router\n"


def test_guests_may_go_out_only_with_an_address_of_their_network():
    assert 'ip saddr 10.1.1.0/24 oifname "uplink" accept' in rendered().rules
    assert 'oifname "uplink" masquerade' in rendered().rules


def test_further_subnets_have_their_own_router_and_way_out():
    wanted = rendered(more4=(p.Subnet4("10.6.0.1", 24),))
    assert wanted.links[0].addresses[:2] == ("10.1.1.1/24", "10.6.0.1/24")
    lines = wanted.dnsmasq[0].config.splitlines()
    for line in (
        "dhcp-range=set:subnet0,10.6.0.0,static,255.255.255.0,86400",
        "dhcp-option=tag:subnet0,option:router,10.6.0.1",
        "dhcp-option=tag:subnet0,option:dns-server,10.6.0.1",
    ):
        assert line in lines
    assert 'ip saddr { 10.1.1.0/24, 10.6.0.0/24 } oifname "uplink" accept' in wanted.rules


def test_a_public_address_takes_the_place_of_the_link_to_the_host():
    public = p.PublicUplink(p.BridgeSpec("cppub1-0"), "192.0.2.10/24", "192.0.2.1")
    wanted = rendering.render(dataclasses.replace(SPEC, public=public), "/run/r")
    assert (wanted.uplink.bridge, wanted.gateway) == ("cppub1-0", "192.0.2.1")
    assert (wanted.host4, wanted.uplink_address) == ("", "")
    assert 'oifname "uplink" snat ip to 192.0.2.10' in wanted.rules


@pytest.mark.parametrize("gateway", ["192.0.3.1", "192.0.2.10"])
def test_a_public_gateway_is_a_neighbour(gateway):
    public = p.PublicUplink(p.BridgeSpec("cppub1-0"), "192.0.2.10/24", gateway)
    with pytest.raises(p.NetworkFailed, match="is not a gateway for"):
        rendering.render(dataclasses.replace(SPEC, public=public), "/run/r")


def test_without_an_uplink_there_is_no_way_out():
    wanted = rendering.render(dataclasses.replace(SPEC, uplink4="", host4=""), "/run/r")
    assert wanted.uplink is None
    assert "masquerade" not in wanted.rules
    assert "oifname" not in wanted.rules


def test_without_nat_nothing_is_masqueraded():
    wanted = rendering.render(dataclasses.replace(SPEC, nat=False), "/run/r")
    assert "masquerade" not in wanted.rules


def test_metadata_is_bound_to_the_card_of_the_guest():
    guest = json.loads(rendered().metadata)["guests"]["10.1.1.10"]
    assert guest == {
        "mac": "02:01:00:00:00:01", "entries": {"local-hostname": "web-1"}, "user_data": "aGk=",
        "password": "s3cret",
    }  # fmt: skip


def test_the_host_keeps_guests_from_its_own_services():
    text = host_rules((8080,), "", "x")
    assert "tcp dport { 53, 8080 } accept" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"hostname": "a\nserver=/x/6.6.6.6"}, {"hostname": "a,b"}, {"hostname": "-x"},
        {"hostname": "名"}, {"ip4": "10.1.1.10,evil"}, {"ip6": "fd00::1]"},
        {"mac": "02:01:00:00:00:01\n"}, {"mac": "id:*"},
        {"options": {"42": "a\nb"}}, {"options": {"0": "a"}}, {"options": {"255": "a"}},
        {"options": {"option:x": "a"}}, {"options": {"x,y": "a"}}, {"options": {"12": "a#b"}},
    ],
)  # fmt: skip
def test_what_a_guest_says_cannot_become_configuration(changes):
    with pytest.raises(p.NetworkFailed, match="r-12-VM"):
        with_host(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "a b"}, {"domain": "x\naddn-hosts=/etc/shadow"}, {"dns": ("9.9.9.9#x",)},
        {"gateway4": "10.1.1.1;"}, {"prefix4": 33}, {"prefix6": 0}, {"mtu": 100},
        {"bridge": p.BridgeSpec("x" * 16)}, {"bridge": p.BridgeSpec('a"b')},
        {"metadata": (p.GuestMetadata("10.1.1.10", {"../x": "y"}),)},
        {"metadata": (p.GuestMetadata("10.1.1.10", user_data="not base64!"),)},
    ],
)  # fmt: skip
def test_what_no_network_has_is_refused(changes):
    with pytest.raises(p.NetworkFailed):
        rendered(**changes)


@pytest.mark.parametrize(
    "uplink4, host4",
    [("100.64.0.2/30", "100.64.0.9/30"), ("100.64.0.2/30", "100.64.0.2/30"), ("x", "y")],
)
def test_an_uplink_has_two_ends(uplink4, host4):
    with pytest.raises(p.NetworkFailed):
        rendering.render(dataclasses.replace(SPEC, uplink4=uplink4, host4=host4), "/run/r")


@given(name=st.text(max_size=30), value=st.text(max_size=30))
def test_no_text_whatever_adds_a_line(name, value):
    try:
        one = with_host(hostname=name, options={"15": value}).dnsmasq[0]
    except p.NetworkFailed:
        return
    assert len(one.dhcp.splitlines()) == 1
    assert len(one.options.splitlines()) == 1
    assert len(one.hosts.splitlines()) == (3 if name else 1)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=50), max_size=3), st.binary())
def test_metadata_in_any_script_survives(entries, user_data):
    guest = p.GuestMetadata("10.1.1.10", entries, base64.b64encode(user_data).decode())
    try:
        text = rendered(metadata=(guest,)).metadata
    except p.NetworkFailed:
        return
    assert json.loads(text)["guests"]["10.1.1.10"]["entries"] == entries
