"""The words between portal and host as JSON, across versions."""

import dataclasses
import json
import typing

import pytest

from agent import protocol as p

SPEC = p.DomainSpec(
    uuid="u", name="i-2-7-VM", vcpus=2, memory_mb=512,
    disks=(p.Disk(p.DiskRef(p.PoolRef("p", path="/p"), "v"), 0),),
    cdrom=p.Cdrom(p.DiskRef(p.PoolRef("p"), "iso", "raw")),
    nics=(p.Nic("02:00:00:00:00:01", "cpbr1", 0),),
    config_drive=p.ConfigDrive({"openstack/latest/meta_data.json": "{}"}), title="网站",
)  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        SPEC,
        p.Screenshot(bytes(range(256))),
        p.HostStats(domains={"u": p.DomainStats(cpu_time_ns=5)}),
        p.PowerReport((p.DomainState("u", "PowerOn"),)),
        p.DownloadImage("http://x", p.StorePath(p.StoreRef("s", "/s"), "n"), "QCOW2"),
        p.DomainEvent("u", "PowerOff", "crashed", "i", 1.5),
    ],
)
def test_a_value_survives_the_wire(value):
    assert p.from_wire(type(value), json.loads(json.dumps(p.to_wire(value)))) == value


def test_a_newer_peers_fields_are_ignored_and_an_older_peers_are_defaulted():
    read = p.from_wire(p.DomainState, {"uuid": "u", "power": "PowerOn", "shoe_size": 44})
    assert read == p.DomainState("u", "PowerOn")


@pytest.mark.parametrize("operation", p.OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_is_made_of_frozen_dataclasses(operation):
    for kind in (operation.argument, operation.result):
        assert dataclasses.is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        typing.get_type_hints(kind)
    assert all(p.ERRORS[error.__name__] is error for error in operation.errors)
