"""Cards in shared networks send under their own addresses only."""

import pytest

from agent import protocol as p
from agent.network import guarding, shaping

NIC = p.Nic(mac="02:01:00:00:00:01", bridge="cpbr7", device_id=0, ip4="10.1.1.10", guarded=True)


def test_a_guarded_card_is_held_to_its_addresses():
    rules = shaping.nft_rules([NIC])
    for match in (
        "ether saddr != 02:01:00:00:00:01 drop",
        "ether type arp arp saddr ether != 02:01:00:00:00:01 drop",
        "ether type arp arp saddr ip != { 0.0.0.0, 10.1.1.10 } drop",
        "ip saddr != { 0.0.0.0, 10.1.1.10 } drop",
        "udp sport { 67, 547 } drop",
        "icmpv6 type nd-router-advert drop",
    ):
        assert f"ct020100000001 {match}\n" in rules
    assert "limit rate" not in rules


def test_a_limit_goes_with_a_guard_and_without():
    both = shaping.nft_rules([p.Nic("02:01:00:00:00:01", "b", 0, rate_mbps=8, guarded=True)])
    assert both.rindex("limit rate over 1000000 bytes/second") > both.rindex("ether saddr")
    alone = shaping.nft_rules([p.Nic("02:01:00:00:00:01", "b", 0, rate_mbps=8)])
    assert alone.count("drop") == 1


@pytest.mark.parametrize("wrong", [{"mac": "02:01 } drop"}, {"ip4": "10.1.1.1 } accept"}])
def test_nothing_but_addresses_gets_into_the_rules(wrong):
    fields = {"mac": NIC.mac, "ip4": NIC.ip4, **wrong}
    with pytest.raises(p.OperationFailed):
        guarding.matches(p.Nic(bridge="b", device_id=0, **fields))
