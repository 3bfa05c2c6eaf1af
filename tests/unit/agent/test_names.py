"""What may reach a command line or a configuration file, and what may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import names
from agent.protocol import OperationFailed


@pytest.mark.parametrize(
    "name", ["a", "0a8f6d2e-volume.qcow2", "template/2/201/abc", "x" * 200, "v+1_2"]
)
def test_our_file_names_lie_under_their_folder(name):
    assert str(names.file_under("/pool", name)) == f"/pool/{name}"


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/../b", "/etc/passwd", ".hidden", "a/.b", "a b", "a\n", "a\0b", "ü",
     "x" * 201, "-rf", "a;b", "$(x)", "json:{}", "nbd:h:1"],
)  # fmt: skip
def test_other_file_names_are_refused(name):
    with pytest.raises(OperationFailed):
        names.file_under("/pool", name)


def test_a_relative_folder_is_refused():
    with pytest.raises(OperationFailed):
        names.file_under("pool", "a")


@given(st.text(max_size=40))
def test_no_file_name_ever_leaves_its_folder(name):
    try:
        path = names.file_under("/pool", name)
    except OperationFailed:
        return
    assert str(path.resolve()).startswith("/pool/")
    assert str(path).isprintable()


@pytest.mark.parametrize("mac", ["02:00:4c:00:00:01", "06:FF:00:00:00:aA"])
def test_unicast_macs_are_lowered(mac):
    assert names.mac(mac) == mac.lower()


@pytest.mark.parametrize(
    "mac", ["", "02:00:4c:00:00", "01:00:5e:00:00:01", "02-00-4c-00-00-01", "02:00:4c:00:00:01\n"]
)
def test_other_macs_are_refused(mac):
    with pytest.raises(OperationFailed):
        names.mac(mac)


def test_a_tap_is_a_function_of_its_mac_and_short_enough():
    assert names.tap("02:00:4C:00:00:01") == "ct02004c000001"
    assert len(names.tap("02:00:4c:00:00:01")) <= 15


@pytest.mark.parametrize("value", ["10.1.1", "10.1.1.1/24", "010.1.1.1", "::1", "1.2.3.4 ", ""])
def test_what_is_not_an_ipv4_address_is_refused(value):
    with pytest.raises(OperationFailed):
        names.ip4(value)


@pytest.mark.parametrize("value", ["fe80::1%eth0", "10.1.1.1", "::g", ""])
def test_what_is_not_an_ipv6_address_is_refused(value):
    with pytest.raises(OperationFailed):
        names.ip6(value)


@pytest.mark.parametrize("value", ["-a", "a-", "a.b", "a_b", "", "a" * 64, "a\n", "名"])
def test_what_is_not_a_host_name_is_refused(value):
    with pytest.raises(OperationFailed):
        names.label(value)


def test_domains_lose_the_dot_at_their_end():
    assert names.domain("cs1.cloud.internal.") == "cs1.cloud.internal"


@pytest.mark.parametrize("value", ["a b", "x" * 16, "", "1eth", "eth0\n", "../x", "eth0;"])
def test_what_is_not_a_device_is_refused(value):
    with pytest.raises(OperationFailed):
        names.device(value)
