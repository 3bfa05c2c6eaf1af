"""What every network must do with bridges and routers."""

import dataclasses
import uuid

import pytest

from agent import protocol as p


def router(name: str, version: int = 1, **changes) -> p.RouterSpec:
    network = p.RouterNetwork(
        bridge=p.BridgeSpec("cptbr1"),
        gateway4="10.99.0.1",
        prefix4=24,
        domain="cs.internal",
        dns=("198.51.100.1",),
        hosts=(p.DhcpHost("02:01:00:00:00:01", "10.99.0.10", hostname="web-1"),),
        metadata=(p.GuestMetadata("10.99.0.10", {"local-hostname": "web-1"}),),
    )
    spec = p.RouterSpec(
        uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        name=name,
        version=version,
        networks=(network,),
        uplink4="100.64.9.2/30",
        host4="100.64.9.1/30",
    )
    return dataclasses.replace(spec, **changes)


class NetworkContract:
    def test_a_router_is_applied_and_found_as_wanted(self, rig):
        spec = router("cpt-r1")
        wanted = p.RouterState(spec.uuid, 1, running=True)
        assert rig.call("router.apply", spec) == wanted
        assert rig.call("router.apply", spec) == wanted
        assert rig.call("router.state", p.RouterRef(spec.uuid, spec.name)) == wanted

    def test_a_newer_version_replaces_and_an_older_one_is_refused(self, rig):
        rig.call("router.apply", router("cpt-r1", 5))
        assert rig.call("router.apply", router("cpt-r1", 6)).version == 6
        with pytest.raises(p.NetworkFailed, match="older"):
            rig.call("router.apply", router("cpt-r1", 5))
        ref = p.RouterRef(router("cpt-r1").uuid, "cpt-r1")
        assert rig.call("router.state", ref).version == 6

    def test_a_removed_router_is_gone_and_may_be_removed_again(self, rig):
        spec = router("cpt-r1", 7)
        ref = p.RouterRef(spec.uuid, spec.name)
        rig.call("router.apply", spec)
        for _ in range(2):
            rig.call("router.remove", ref)
            assert rig.call("router.state", ref) == p.RouterState(spec.uuid, 0, running=False)
        assert rig.call("router.apply", router("cpt-r1", 1)).version == 1

    def test_a_bridge_is_made_once_and_removed_once(self, rig):
        bridge = p.BridgeSpec("cptbr2")
        for operation in ("bridge.apply", "bridge.apply", "bridge.remove", "bridge.remove"):
            rig.call(operation, bridge)
