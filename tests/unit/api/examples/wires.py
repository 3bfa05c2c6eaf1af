"""Physical networks with their providers, ranges of all kinds, VLANs, public addresses."""

from infra.services import pod_ranges, regions
from network.models import NetworkServiceProvider
from tests import factories
from tests.unit.api.examples import example

SUBNET = {"gateway": "198.51.100.1", "netmask": "255.255.255.0", "startip": "198.51.100.10",
          "endip": "198.51.100.20"}  # fmt: skip


def wires(stage, **fields):
    """The zone's physical network, with Guest and Public traffic and all providers enabled."""
    return factories.make_wires(stage["infra.Zone"], **fields)


def provider(stage, name):
    return NetworkServiceProvider.objects.get(physical_network=wires(stage), name=name)


@example("createPhysicalNetwork")
def _(stage):
    answered = yield {
        "zoneid": stage["infra.Zone"], "name": "wires", "isolationmethods": ["VXLAN"],
        "vlan": "5000-5009,5010-5020",
    }  # fmt: skip
    assert (answered["state"], answered["vlan"]) == ("Disabled", "5000-5020")
    assert len(stage.ask("listNetworkServiceProviders", physicalnetworkid=answered["id"])) == 5


@example("createNetwork")
def _(stage):
    wires(stage)
    answered = yield {
        "name": "web", "zoneid": stage["infra.Zone"],
        "networkofferingid": stage["network.NetworkOffering"],
    }  # fmt: skip
    assert answered["physicalnetworkid"]


@example("addTrafficType")
def _(stage):
    answered = yield {
        "physicalnetworkid": stage["network.PhysicalNetwork"], "traffictype": "Storage",
        "kvmnetworklabel": "eth2",
    }  # fmt: skip
    assert answered["kvmnetworklabel"] == "eth2"


@example("updateTrafficType")
def _(stage):
    answered = yield {"id": stage["network.TrafficType"], "kvmnetworklabel": "eth7"}
    assert answered["kvmnetworklabel"] == "eth7"


@example("deletePhysicalNetwork")
def _(stage):
    made = wires(stage)
    yield {"id": made}
    assert not NetworkServiceProvider.objects.filter(physical_network=made).exists()


@example("listTrafficTypeImplementors")
def _(stage):
    answered = yield {"traffictype": "Guest"}
    assert [r["traffictype"] for r in answered] == ["Guest"]


@example("listSupportedNetworkServices")
def _(stage):
    answered = yield {"service": "SourceNat", "provider": "VirtualRouter"}
    assert answered[0]["name"] == "SourceNat"


# -- providers and elements --------------------------------------------------------------


@example("addNetworkServiceProvider")
def _(stage):
    answered = yield {
        "physicalnetworkid": stage["network.PhysicalNetwork"], "name": "VirtualRouter",
        "servicelist": ["Dhcp", "Dns"],
    }  # fmt: skip
    assert (answered["state"], answered["servicelist"]) == ("Disabled", ["Dhcp", "Dns"])


@example("updateNetworkServiceProvider")
def _(stage):
    row = stage["network.NetworkServiceProvider"]
    row.elements.update(enabled=True)
    answered = yield {"id": row, "state": "Enabled"}
    assert answered["state"] == "Enabled"


@example("configureVirtualRouterElement")
def _(stage):
    answered = yield {"id": stage["network.ProviderElement"], "enabled": True}
    assert answered["enabled"] is True


@example("createVirtualRouterElement")
def _(stage):
    row = stage["network.NetworkServiceProvider"]
    row.elements.first().remove()
    return {"nspid": row}


@example("createInternalLoadBalancerElement")
def _(stage):
    row = provider(stage, "InternalLbVm")
    row.elements.first().remove()
    return {"nspid": row}


@example("configureInternalLoadBalancerElement")
def _(stage):
    answered = yield {"id": stage["network.InternalLbElement"], "enabled": True}
    assert answered["enabled"] is True


# -- ranges ------------------------------------------------------------------------------


@example("createVlanIpRange")
def _(stage):
    wires(stage)
    answered = yield {
        "zoneid": stage["infra.Zone"], "forvirtualnetwork": True, "vlan": "77", **SUBNET
    }
    assert (answered["vlan"], answered["cidr"]) == ("vlan://77", "198.51.100.0/24")
    free = stage.ask("listPublicIpAddresses", vlanid=answered["id"], allocatedonly=False,
                     listall=True)  # fmt: skip
    assert len(free) == 11


@example("updateVlanIpRange")
def _(stage):
    answered = yield {
        "id": factories.make_public_range(stage["infra.Zone"]), "endip": "192.0.2.30"
    }
    assert answered["endip"] == "192.0.2.30"


@example("deleteVlanIpRange")
def _(stage):
    return {"id": factories.make_public_range(stage["infra.Zone"])}


@example("dedicatePublicIpRange")
def _(stage):
    answered = yield {
        "id": factories.make_public_range(stage["infra.Zone"]),
        "domainid": stage.account.domain, "account": stage.account.name,
    }  # fmt: skip
    assert answered["account"] == stage.account.name


@example("releasePublicIpRange")
def _(stage):
    return {"id": factories.make_public_range(stage["infra.Zone"], account=stage.account)}


@example("createManagementNetworkIpRange")
def _(stage):
    answered = yield {"podid": stage["infra.Pod"], **SUBNET}
    assert answered["startip"] == ["198.51.100.10"]


def _pod_range(stage):
    wanted = pod_ranges.address_book.checked(**{
        "gateway": SUBNET["gateway"], "netmask": SUBNET["netmask"],
        "start_ip": SUBNET["startip"], "end_ip": SUBNET["endip"],
    })  # fmt: skip
    return pod_ranges.add(stage["infra.Pod"], wanted)


@example("updatePodManagementNetworkIpRange")
def _(stage):
    row = _pod_range(stage)
    yield {
        "podid": stage["infra.Pod"], "currentstartip": row.start_ip, "currentendip": row.end_ip,
        "newendip": "198.51.100.90",
    }  # fmt: skip
    row.refresh_from_db()
    assert row.end_ip == "198.51.100.90"


@example("deleteManagementNetworkIpRange")
def _(stage):
    row = _pod_range(stage)
    return {"podid": stage["infra.Pod"], "startip": row.start_ip, "endip": row.end_ip,
            "vlan": "untagged"}  # fmt: skip


@example("acquirePodIpAddress")
def _(stage):
    _pod_range(stage)
    answered = yield {"zoneid": stage["infra.Zone"], "podid": stage["infra.Pod"]}
    assert answered["ipaddress"] == "198.51.100.10"


@example("releasePodIpAddress")
def _(stage):
    _pod_range(stage)
    taken = pod_ranges.take(stage["infra.Zone"], holder=pod_ranges.ASKED_FOR)
    return {"id": taken.pk}


@example("createStorageNetworkIpRange")
def _(stage):
    factories.make_traffic_type(wires(stage), "Storage")
    answered = yield {"podid": stage["infra.Pod"], "vlan": 90, **SUBNET}
    assert answered["vlan"] == 90


@example("updateStorageNetworkIpRange")
def _(stage):
    answered = yield {"id": stage["network.StorageIpRange"], "endip": "172.18.0.99"}
    assert answered["endip"] == "172.18.0.99"


@example("createPortableIpRange")
def _(stage):
    regions.ensure_local()
    answered = yield {"regionid": 1, **SUBNET}
    assert answered["regionid"] == 1


# -- VLANs -------------------------------------------------------------------------------


@example("dedicateGuestVlanRange")
def _(stage):
    answered = yield {
        "physicalnetworkid": wires(stage, vlan="100-199"), "vlanrange": "120-129",
        "account": stage.account.name, "domainid": stage.account.domain,
    }  # fmt: skip
    assert answered["guestvlanrange"] == "120-129"


@example("listGuestVlans")
def _(stage):
    wires(stage, vlan="100-199")
    answered = yield {"zoneid": stage["infra.Zone"], "vnet": "150"}
    assert [(r["vlan"], r["allocationstate"]) for r in answered] == [("150", "Free")]


# -- addresses ---------------------------------------------------------------------------


@example("reserveIpAddress", role="User")
def _(stage):
    row = factories.make_public_range(stage["infra.Zone"])
    answered = yield {"id": row.public_ips.first()}
    assert (answered["state"], answered["account"]) == ("Reserved", stage.account.name)


@example("releaseIpAddress", role="User")
def _(stage):
    return {"id": stage["network.PublicIp"]}


# -- permissions -------------------------------------------------------------------------


@example("createNetworkPermissions", role="User")
def _(stage):
    other = factories.make_account(domain=stage.account.domain)
    network = stage["network.Network"]
    yield {"networkid": network, "accounts": [other.name]}
    assert network.permissions.count() == 1


@example("removeNetworkPermissions")
def _(stage):
    network, other = stage["network.Network"], factories.make_account()
    network.permissions.create(account=other)
    yield {"networkid": network, "accountids": [other]}
    assert not network.permissions.exists()


@example("resetNetworkPermissions")
def _(stage):
    network = stage["network.Network"]
    network.permissions.create(account=factories.make_account())
    yield {"networkid": network}
    assert not network.permissions.exists()


@example("listNetworkPermissions")
def _(stage):
    network, other = stage["network.Network"], factories.make_account()
    network.permissions.create(account=other)
    answered = yield {"networkid": network}
    assert [r["account"] for r in answered] == [other.name]
