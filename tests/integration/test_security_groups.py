"""Security groups before a real guest: what reaches it follows the rules, while it runs."""

from __future__ import annotations

import pytest

from tests.integration.cloud import Cloud
from tests.integration.portal import LabHost, LabPortal, wait_until

pytestmark = pytest.mark.libvirt

CONNECT = """
import socket, sys
s = socket.socket()
s.settimeout(1)
try:
    s.connect((sys.argv[1], 22))
    print(s.recv(3).decode())
except OSError:
    print("nothing")
"""


@pytest.fixture(scope="module")
def cloud(libvirt_uri, guest_image):
    host = LabHost("cpsg")
    host("up", "1")
    portal = LabPortal(host, guest_image.folder)
    try:
        portal.start()
        yield Cloud(portal, host)
    finally:
        portal.stop()
        host("down")


@pytest.fixture(scope="module")
def network(cloud) -> str:
    """A shared network beside the first one, with security groups."""
    client = cloud.client
    (provider,) = client.listNetworkServiceProviders(name="SecurityGroupProvider")[
        "networkserviceprovider"
    ]
    client.updateNetworkServiceProvider(id=provider["id"], state="Enabled", fetch_result=True)
    offerings = client.listNetworkOfferings()["networkoffering"]
    (offering,) = [o for o in offerings if o["name"].endswith("WithSGService")]
    return client.createNetwork(
        name="guarded", displaytext="guarded", zoneid=cloud.zone, networkofferingid=offering["id"],
        gateway="10.77.0.1", netmask="255.255.255.0", startip="10.77.0.10", endip="10.77.0.50",
    )["network"]["id"]  # fmt: skip


def test_rules_decide_who_reaches_a_running_guest(cloud, network):
    client = cloud.client
    made = client.deployVirtualMachine(
        zoneid=cloud.zone, serviceofferingid=cloud.offering, networkids=[network], name="web",
        templateid=cloud.tiny, fetch_result=True,
    )["virtualmachine"]  # fmt: skip
    (group,) = made["securitygroup"]
    assert group["name"] == "default"
    address = made["nic"][0]["ipaddress"]

    def reaches() -> bool:
        return "SSH" in in_router(cloud, network, "python3", "-c", CONNECT, address)

    rule = allow(client, group["id"], "22")
    wait_until(reaches, "the guest's SSH, through its rule", 90)
    client.revokeSecurityGroupIngress(id=rule, fetch_result=True)
    assert not reaches()
    other = allow(client, group["id"], "22", cidr="10.1.2.0/24")
    assert not reaches()  # the router's address is not among these
    client.revokeSecurityGroupIngress(id=other, fetch_result=True)
    allow(client, group["id"], "1", last="65535")
    assert reaches()

    client.stopVirtualMachine(id=made["id"], forced=True, fetch_result=True)
    client.startVirtualMachine(id=made["id"], fetch_result=True)
    wait_until(reaches, "the guest's SSH after a new start", 90)
    cloud.expunge("web")
    listed = cloud.host.run("nft", "list", "ruleset").stdout
    assert "to_ct" not in listed


def allow(client, group: str, first: str, last: str = "", cidr: str = "0.0.0.0/0") -> str:
    answered = client.authorizeSecurityGroupIngress(
        securitygroupid=group, protocol="tcp", startport=first, endport=last or first,
        cidrlist=cidr, fetch_result=True,
    )["securitygroup"]  # fmt: skip
    return next(r["ruleid"] for r in answered["ingressrule"] if r["cidr"] == cidr)


def in_router(cloud: Cloud, network: str, *command: str) -> str:
    routers = cloud.client.listRouters(networkid=network).get("router", [])
    return cloud.host.run("ip", "netns", "exec", routers[0]["name"], *command).stdout
