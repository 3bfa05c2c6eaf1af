"""The simulated hosts that multi-host tests stand on."""

import libvirt
import pytest

from tests.integration.guests import wait_until

pytestmark = pytest.mark.libvirt

GUEST = """
<domain type="qemu">
  <name>i-2-3-VM</name>
  <memory unit="MiB">128</memory>
  <os><type arch="x86_64" machine="pc">hvm</type></os>
  <devices><serial type="null"/></devices>
</domain>
"""


def states_of(uri: str) -> dict[str, bool]:
    """Name of each domain and whether it runs."""
    connection = libvirt.openReadOnly(uri)
    try:
        return {domain.name(): bool(domain.isActive()) for domain in connection.listAllDomains()}
    finally:
        connection.close()


def start_guest(uri: str) -> None:
    connection = libvirt.open(uri)
    try:
        connection.defineXML(GUEST).create()
    finally:
        connection.close()


def test_two_hosts_may_run_guests_of_the_same_name(lab_hosts):
    first, second = lab_hosts(2)
    start_guest(first.uri)
    start_guest(second.uri)
    first.crash()
    assert states_of(second.uri) == {"i-2-3-VM": True}


def test_guests_outlive_libvirtd_but_not_the_power(lab_hosts):
    (host,) = lab_hosts(1)
    start_guest(host.uri)
    host.stop_libvirtd()
    with pytest.raises(libvirt.libvirtError):
        states_of(host.uri)
    host.start_libvirtd()
    assert states_of(host.uri) == {"i-2-3-VM": True}
    host.crash()
    host.start()
    assert states_of(host.uri) == {"i-2-3-VM": False}


def test_hosts_see_each_other_on_their_network(lab_hosts):
    first, second = lab_hosts(2)
    first.run("sh", "-c", "python3 -m http.server --bind 10.212.0.11 8000 >/dev/null 2>&1 &")
    ask = f"import urllib.request as r; print(r.urlopen('http://{first.address}:8000').status)"

    def answered() -> bool:
        return second.run("sh", "-c", f'python3 -c "{ask}" 2>/dev/null || true').strip() == "200"

    wait_until(answered, "an answer from the first host", 15)
