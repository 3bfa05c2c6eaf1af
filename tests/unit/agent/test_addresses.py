"""Which addresses downloads may go to."""

import ipaddress

import pytest

from agent.images import addresses

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INTERNAL = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "0.0.0.0", "0.1.2.3", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fc00::1", "fd00::1", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "::10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
    "2002:808:808::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert addresses.is_allowed(ipaddress.ip_address(address), ())


@pytest.mark.parametrize("address", INTERNAL)
def test_all_others_are_not(address):
    assert not addresses.is_allowed(ipaddress.ip_address(address), ())


@pytest.mark.parametrize(
    "address, site",
    [("10.0.0.1", "10.0.0.0/24"), ("127.0.0.1", "127.0.0.1"), ("fd00::1", "fd00::/8"),
     ("::ffff:10.0.0.1", "10.0.0.0/24")],
)  # fmt: skip
def test_listed_sites_are_allowed(address, site):
    sites = addresses.networks((" ", "nonsense", site))
    assert addresses.is_allowed(ipaddress.ip_address(address), sites)
    assert not addresses.is_allowed(ipaddress.ip_address("10.9.9.9"), sites)
