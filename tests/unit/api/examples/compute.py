"""Virtual machines, their disks, discs, NICs, keys and groups."""

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from compute.models import VirtualMachine
from tests import factories
from tests.unit.api.examples import example


def deployable(stage):
    stage["infra.Host"], stage["storage.StoragePool"]
    return {
        "zoneid": stage["infra.Zone"], "serviceofferingid": stage["compute.ServiceOffering"],
        "templateid": stage["storage.Template"],
    }  # fmt: skip


@example("deployVirtualMachine", role="User")
def _(stage):
    answered = yield {
        **deployable(stage), "networkids": [stage["network.Network"]], "name": "web-1",
        "displayname": "Web", "details": {"note": "example"},
    }  # fmt: skip
    assert (answered["state"], answered["name"]) == ("Running", "web-1")
    assert len(answered["nic"]) == 1


@example("explainPlacement", role="User")
def _(stage):
    return deployable(stage)


@example("startVirtualMachine")
def _(stage):
    answered = yield {"id": stage.machine("Stopped")}
    assert answered["state"] == "Running"


@example("stopVirtualMachine")
def _(stage):
    answered = yield {"id": stage["compute.VirtualMachine"]}
    assert answered["state"] == "Stopped"


@example("destroyVirtualMachine")
def _(stage):
    answered = yield {"id": stage["compute.VirtualMachine"]}
    assert answered["state"] == "Destroyed"


@example("recoverVirtualMachine")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    stage.ask("destroyVirtualMachine", id=machine)
    answered = yield {"id": machine}
    assert answered["state"] == "Stopped"


@example("expungeVirtualMachine")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    stage.ask("destroyVirtualMachine", id=machine)
    yield {"id": machine}
    assert not VirtualMachine.objects.filter(pk=machine.pk).exists()


@example("restoreVirtualMachine")
def _(stage):
    return {"virtualmachineid": stage.machine("Stopped")}


def _larger(stage):
    return factories.make_service_offering(memory_mb=1024)


@example("changeServiceForVirtualMachine")
def _(stage):
    answered = yield {"id": stage.machine("Stopped"), "serviceofferingid": _larger(stage)}
    assert answered["memory"] == 1024


@example("scaleVirtualMachine")
def _(stage):
    machine = stage.machine("Stopped")
    yield {"id": machine, "serviceofferingid": _larger(stage)}
    machine.refresh_from_db()
    assert machine.memory_mb == 1024


@example("updateVirtualMachine")
def _(stage):
    answered = yield {"id": stage["compute.VirtualMachine"], "displayname": "Renamed"}
    assert answered["displayname"] == "Renamed"


@example("updateVMAffinityGroup")
def _(stage):
    group = stage["compute.AffinityGroup"]
    answered = yield {"id": stage.machine("Stopped"), "affinitygroupids": [group]}
    assert [g["id"] for g in answered["affinitygroup"]] == [str(group.uuid)]


# -- guests ------------------------------------------------------------------------------


@example("resetPasswordForVirtualMachine")
def _(stage):
    template = stage.template(password_enabled=True)
    answered = yield {"id": stage.machine("Stopped", template=template)}
    assert answered["password"]


@example("getVMPassword")
def _(stage):
    # An RSA key with which the password is encrypted for its reader.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    pair = stage.ask(
        "registerSSHKeyPair", name="rsa", publickey=line.decode(), account=stage.account.name,
        domainid=stage.account.domain,
    )  # fmt: skip
    machine = stage.machine("Stopped", template=stage.template(password_enabled=True))
    stage.ask("resetSSHKeyForVirtualMachine", id=machine, keypair=pair["name"],
              account=stage.account.name, domainid=stage.account.domain)  # fmt: skip
    stage.ask("resetPasswordForVirtualMachine", id=machine)
    answered = yield {"id": machine}
    assert len(base64.b64decode(answered["encryptedpassword"])) == 256


@example("resetSSHKeyForVirtualMachine")
def _(stage):
    pair = stage["compute.SshKeyPair"]
    answered = yield {
        "id": stage.machine("Stopped"), "keypair": pair.name, "account": stage.account.name,
        "domainid": stage.account.domain,
    }  # fmt: skip
    assert answered["keypairs"] == pair.name


@example("resetUserDataForVirtualMachine")
def _(stage):
    return {"id": stage.machine("Stopped"), "userdata": base64.b64encode(b"hi").decode()}


@example("registerUserData")
def _(stage):
    return {"name": "hello", "userdata": base64.b64encode(b"#!/bin/sh\necho hi").decode()}


@example("registerSSHKeyPair")
def _(stage):
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1Z1bP5ozT3y3bGCmTq1bJ1e1b5ozT3y3bGCmTq1bJ1 a@b"
    return {"name": "laptop", "publickey": line}


@example("deleteSSHKeyPair")
def _(stage):
    pair = stage["compute.SshKeyPair"]
    yield {"name": pair.name, "account": stage.account.name, "domainid": stage.account.domain}
    assert not type(pair).objects.filter(pk=pair.pk).exists()


# -- disks, discs and NICs ----------------------------------------------------------------


@example("attachVolume")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    answered = yield {"id": stage["storage.Volume"], "virtualmachineid": machine}
    assert answered["virtualmachineid"] == str(machine.uuid)


@example("detachVolume")
def _(stage):
    machine, volume = stage["compute.VirtualMachine"], stage["storage.Volume"]
    stage.ask("attachVolume", id=volume, virtualmachineid=machine)
    answered = yield {"id": volume}
    assert "virtualmachineid" not in answered


@example("attachIso")
def _(stage):
    iso = stage.iso()
    answered = yield {"id": iso, "virtualmachineid": stage["compute.VirtualMachine"]}
    assert answered["isoid"] == str(iso.uuid)


@example("detachIso")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    stage.ask("attachIso", id=stage.iso(), virtualmachineid=machine)
    answered = yield {"virtualmachineid": machine}
    assert "isoid" not in answered


def _second_nic(stage):
    """A second NIC of the machine, by its id."""
    more = factories.make_network(
        stage.account, zone=stage["infra.Zone"], cidr="10.2.2.0/24", gateway="10.2.2.1"
    )
    machine = stage["compute.VirtualMachine"]
    changed = stage.ask("addNicToVirtualMachine", virtualmachineid=machine, networkid=more)
    return next(n["id"] for n in changed["nic"] if not n["isdefault"])


@example("addNicToVirtualMachine")
def _(stage):
    machine = stage["compute.VirtualMachine"]
    more = factories.make_network(
        stage.account, zone=stage["infra.Zone"], cidr="10.2.2.0/24", gateway="10.2.2.1"
    )
    answered = yield {"virtualmachineid": machine, "networkid": more}
    assert len(answered["nic"]) == 2


@example("removeNicFromVirtualMachine")
def _(stage):
    nic = _second_nic(stage)
    answered = yield {"virtualmachineid": stage["compute.VirtualMachine"], "nicid": nic}
    assert len(answered["nic"]) == 1


@example("updateDefaultNicForVirtualMachine")
def _(stage):
    nic = _second_nic(stage)
    answered = yield {"virtualmachineid": stage["compute.VirtualMachine"], "nicid": nic}
    assert [n["id"] for n in answered["nic"] if n["isdefault"]] == [nic]


@example("updateVmNicIp")
def _(stage):
    nic = stage.machine("Stopped").nics.get()
    answered = yield {"nicid": nic, "ipaddress": "10.1.1.7"}
    assert answered["nic"][0]["ipaddress"] == "10.1.1.7"


# -- groups ------------------------------------------------------------------------------


@example("deleteAffinityGroup")
def _(stage):
    return {"id": stage["compute.AffinityGroup"]}


@example("updateInstanceGroup")
def _(stage):
    answered = yield {"id": stage["compute.InstanceGroup"], "name": "renamed"}
    assert answered["name"] == "renamed"


# -- tags --------------------------------------------------------------------------------


@example("createTags")
def _(stage):
    volume = stage["storage.Volume"]
    yield {
        "resourcetype": "Volume", "resourceids": [volume], "tags": [{"key": "a", "value": "b"}],
    }  # fmt: skip
    assert stage.ask("listVolumes", id=volume)[0]["tags"][0]["key"] == "a"


@example("deleteTags")
def _(stage):
    about = {"resourcetype": "Volume", "resourceids": [stage["storage.Volume"]]}
    stage.ask("createTags", **about, tags=[{"key": "a", "value": "b"}])
    yield {**about, "tags": [{"key": "a"}]}
    assert not stage.ask("listTags", listall=True)


@example("dedicateZone")
def _(stage):
    return {"zoneid": stage["infra.Zone"], "domainid": stage.account.domain}


@example("releaseDedicatedZone")
def _(stage):
    stage.ask("dedicateZone", zoneid=stage["infra.Zone"], domainid=stage.account.domain)
    yield {"zoneid": stage["infra.Zone"]}
    assert stage.ask("listDedicatedZones") == []


@example("listDedicatedZones")
def _(stage):
    stage.ask("dedicateZone", zoneid=stage["infra.Zone"], domainid=stage.account.domain)
    return {}


@example("dedicatePod")
def _(stage):
    return {"podid": stage["infra.Pod"], "domainid": stage.account.domain}


@example("releaseDedicatedPod")
def _(stage):
    stage.ask("dedicatePod", podid=stage["infra.Pod"], domainid=stage.account.domain)
    return {"podid": stage["infra.Pod"]}


@example("listDedicatedPods")
def _(stage):
    stage.ask("dedicatePod", podid=stage["infra.Pod"], domainid=stage.account.domain)
    return {}


@example("dedicateCluster")
def _(stage):
    return {"clusterid": stage["infra.Cluster"], "domainid": stage.account.domain}


@example("releaseDedicatedCluster")
def _(stage):
    stage.ask("dedicateCluster", clusterid=stage["infra.Cluster"], domainid=stage.account.domain)
    return {"clusterid": stage["infra.Cluster"]}


@example("listDedicatedClusters")
def _(stage):
    stage.ask("dedicateCluster", clusterid=stage["infra.Cluster"], domainid=stage.account.domain)
    return {}


def _dedicated_host(stage):
    given = {"hostid": stage["infra.Host"], "domainid": stage.account.domain}
    return {**given, "account": stage.account.name}


@example("dedicateHost")
def _(stage):
    return _dedicated_host(stage)


@example("releaseDedicatedHost")
def _(stage):
    stage.ask("dedicateHost", **_dedicated_host(stage))
    return {"hostid": stage["infra.Host"]}


@example("listDedicatedHosts")
def _(stage):
    stage.ask("dedicateHost", **_dedicated_host(stage))
    answered = yield {"hostid": stage["infra.Host"]}
    assert [a["accountid"] for a in answered] == [str(stage.account.uuid)]


@example("createSecurityGroup")
def _(stage):
    return {"name": "web", "description": "what the world sees"}


@example("updateSecurityGroup")
def _(stage):
    answered = yield {"id": stage["compute.SecurityGroup"], "name": "renamed"}
    assert answered["name"] == "renamed"


@example("deleteSecurityGroup")
def _(stage):
    return {"id": stage["compute.SecurityGroup"]}


_SSH = {"protocol": "tcp", "startport": 22, "endport": 22, "cidrlist": "10.0.0.0/8"}


@example("authorizeSecurityGroupIngress")
def _(stage):
    answered = yield {"securitygroupid": stage["compute.SecurityGroup"], **_SSH}
    assert [r["cidr"] for r in answered["ingressrule"]] == ["10.0.0.0/8"]


@example("authorizeSecurityGroupEgress")
def _(stage):
    answered = yield {"securitygroupid": stage["compute.SecurityGroup"], **_SSH}
    assert [r["cidr"] for r in answered["egressrule"]] == ["10.0.0.0/8"]


@example("revokeSecurityGroupIngress")
def _(stage):
    return {"id": stage["compute.SecurityGroupRule"]}


@example("revokeSecurityGroupEgress")
def _(stage):
    group = stage["compute.SecurityGroup"]
    return {"id": factories.make_security_group_rule(group, direction="egress")}
