"""Tags, comments, icons and details on things of any kind."""

import base64
import io

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from PIL import Image

from accounts.models import Annotation, ResourceDetail, ResourceIcon, ResourceTag
from accounts.pinned import types
from accounts.services import icons
from api import wire
from api.dispatch import execute
from core.commands import COMMANDS
from core.errors import CloudError, InvalidParameter, NoSuchObject, PermissionDenied
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_domain,
    make_network,
    make_public_ip,
    make_security_group,
    make_template,
    make_user,
    make_vm,
    make_volume,
    make_zone,
)
from tests.unit.api.world import MAKE, World, required_values

pytestmark = pytest.mark.django_db

#: CloudStack's resource types whose models are called like them.
THEIRS = {
    "template", "volume", "snapshot", "backup", "network", "nic", "loadbalancer", "firewallrule",
    "portforwardingrule", "securitygroup", "publicipaddress", "project", "account", "vpc",
    "networkacl", "staticroute", "vmsnapshot", "remoteaccessvpn", "zone", "serviceoffering",
    "privategateway", "networkacllist", "vpngateway", "customergateway", "vpnconnection", "user",
    "diskoffering", "autoscalevmgroup", "snapshotpolicy", "networkoffering", "vpcoffering",
    "domain", "objectstore", "virtualmachine", "host", "cluster", "pod", "storagepool",
    "imagestore", "router", "affinitygroup", "instancegroup", "sshkeypair", "userdata",
}  # fmt: skip


def ask(caller, command, **given):
    return execute(caller, command, {k: str(v) for k, v in given.items()})


def tagged(caller, kind, row, **pairs):
    given = {}
    for at, (key, value) in enumerate(pairs.items()):
        given |= {f"tags[{at}].key": key, f"tags[{at}].value": value}
    return ask(caller, "createTags", resourceids=row.uuid, resourcetype=kind, **given)


def picture(form="PNG", size=(300, 200)):
    out = io.BytesIO()
    Image.new("RGB", size, "green").save(out, form)
    return base64.b64encode(out.getvalue()).decode()


# -- tags ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "make", "command", "more"),
    [
        ("Network", make_network, "listNetworks", {}),
        ("Template", make_template, "listTemplates", {"templatefilter": "all"}),
        ("Volume", make_volume, "listVolumes", {}),
        ("Zone", make_zone, "listZones", {}),
        ("Account", make_account, "listAccounts", {}),
        ("Domain", make_domain, "listDomains", {}),
        ("UserVm", make_vm, "listVirtualMachines", {}),
        ("SecurityGroup", make_security_group, "listSecurityGroups", {}),
        ("PublicIpAddress", make_public_ip, "listPublicIpAddresses", {}),
    ],
)
def test_lists_show_tags_and_are_narrowed_by_them(kind, make, command, more):
    caller = admin_caller()
    wanted, other = make(), make()
    tagged(caller, kind, wanted, env="prod", tier="web")
    tagged(caller, kind, other, env="test", tier="web")
    given = {"listall": "true", **more}
    found = ask(caller, command, **given, **{"tags[0].key": "env", "tags[0].value": "prod"})
    assert [r["id"] for r in found.records] == [wanted.uuid]
    assert [(t["key"], t["value"]) for t in found.records[0]["tags"]] == [
        ("env", "prod"), ("tier", "web"),
    ]  # fmt: skip
    found = ask(caller, command, **given, **{"tags[0].key": "tier"})
    assert {r["id"] for r in found.records} == {wanted.uuid, other.uuid}
    both = {"tags[0].key": "tier", "tags[1].key": "env", "tags[1].value": "test"}
    found = ask(caller, command, **given, **both)
    assert [r["id"] for r in found.records] == [other.uuid]


def test_what_cloudstack_narrows_by_tags_is_narrowed_by_tags_here():
    there = wire.reference()["commands"]
    lists = [n for n, c in COMMANDS.items() if c.reads_only and n in there]
    theirs = {n for n in lists if any(p["name"] == "tags" for p in there[n]["params"])}
    assert {"listVirtualMachines", "listPublicIpAddresses"} <= theirs
    assert {n for n in theirs if "tags" not in COMMANDS[n].by_name} == set()


def test_what_was_pinned_to_an_address_is_not_for_its_next_owner():
    ip = make_public_ip(make_account())
    owner = caller_of(make_user(account=ip.account))
    tagged(owner, "PublicIpAddress", ip, env="prod")
    ask(owner, "addAnnotation", entitytype="PUBLIC_IP_ADDRESS", entityid=ip.uuid, annotation="x")
    ip.network = None
    ip.save()
    ask(owner, "releaseIpAddress", id=ip.uuid)
    assert not ResourceTag.objects.exists()
    assert not Annotation.objects.filter(removed=None).exists()


def test_a_thing_that_goes_takes_what_is_pinned_to_it_along():
    caller, zone = admin_caller(), make_zone()
    tagged(caller, "Zone", zone, env="prod")
    ask(caller, "addAnnotation", entitytype="ZONE", entityid=zone.uuid, annotation="mine")
    ask(caller, "uploadResourceIcon", resourceids=zone.uuid, resourcetype="Zone",
        base64image=picture())  # fmt: skip
    zone.remove()
    assert not ResourceTag.objects.filter(resource_uuid=zone.uuid).exists()
    assert not ResourceIcon.objects.filter(resource_uuid=zone.uuid).exists()
    assert ask(caller, "listAnnotations", entityid=zone.uuid).records == []
    assert Annotation.everything.filter(resource_uuid=zone.uuid).exists()


def test_every_kind_of_thing_is_registered():
    known = {kind.model for kind in types.TYPES.values()}
    there = [model for model in apps.get_models() if model.__name__.lower() in THEIRS]
    assert [model._meta.label for model in there if model not in known] == []


@pytest.mark.parametrize("word", ["uservm", "VM", "VirtualMachine", "virtual_machine"])
def test_clients_call_a_kind_by_several_words(word):
    assert types.named(word).name == "UserVm"


# -- comments --------------------------------------------------------------------------


def test_a_comment_is_read_by_those_the_thing_belongs_to():
    owner = make_caller()
    vm = make_vm(account=owner.account)
    made = ask(owner, "addAnnotation", entitytype="VM", entityid=vm.uuid, annotation=" busy ")
    assert made.record()["annotation"] == "busy"
    colleague = caller_of(make_user(account=owner.account))
    assert ask(colleague, "listAnnotations", entityid=vm.uuid).count == 1
    assert ask(colleague, "listAnnotations", annotationfilter="self").count == 0
    assert ask(make_caller(), "listAnnotations").count == 0
    with pytest.raises(NoSuchObject):
        ask(make_caller(), "addAnnotation", entitytype="VM", entityid=vm.uuid, annotation="x")
    with pytest.raises(CloudError):  # not its author, no administrator
        ask(colleague, "removeAnnotation", id=made.value.uuid)
    ask(owner, "removeAnnotation", id=made.value.uuid)
    assert ask(owner, "listAnnotations", entityid=vm.uuid).count == 0


#: Lists of things that other lists show too: by the id of the parent, by another model's row.
TWICE = {"listDomainChildren", "listIsos"}
#: Lists whose replies say whether there are comments.
COMMENTED = sorted(
    name for name, command in COMMANDS.items()
    if command.listing and command.listing.model._meta.label in MAKE and name not in TWICE
    and "hasannotations" in {f.name for f in command.response.fields}
)  # fmt: skip


@pytest.mark.parametrize("command", COMMENTED)
def test_every_list_that_tells_of_comments_has_things_to_comment_on(command):
    world = World(make_user().account)
    row, admin = world.row(COMMANDS[command].listing.model), admin_caller()
    given = {k: str(v) for k, v in required_values(COMMANDS[command], world).items()}
    given |= {"id": str(row.uuid), **{k: "all" for k in given if k.endswith("filter")}}
    (before,) = execute(admin, command, given).records
    kind = types.of_row(row).entity
    ask(admin, "addAnnotation", entitytype=kind, entityid=row.uuid, annotation="look")
    (after,) = execute(admin, command, given).records
    assert (before["hasannotations"], after["hasannotations"]) == (False, True)


def test_what_is_for_administrators_only_no_tenant_learns_of():
    owner, root = make_caller(), admin_caller()
    vm = make_vm(account=owner.account)
    made = ask(root, "addAnnotation", entitytype="VM", entityid=vm.uuid, annotation="suspicious",
               adminsonly="true")  # fmt: skip
    assert ask(owner, "listAnnotations", entityid=vm.uuid).count == 0
    assert ask(owner, "listVirtualMachines", id=vm.uuid).records[0]["hasannotations"] is False
    assert ask(root, "listVirtualMachines", id=vm.uuid).records[0]["hasannotations"] is True
    assert ask(owner, "listEvents", type="ANNOTATION.CREATE").count == 0
    ask(root, "updateAnnotationVisibility", id=made.value.uuid, adminsonly="false")
    assert ask(owner, "listAnnotations", entityid=vm.uuid).count == 1
    (event,) = ask(root, "listEvents", type="ANNOTATION.CREATE", listall="true").records
    assert "suspicious" not in event["description"] + event["resourcename"]
    ask(root, "updateAnnotationVisibility", id=made.value.uuid, adminsonly="true")
    assert ask(owner, "listAnnotations", entityid=vm.uuid).count == 0


def test_who_may_not_hide_a_comment_is_told_instead_of_showing_it_to_all():
    owner = make_caller()
    ruler = make_caller("DomainAdmin", owner.domain)
    vm = make_vm(account=owner.account)
    for caller in (ruler, owner):
        with pytest.raises(PermissionDenied, match="root administrators"):
            ask(caller, "addAnnotation", entitytype="VM", entityid=vm.uuid, annotation="secret",
                adminsonly="true")  # fmt: skip
    assert ask(owner, "listAnnotations", entityid=vm.uuid).count == 0


def test_a_comment_on_the_operators_things_stays_with_the_operator():
    zone = make_zone()
    ask(admin_caller(), "addAnnotation", entitytype="ZONE", entityid=zone.uuid, annotation="new")
    assert ask(make_caller(), "listAnnotations", entityid=zone.uuid).count == 0
    with pytest.raises(NoSuchObject):
        ask(make_caller(), "addAnnotation", entitytype="ZONE", entityid=zone.uuid, annotation="x")


# -- icons -----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_any_picture_becomes_a_small_png(form):
    caller, zone = admin_caller(), make_zone()
    ask(caller, "uploadResourceIcon", resourceids=zone.uuid, resourcetype="Zone",
        base64image=picture(form))  # fmt: skip
    (shown,) = ask(caller, "listZones", id=zone.uuid, showicon="true").records
    made = Image.open(io.BytesIO(base64.b64decode(shown["icon"]["base64image"])))
    assert made.format == "PNG"
    assert max(made.size) == 128
    assert "icon" not in ask(caller, "listZones", id=zone.uuid).records[0]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("@@@", "not base64"),
        (base64.b64encode(b"<svg onload='alert(1)'/>").decode(), "not a picture"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode(), "not a picture"),
        (base64.b64encode(b"x" * (icons.MOST_BYTES + 1)).decode(), "smaller"),
        (picture(size=(4097, 4097)), "larger than"),
    ],
    ids=["text", "svg", "broken", "heavy", "wide"],
)
def test_what_is_no_picture_is_refused(sent, words):
    zone = make_zone()
    with pytest.raises(InvalidParameter, match=words):
        ask(admin_caller(), "uploadResourceIcon", resourceids=zone.uuid, resourcetype="Zone",
            base64image=sent)  # fmt: skip
    assert not ResourceIcon.objects.exists()


def test_only_some_kinds_have_icons_and_only_ones_own_things():
    mine = make_caller()
    with pytest.raises(InvalidParameter, match="has no icon"):
        ask(mine, "uploadResourceIcon", resourceids=make_volume(mine.account).uuid,
            resourcetype="Volume", base64image=picture())  # fmt: skip
    with pytest.raises(NoSuchObject):
        ask(mine, "uploadResourceIcon", resourceids=make_zone().uuid, resourcetype="Zone",
            base64image=picture())  # fmt: skip


# -- details ---------------------------------------------------------------------------


def add_detail(kind, row, key, value, **more):
    given = {"details[0].key": key, "details[0].value": value, **more}
    return ask(admin_caller(), "addResourceDetail", resourceid=row.uuid, resourcetype=kind, **given)


def shown(caller, kind, row, **more):
    found = ask(caller, "listResourceDetails", resourceid=row.uuid, resourcetype=kind, **more)
    return {d["key"]: d["value"] for d in found.records}


def test_details_that_jobs_read_are_kept_where_they_read_them():
    vm = make_vm("Stopped")
    add_detail("UserVm", vm, "nicAdapter", "e1000")
    vm.refresh_from_db()
    assert vm.details["nicAdapter"] == "e1000"
    assert not ResourceDetail.objects.exists()
    assert shown(admin_caller(), "UserVm", vm)["nicAdapter"] == "e1000"


def test_details_for_operators_only_are_hidden_from_owners():
    owner = make_caller()
    volume = make_volume(owner.account)
    add_detail("Volume", volume, "shelf", "7", fordisplay="false")
    add_detail("Volume", volume, "owner", "ops")
    assert shown(owner, "Volume", volume) == {"owner": "ops"}
    assert shown(admin_caller(), "Volume", volume) == {"owner": "ops", "shelf": "7"}
    assert shown(admin_caller(), "Volume", volume, fordisplay="true") == {"owner": "ops"}
    ask(admin_caller(), "removeResourceDetail", resourceid=volume.uuid, resourcetype="Volume")
    assert shown(admin_caller(), "Volume", volume) == {}


def test_details_of_one_name_are_found_on_many_things():
    zones = [make_zone(), make_zone(), make_zone()]
    add_detail("Zone", zones[0], "floor", "1")
    add_detail("Zone", zones[1], "floor", "2", fordisplay="false")
    found = ask(admin_caller(), "listResourceDetails", resourcetype="Zone", key="floor").records
    assert {(d["resourceid"], d["value"]) for d in found} == {
        (zones[0].uuid, "1"), (zones[1].uuid, "2"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("extraconfig-1", "<disk/>", "extraconfig"),
        ("cpuNumber", "64", "scaleVirtualMachine"),
        ("nicAdapter", "modem", "one of"),
        (" ", "x", "name of 1"),
    ],
)
def test_details_that_a_machine_cannot_have_are_refused(key, value, words):
    with pytest.raises(InvalidParameter, match=words):
        add_detail("UserVm", make_vm("Stopped"), key, value)


# -- the move --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_tags_move_to_accounts_with_their_rows():
    before = [("compute", "0003_machines_by_zone_and_age"), ("accounts", "0004_signing_in")]
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    executor = MigrationExecutor(connection)
    executor.migrate(before)
    old = executor.loader.project_state(before).apps.get_model("compute", "ResourceTag")
    vm = "9f0f3cbe-4ab7-4b32-8a7c-f2a5b0d6d4f0"
    account = ResourceTag._meta.get_field("account").remote_field.model.objects.order_by("pk")
    old.objects.create(
        account_id=account.values_list("pk", flat=True)[0],
        resource_type="UserVm", resource_uuid=vm, key="env", value="prod",
    )  # fmt: skip
    MigrationExecutor(connection).migrate(latest)
    kept = ResourceTag.objects.get(resource_uuid=vm)
    assert (kept.key, kept.value) == ("env", "prod")
