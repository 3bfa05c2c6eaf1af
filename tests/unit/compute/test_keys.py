"""SSH keys, user data, groups and tags."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding

from accounts.models import ResourceTag
from compute.models import SshKeyPair, VirtualMachine
from compute.services import keys
from core.errors import InUse, InvalidParameter, NoSuchObject, NotAllowedInState
from jobs.models import Event
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_affinity_group,
    make_caller,
    make_cloud,
    make_domain,
    make_vm,
    make_volume,
    make_zone,
)
from tests.unit.compute.asking import ask, deploy, done

pytestmark = pytest.mark.django_db

# ssh-keygen -lf -E md5 says what its fingerprint is.
PUBLIC = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS somebody"
)


def text_of(data):
    return base64.b64encode(data).decode()


def test_a_private_key_is_shown_once_and_kept_nowhere(caller):
    outcome = ask(caller, "createSSHKeyPair", name="laptop")
    private = outcome.record()["privatekey"]
    key = serialization.load_pem_private_key(private.encode(), password=None)
    pair = SshKeyPair.objects.get()
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert pair.public_key == public.decode()
    assert "privatekey" not in ask(caller, "listSSHKeyPairs").records[0]
    stored = [str(v) for row in SshKeyPair.objects.values() for v in row.values()]
    stored += list(Event.objects.values_list("description", flat=True))
    assert private not in "".join(stored)


def test_a_public_key_is_registered(caller):
    record = ask(caller, "registerSSHKeyPair", name="mine", publickey=f"{PUBLIC}\n").record()
    assert len(record["fingerprint"]) == 47
    with pytest.raises(InvalidParameter, match="named mine"):
        ask(caller, "registerSSHKeyPair", name="mine", publickey=PUBLIC)
    with pytest.raises(InvalidParameter, match="registered already, as mine"):
        ask(caller, "registerSSHKeyPair", name="again", publickey=PUBLIC)
    ask(caller_of(make_account()), "registerSSHKeyPair", name="mine", publickey=PUBLIC)
    ask(caller, "deleteSSHKeyPair", name="mine")
    ask(caller, "registerSSHKeyPair", name="mine", publickey=PUBLIC)


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "ssh-rsa AAAA",
        PUBLIC + "\n" + PUBLIC,
        'command="rm" ' + PUBLIC,
        "-----BEGIN RSA PRIVATE KEY-----",
    ],
)
def test_what_is_not_a_public_key_is_refused(caller, text):
    with pytest.raises(InvalidParameter, match="not an SSH public key"):
        ask(caller, "registerSSHKeyPair", name="x", publickey=text)


def test_the_holder_of_the_key_can_read_the_password(world, caller):
    cloud = make_cloud(world=world, password_enabled=True)
    private = ask(caller, "createSSHKeyPair", name="k").record()["privatekey"]
    vm = done(deploy(caller, cloud, keypair="k", password="chosen-secret"))
    found = ask(caller, "getVMPassword", id=vm).record()["encryptedpassword"]
    key = serialization.load_pem_private_key(private.encode(), password=None)
    assert key.decrypt(base64.b64decode(found), padding.PKCS1v15()) == b"chosen-secret"
    with pytest.raises(NoSuchObject):
        ask(make_caller(), "getVMPassword", id=vm)


def test_without_an_rsa_key_no_password_is_kept(caller):
    key = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    assert keys.encrypt_for(key.decode(), "secret") == ""
    with pytest.raises(InvalidParameter, match="No password"):
        ask(caller, "getVMPassword", id=make_vm(account=caller.account))


def test_other_keys_get_in_after_a_reset(caller, account):
    vm = make_vm("Stopped", account=account)
    ask(caller, "registerSSHKeyPair", name="new", publickey=PUBLIC)
    done(ask(caller, "resetSSHKeyForVirtualMachine", id=vm, keypair="new"))
    vm.refresh_from_db()
    assert vm.ssh_public_keys == PUBLIC
    with pytest.raises(InvalidParameter, match="Give keypair"):
        ask(caller, "resetSSHKeyForVirtualMachine", id=vm)


# -- user data ---------------------------------------------------------------------------------


def test_user_data_is_kept_under_a_name_and_filled_in(world, caller, cloud):
    content = text_of(b"hello {{ who }}, $where")
    made = ask(caller, "registerUserData", name="hi", userdata=content, params="who,where").value
    vm = done(
        deploy(caller, cloud, userdataid=made,
               **{"userdatadetails[0].who": "you", "userdatadetails[0].where": "there"})
    )  # fmt: skip
    assert base64.b64decode(vm.user_data) == b"hello you, there"
    shown = ask(caller, "getVirtualMachineUserData", virtualmachineid=vm).record()
    assert shown["userdata"] == vm.user_data
    with pytest.raises(InUse, match="web-1"):
        ask(caller, "deleteUserData", id=made)
    with pytest.raises(InvalidParameter, match="no variable x"):
        deploy(caller, cloud, name="w2", userdataid=made, **{"userdatadetails[0].x": "y"})


def test_user_data_is_reset_while_stopped(caller, account):
    vm = make_vm("Stopped", account=account)
    ask(caller, "resetUserDataForVirtualMachine", id=vm, userdata=text_of(b"x"))
    vm.refresh_from_db()
    assert vm.user_data == "eA=="
    ask(caller, "resetUserDataForVirtualMachine", id=vm)
    vm.refresh_from_db()
    assert vm.user_data == ""
    VirtualMachine.objects.update(state="Running")
    with pytest.raises(NotAllowedInState, match="stop it"):
        ask(caller, "resetUserDataForVirtualMachine", id=vm, userdata=text_of(b"x"))


@pytest.mark.parametrize("name", ["a b", "1x", "x;y"])
def test_variables_have_plain_names(caller, name):
    with pytest.raises(InvalidParameter, match="cannot be the name"):
        ask(caller, "registerUserData", name="x", userdata="eA==", params=name)


# -- affinity ------------------------------------------------------------------------------------


def test_affinity_groups_come_and_go(caller, account):
    group = done(ask(caller, "createAffinityGroup", name="apart", type="host anti-affinity"))
    with pytest.raises(InvalidParameter, match="named apart"):
        ask(caller, "createAffinityGroup", name="apart", type="host affinity")
    vm = make_vm("Stopped", account=account)
    done(ask(caller, "updateVMAffinityGroup", id=vm, affinitygroupids=group))
    record = ask(caller, "listAffinityGroups", virtualmachineid=vm).records[0]
    assert record["virtualmachineIds"] == [str(vm.uuid)]
    VirtualMachine.objects.update(state="Running")
    with pytest.raises(NotAllowedInState, match="stop it"):
        ask(caller, "updateVMAffinityGroup", id=vm)
    done(ask(caller, "deleteAffinityGroup", name="apart"))
    assert vm.affinity_groups.count() == 0
    theirs = make_affinity_group()
    with pytest.raises(NoSuchObject):
        ask(caller, "deleteAffinityGroup", id=theirs)
    assert {r["type"] for r in ask(caller, "listAffinityGroupTypes").records} >= {
        "host affinity", "host anti-affinity",
    }  # fmt: skip


# -- tags ----------------------------------------------------------------------------------------


def tag(caller, row, kind, **pairs):
    given = {}
    for index, (key, value) in enumerate(pairs.items()):
        given |= {f"tags[{index}].key": key, f"tags[{index}].value": value}
    return done(ask(caller, "createTags", resourceids=row, resourcetype=kind, **given))


def test_tags_are_pinned_found_and_taken_away(caller, account):
    vm, volume = make_vm(account=account), make_volume(account)
    tag(caller, vm, "uservm", env="prod", team="研发")
    tag(caller, volume, "Volume", env="prod")
    found = ask(caller, "listTags", key="env").records
    assert {r["resourcetype"] for r in found} == {"UserVm", "Volume"}
    assert ask(caller, "listTags", resourceid=vm, value="研发").count == 1
    shown = ask(caller, "listVirtualMachines", id=vm).records[0]["tags"]
    assert {t["key"] for t in shown} == {"env", "team"}
    with pytest.raises(InvalidParameter, match="tag env already"):
        tag(caller, vm, "UserVm", env="test")
    done(ask(caller, "deleteTags", resourceids=vm, resourcetype="UserVm",
             **{"tags[0].key": "env"}))  # fmt: skip
    assert ask(caller, "listTags", resourceid=vm).count == 1
    done(ask(caller, "deleteTags", resourceids=vm, resourcetype="UserVm"))
    assert ask(caller, "listTags", resourceid=vm).count == 0
    with pytest.raises(InvalidParameter, match="None of these"):
        ask(caller, "deleteTags", resourceids=vm, resourcetype="UserVm")


def test_a_stranger_can_neither_tag_nor_see(caller):
    theirs = make_vm()
    for command in ("createTags", "deleteTags"):
        with pytest.raises(NoSuchObject):
            ask(caller, command, resourceids=theirs, resourcetype="UserVm",
                **{"tags[0].key": "k"})  # fmt: skip
    tag(caller_of(theirs.account), theirs, "UserVm", k="v")
    assert ask(caller, "listTags").records == []
    assert ask(make_caller("DomainAdmin", make_domain()), "listTags", listall="true").count == 0
    with pytest.raises(NoSuchObject):  # a zone is everybody's to use, the operator's to tag
        tag(caller, make_zone(), "Zone", k="v")
    tag(admin_caller(), make_zone(), "Zone", k="v")


@pytest.mark.parametrize(
    "given, words",
    [
        ({"resourcetype": "Toaster"}, "not a resource type"),
        ({"tags[0].key": ""}, "needs a key"),
        ({"tags[0].key": "x" * 256}, "255"),
        ({"tags[1].key": "k"}, "given twice"),
    ],
)
def test_bad_tags_are_refused(caller, account, given, words):
    vm = make_vm(account=account)
    base = {"resourceids": vm, "resourcetype": "UserVm", "tags[0].key": "k"}
    with pytest.raises(InvalidParameter, match=words):
        ask(caller, "createTags", **{**base, **given})
    assert not ResourceTag.objects.exists()


def test_variables_cannot_unfold_into_gigabytes(caller):
    names = [f"v{i}" for i in range(8)]
    row = keys.register_user_data(caller.account, "bomb", text_of(b"$v0"), ",".join(names))
    values = {n: f"$v{i + 1}" * 1000 for i, n in enumerate(names)}
    with pytest.raises(InvalidParameter, match="longer than"):
        keys.filled_in(row, values)
