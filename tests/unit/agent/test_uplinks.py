"""How a bridge comes to the wire: which devices are made, and which are left alone."""

import pytest

from agent import protocol as p
from agent.network import bridges, uplinks


class Machine:
    """A host's devices, and the ip commands that were asked for."""

    def __init__(self, **devices: dict) -> None:
        self.devices = {name: {"ifname": name, **facts} for name, facts in devices.items()}
        self.commands: list[str] = []

    def link(self, name):
        return self.devices.get(name)

    def batch(self, commands):
        for command in commands:
            self.commands.append(command)
            self._do(command.split())

    def _do(self, words):
        if words[:2] == ["link", "add"]:
            name = words[words.index("name") + 1]
            self.devices[name] = {"ifname": name}
            if "bridge" in words:
                self.devices[name]["linkinfo"] = {"info_kind": "bridge"}
        elif words[:2] == ["link", "del"]:
            del self.devices[words[-1]]
            for device in self.devices.values():
                if device.get("master") == words[-1]:
                    del device["master"]
        elif words[:3] == ["link", "set", "dev"]:
            device = self.devices[words[3]]
            for key, field in (("master", "master"), ("alias", "ifalias")):
                if key in words:
                    device[field] = words[words.index(key) + 1]

    def ip(self, what, *words):
        if what == "addr":
            return []
        return [d for d in self.devices.values() if d.get("master") == words[-1]]


def test_a_vlan_is_made_on_its_device_and_goes_with_its_bridge():
    host = Machine(eth1={})
    bridge = p.BridgeSpec("cpbr7", uplink="eth1.100")
    bridges.apply(host, bridge)
    assert "link add link eth1 name eth1.100 type vlan id 100" in host.commands
    assert host.devices["eth1.100"]["master"] == "cpbr7"
    done = len(host.commands)
    bridges.apply(host, bridge)
    assert not any(c.startswith("link add") for c in host.commands[done:])
    bridges.remove(host, bridge)
    assert set(host.devices) == {"eth1"}


def test_a_vlan_of_a_device_with_a_long_name_gets_a_name_the_kernel_takes():
    found = uplinks.of(p.BridgeSpec("cpbr7", uplink="enx00e04c68001.4000"))
    assert found == uplinks.of(p.BridgeSpec("cpbr8", uplink="enx00e04c68001.4000"))
    assert found.device.startswith("cpvl")
    assert len(found.device) <= 15
    assert (found.parent, found.vlan) == ("enx00e04c68001", 4000)


def test_a_vlan_device_of_another_stays():
    host = Machine(eth1={}, **{"eth1.100": {}})
    bridge = p.BridgeSpec("cpbr7", uplink="eth1.100")
    bridges.apply(host, bridge)
    bridges.remove(host, bridge)
    assert set(host.devices) == {"eth1", "eth1.100"}


def test_a_device_in_another_bridge_is_not_taken():
    host = Machine(**{"eth1": {}, "eth1.100": {"master": "br0"}})
    with pytest.raises(p.NetworkFailed, match=r"eth1.100 already belongs to br0; cpbr7 cannot"):
        bridges.apply(host, p.BridgeSpec("cpbr7", uplink="eth1.100"))


@pytest.mark.parametrize("vlan", [0, 4095, 9999])
def test_a_vlan_out_of_range_is_refused(vlan):
    with pytest.raises(p.NetworkFailed, match="out of range"):
        uplinks.of(p.BridgeSpec("cpbr7", uplink=f"eth1.{vlan}"))
