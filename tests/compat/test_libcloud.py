"""Apache Libcloud from PyPI, unmodified, against the simulator."""

from __future__ import annotations

import subprocess

import pytest
from libcloud.common.types import ProviderError
from libcloud.compute.base import NodeImage, NodeSize
from libcloud.compute.drivers.cloudstack import CloudStackNetworkOffering
from libcloud.compute.providers import get_driver
from libcloud.compute.types import InvalidCredsError, NodeState, Provider

pytestmark = pytest.mark.compat


def driver_for(portal, secret):
    driver = get_driver(Provider.CLOUDSTACK)(
        key=portal.key, secret=secret, host=portal.host, port=portal.port,
        path="/client/api", secure=False,
    )  # fmt: skip
    driver.connection.poll_interval = 0.1
    return driver


@pytest.fixture
def driver(portal):
    return driver_for(portal, portal.secret)


def test_wrong_keys_are_told_apart(portal):
    with pytest.raises(InvalidCredsError):
        driver_for(portal, "wrong" * 10).list_locations()


def test_places_images_and_sizes(driver):
    assert [z.name for z in driver.list_locations()] == ["zone-1"]
    assert all(isinstance(i, NodeImage) for i in driver.list_images())
    sizes = driver.list_sizes()
    assert all(isinstance(s, NodeSize) for s in sizes)
    assert any(s.ram for s in sizes)


def test_lists_that_are_empty_are_empty(driver):
    assert driver.list_nodes() == []
    assert driver.list_volumes() == []
    assert driver.ex_list_networks()


def test_a_refusal_reaches_the_caller(driver):
    with pytest.raises(ProviderError, match="entity does not exist"):
        driver.ex_get_node("5b0a7b9e-6f6e-4f6c-9b1e-0d6d0f0e1a2b")


def fixed_size(driver):
    return next(s for s in driver.list_sizes() if s.ram)


def test_the_life_of_a_node(driver):
    node = driver.create_node(
        name="compat-libcloud", size=fixed_size(driver), image=driver.list_images()[0],
        location=driver.list_locations()[0], networks=driver.ex_list_networks()[:1],
        ex_start_vm=True,
    )  # fmt: skip
    try:
        assert node.state == NodeState.RUNNING
        assert node.name == "compat-libcloud"
        (listed,) = driver.list_nodes()
        assert listed.id == node.id
        assert listed.private_ips or listed.public_ips

        assert driver.ex_stop(node) == "Stopped"
        assert driver.ex_start(node) == "Running"
        assert driver.reboot_node(node)

        pair = driver.create_key_pair("compat-pair")
        assert "PRIVATE KEY" in pair.private_key
        assert [p.name for p in driver.list_key_pairs()] == ["compat-pair"]
        driver.delete_key_pair(pair)  # answers False: it waits for a text where JSON has true
        assert driver.list_key_pairs() == []

        offering = next(o for o in driver.ex_list_disk_offerings() if o.customizable)
        volume = driver.create_volume(1, "compat-volume", ex_volume_type=offering.name)
        assert driver.attach_volume(node, volume)
        (shown,) = [v for v in driver.list_volumes() if v.name == "compat-volume"]
        assert shown.size == 2**30
        assert driver.detach_volume(volume)
        assert driver.destroy_volume(volume)
    finally:
        assert driver.destroy_node(node, ex_expunge=True)
    assert driver.list_nodes() == []


def network_offering(driver):
    """Libcloud's own list wants the router's service offering of each, which not every one has."""
    given = {"guestiptype": "Isolated", "state": "Enabled", "sourcenatsupported": "true"}
    found = driver._sync_request("listNetworkOfferings", params=given)["networkoffering"][0]
    return CloudStackNetworkOffering(
        found["name"], found["displaytext"], found["guestiptype"], found["id"], None,
        found["forvpc"], driver,
    )  # fmt: skip


def test_a_second_network_another_size_and_a_snapshot(driver):
    place = driver.list_locations()[0]
    node = driver.create_node(
        name="compat-more", size=fixed_size(driver), image=driver.list_images()[0], location=place,
        networks=driver.ex_list_networks()[:1], ex_start_vm=True,
    )  # fmt: skip
    try:
        network = driver.ex_create_network("More", "compat-more", network_offering(driver), place)
        assert driver.ex_attach_nic_to_node(node, network)
        first, second = driver.ex_list_nics(node)
        assert (first.is_default, second.is_default) == (True, False)
        assert second.network_id == network.id
        assert driver.ex_detach_nic_from_node(second, node)
        assert driver.ex_delete_network(network)

        assert driver.ex_stop(node) == "Stopped"
        other = next(s for s in driver.list_sizes() if s.ram and s.id != fixed_size(driver).id)
        assert driver.ex_change_node_size(node, other) == other.id

        root = next(v for v in driver.list_volumes() if v.extra["instance_id"] == node.id)
        snapshot = driver.create_volume_snapshot(root)
        assert [s.id for s in driver.list_snapshots()] == [snapshot.id]
        image = driver.ex_create_snapshot_template(
            snapshot, "compat-image", driver.ex_list_os_types()[0]["id"], displaytext="Image"
        )
        assert image.name == "compat-image"
        driver._async_request("deleteTemplate", params={"id": image.id})  # it has no word for it
        assert driver.destroy_volume_snapshot(snapshot)
    finally:
        assert driver.destroy_node(node, ex_expunge=True)


def test_keys_of_ones_own(driver, tmp_path):
    name = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name], check=True)
    pair = driver.import_key_pair_from_file("compat-own", f"{name}.pub")
    assert driver.get_key_pair("compat-own").fingerprint == pair.fingerprint
    driver.delete_key_pair(pair)
    assert driver.list_key_pairs() == []


def test_what_is_there_is_listed(driver):
    assert driver.ex_list_disk_offerings()
    assert driver.ex_list_os_types()
    assert driver.ex_list_affinity_group_types()
    assert driver.ex_limits()["max_instances"]
    for nothing_yet in ("list_key_pairs", "ex_list_projects", "ex_list_public_ips",
                        "ex_list_affinity_groups", "ex_list_port_forwarding_rules"):  # fmt: skip
        assert getattr(driver, nothing_yet)() == []


def test_affinity_groups_come_and_go(driver):
    kind = next(k for k in driver.ex_list_affinity_group_types() if k.type == "host anti-affinity")
    made = driver.ex_create_affinity_group("compat-apart", kind)
    assert [g.name for g in driver.ex_list_affinity_groups()] == ["compat-apart"]
    with pytest.raises(Exception, match="already|exists"):
        driver.ex_create_affinity_group("compat-apart", kind)
    assert driver.ex_delete_affinity_group(made)
    assert driver.ex_list_affinity_groups() == []


def test_security_groups_and_their_rules(driver):
    made = driver.ex_create_security_group("compat-web", description="Web")
    rule = driver.ex_authorize_security_group_ingress(
        "compat-web", "tcp", "10.0.0.0/8", startport=80, endport=443
    )
    assert rule
    (shown,) = [g for g in driver.ex_list_security_groups() if g["name"] == "compat-web"]
    (ingress,) = shown["ingressrule"]
    assert (ingress["startport"], ingress["endport"], ingress["cidr"]) == (80, 443, "10.0.0.0/8")
    driver.ex_revoke_security_group_ingress(ingress["ruleid"])
    assert driver.ex_delete_security_group("compat-web")
    assert made["id"]


def test_tags_of_a_node(driver):
    node = driver.create_node(
        name="compat-tags", size=fixed_size(driver), image=driver.list_images()[0],
        location=driver.list_locations()[0], networks=driver.ex_list_networks()[:1],
        ex_start_vm=False,
    )  # fmt: skip
    try:
        assert driver.ex_create_tags([node.id], "UserVm", {"env": "test", "名字": "网站"})
        assert driver.ex_get_node(node.id).extra["tags"] == {"env": "test", "名字": "网站"}
        assert driver.ex_delete_tags([node.id], "UserVm", ["env"])
        assert driver.ex_get_node(node.id).extra["tags"] == {"名字": "网站"}
    finally:
        assert driver.destroy_node(node, ex_expunge=True)
