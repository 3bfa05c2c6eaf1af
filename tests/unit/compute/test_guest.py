"""What guests are called and told."""

import base64
import ipaddress
import json
import re

import pytest

from compute import guestdata, spec
from compute.hostnames import hostname_for
from compute.jobs.rows import fresh
from tests.factories import make_cloud, make_network, make_nic, make_vm

UUID = "1b2c3d4e-0000-4000-8000-000000000000"
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    "name, label",
    [
        ("web-1", "web-1"),
        ("Web 1", "web-1"),
        ("Café", "cafe"),
        ("数据库-1", "1-1b2c3d4e"),
        ("наш сайт", "vm-1b2c3d4e"),
        ("mixé 机器", "mixe-1b2c3d4e"),
        ("42", "vm-42"),
        ("--x--", "x"),
        ("…", "vm-1b2c3d4e"),
        ("a" * 80, "a" * 63),
        ("a.b_c/d", "a-b-c-d"),
        ("🚀 rocket", "rocket"),
    ],
)
def test_any_name_makes_a_label(name, label):
    assert hostname_for(name, UUID) == label
    assert LABEL.fullmatch(label)


@pytest.mark.parametrize("name", ["data-server", "Data Server", "-data.server-", "WPAD", "ignore"])
def test_no_machine_takes_a_name_that_other_guests_trust(name):
    label = hostname_for(name, UUID)
    assert label.startswith("vm-")
    assert LABEL.fullmatch(label)


def test_long_names_in_other_scripts_stay_within_a_label():
    assert LABEL.fullmatch(hostname_for("x" * 70 + "机", UUID))


pytestmark = pytest.mark.django_db


@pytest.fixture
def machine(account):
    def make(**more):
        vm = make_vm("Running", account=account, cloud=make_cloud(), **more)
        return fresh(vm), spec.nics_of(vm)

    return make


def test_the_config_drive_has_both_layouts(machine):
    keys = "ssh-ed25519 AAAA one\nssh-ed25519 BBBB two"
    text = base64.b64encode("#!/bin/sh\necho 你好\n".encode()).decode()
    vm, nics = machine(ssh_public_keys=keys, user_data=text, name="web")
    files = guestdata.config_drive(vm, nics, "s3cret-pass").files
    assert files["cloudstack/metadata/local-hostname.txt"] == "web"
    assert files["cloudstack/metadata/public-keys.txt"] == keys
    assert files["cloudstack/metadata/instance-id.txt"] == str(vm.uuid)
    assert files["cloudstack/password/vm_password.txt"] == "s3cret-pass"
    assert files["openstack/latest/user_data"] == "#!/bin/sh\necho 你好\n"
    meta = json.loads(files["openstack/latest/meta_data.json"])
    assert (meta["uuid"], meta["hostname"]) == (str(vm.uuid), "web")
    assert list(meta["public_keys"].values()) == keys.splitlines()
    assert meta["admin_pass"] == "s3cret-pass"
    network = json.loads(files["openstack/latest/network_data.json"])
    assert network["links"][0]["ethernet_mac_address"] == nics[0].address.mac
    assert network["networks"][0]["type"] == "ipv4_dhcp"


def test_a_password_is_on_the_drive_of_one_start_only(machine):
    files = guestdata.config_drive(*machine()).files
    assert not [name for name in files if "password" in name]
    assert "admin_pass" not in files["openstack/latest/meta_data.json"]


def test_without_dhcp_the_address_itself_is_told(machine):
    vm, nics = machine()
    nics[0].network.offering.services = {}
    files = guestdata.config_drive(vm, nics).files
    network = json.loads(files["openstack/latest/network_data.json"])
    told = network["networks"][0]
    assert ipaddress.ip_address(told["ip_address"]) in ipaddress.ip_network("10.1.1.0/24")
    assert (told["netmask"], told["routes"][0]["gateway"]) == ("255.255.255.0", "10.1.1.1")


def test_user_data_that_is_no_text_survives(machine):
    data = bytes(range(256))
    vm, nics = machine(user_data=base64.b64encode(data).decode())
    text = guestdata.config_drive(vm, nics).files["openstack/latest/user_data"]
    assert text.encode(errors="surrogateescape") == data


def test_the_metadata_address_knows_cloudstacks_names(machine):
    vm, nics = machine()
    told = guestdata.entries(vm, nics[0].address.ip4)
    assert told["local-ipv4"] == nics[0].address.ip4
    assert told["vm-id"] == told["instance-id"] == str(vm.uuid)
    assert told["availability-zone"] == vm.zone.name


def test_the_domain_is_described_whole(machine):
    vm, nics = machine(keyboard="uk", boot_type="UEFI", details={"nicAdapter": "e1000"})
    wanted = spec.domain(vm, spec.attachments_of(vm), nics)
    assert (wanted.keyboard, wanted.uefi, wanted.cpu_shares) == ("en-gb", True, 500)
    assert (wanted.disks[0].bus, wanted.nics[0].model) == ("virtio", "e1000")
    assert wanted.name == vm.instance_name


def test_details_never_reach_the_hypervisor_unchecked(machine):
    vm, nics = machine(details={"rootDiskController": "'/><evil/>", "nicAdapter": "x' y='"})
    wanted = spec.domain(vm, spec.attachments_of(vm), nics)
    assert (wanted.disks[0].bus, wanted.nics[0].model) == ("virtio", "virtio")


@pytest.mark.django_db
@pytest.mark.parametrize("kind, guarded", [("Shared", True), ("Isolated", False)])
def test_cards_in_networks_of_several_accounts_are_held_to_their_addresses(kind, guarded):
    vm = make_vm()
    vm.nics.all().delete()
    made = make_nic(vm, make_network(vm.account, zone=vm.zone, guest_type=kind))
    (row,) = spec.nics_of(vm)
    assert row.pk == made.pk
    assert spec.nic(row).guarded is guarded
    assert spec.nic(row).ip4 == made.address.ip4
