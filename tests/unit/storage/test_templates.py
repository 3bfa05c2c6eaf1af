"""Templates and ISOs: registered, fetched with progress, refused with reasons, deleted."""

import pytest

from accounts.models import ResourceCount, Role
from accounts.resources import Resource
from accounts.services import limits
from agent import protocol as p
from api.dispatch import execute
from core.errors import (
    CloudError,
    InsufficientCapacity,
    InUse,
    InvalidParameter,
    LimitExceeded,
    PermissionDenied,
)
from infra.models import Alert
from infra.services import configuration
from jobs.models import AsyncJob, Event, JobStatus, JobStep
from jobs.worker import run_everything
from storage.jobs import templates as jobs
from storage.models import Template, TemplateCopy
from storage.services import bases, egress, quota
from storage.upkeep.mending import mend_all
from storage.upkeep.replicating import replicate
from tests.factories import (
    GIB,
    admin_caller,
    caller_of,
    make_account,
    make_caller,
    make_host,
    make_os_type,
    make_store,
    make_zone,
)
from tests.unit.storage.walking import BROKEN, Killed, disturb, impatient, run_killed

pytestmark = pytest.mark.django_db
URL = "https://images.example.org/debian.qcow2"


def register(caller, cloud, **given):
    wanted = {
        "name": "debian",
        "url": URL,
        "format": "QCOW2",
        "hypervisor": "Simulator",
        "zoneid": cloud.site.zone.uuid,
        **given,
    }
    return execute(caller, "registerTemplate", wanted).records[0]


def shown(caller, uuid, filter_="self"):
    found = execute(caller, "listTemplates", {"templatefilter": filter_, "id": uuid}).records
    return found[0] if found else None


def used(account, resource) -> int:
    row = ResourceCount.objects.filter(account=account, resource=resource).first()
    return row.used if row else 0


def test_a_registered_template_is_there_at_once_and_ready_when_fetched(cloud):
    caller = make_caller()
    made = register(caller, cloud, displaytext="Debian 12", passwordenabled="true")
    assert (made["isready"], made["status"]) == (False, "Processing")
    assert made["passwordenabled"] is True
    assert used(caller.account, Resource.TEMPLATE) == 1
    run_everything()
    found = shown(caller, made["id"])
    assert (found["isready"], found["status"]) == (True, "Download Complete")
    assert (found["size"], found["format"], found["url"]) == (2 * GIB, "QCOW2", URL)
    assert found["checksum"].startswith("{SHA-512}")
    assert used(caller.account, Resource.SECONDARY_STORAGE) == GIB // 4
    cloud.assert_balanced()


def test_how_far_a_download_is_shows_in_its_status(cloud, monkeypatch):
    caller = make_caller()
    made = register(caller, cloud)
    seen = []
    monkeypatch.setattr(jobs, "_SHOW_EVERY_S", 0)
    progress = jobs._Shown.progress

    def watched(self, percent, note=""):
        progress(self, percent, note)
        seen.append(shown(caller, made["id"])["status"])

    monkeypatch.setattr(jobs._Shown, "progress", watched)
    run_everything()
    assert seen[0] == "10% Downloaded"
    assert all(text.endswith("% Downloaded") for text in seen)


@pytest.mark.parametrize(
    "error, said",
    [
        (p.ImageRefused("The file is an HTML page, not a QCOW2 image."), "HTML page"),
        (p.ImageRefused("The qcow2 image is not safe: it refers to another file."), "not safe"),
        (p.DownloadRefused("images.example.org is at 10.0.0.1, a private address."), "private"),
        (p.DownloadFailed("The server answered 404 Not Found."), "404"),
        (p.NotEnoughSpace("/export/secondary is full."), "is full"),
    ],
)
def test_why_a_download_is_refused_is_in_the_status_the_job_and_an_alert(
    cloud, monkeypatch, error, said
):
    caller = make_caller()
    cloud.world.web[URL] = error
    made = register(caller, cloud)
    impatient(monkeypatch, jobs.download)
    run_everything()
    job = AsyncJob.objects.get()
    assert job.status == JobStatus.FAILED
    assert said in job.error_text
    found = shown(caller, made["id"])
    assert found["isready"] is False
    assert said in found["status"]
    assert Alert.objects.filter(description__contains=said).exists()
    assert Event.objects.filter(type="TEMPLATE.DOWNLOAD.FAILED", account=caller.account).exists()
    assert used(caller.account, Resource.SECONDARY_STORAGE) == 0
    cloud.assert_balanced()


def test_a_server_that_is_away_for_a_while_is_asked_again(cloud):
    caller = make_caller()
    cloud.world.faults.fail("image.download", p.DownloadFailed("Connection reset."), times=2)
    made = register(caller, cloud)
    run_everything()
    assert shown(caller, made["id"])["isready"] is True
    assert JobStep.objects.get(name="fetch").attempts == 3


def test_an_image_larger_than_the_quota_is_refused_and_deleted_again(cloud):
    caller = make_caller()
    limits.set_limit(caller.account, Resource.SECONDARY_STORAGE, 1)
    cloud.world.web[URL] = p.ImageInfo(9 * GIB, 2 * GIB, "QCOW2", "{SHA-512}00")
    made = register(caller, cloud)
    run_everything()
    assert "ceiling" not in (AsyncJob.objects.get().error_text or "")
    assert "secondary storage" in shown(caller, made["id"])["status"]
    assert not cloud.images()
    cloud.assert_balanced()


def test_what_is_left_of_the_quota_caps_the_download(cloud):
    caller = make_caller()
    limits.set_limit(caller.account, Resource.SECONDARY_STORAGE, 1)
    template = cloud.template(caller.account)
    assert quota.left(template) == GIB
    assert egress.rules(max_bytes=GIB).max_bytes == GIB
    assert egress.rules().max_bytes == 50 * GIB


def test_one_template_too_many_is_refused_and_leaves_nothing(cloud):
    caller = make_caller()
    limits.set_limit(caller.account, Resource.TEMPLATE, 0)
    with pytest.raises(LimitExceeded):
        register(caller, cloud)
    assert not Template.everything.exists()
    assert not AsyncJob.objects.exists()


@pytest.mark.parametrize(
    "given, said",
    [
        ({"url": "ftp://x/y"}, "http or https"),
        ({"url": "//x/y"}, "without scheme"),
        ({"url": "http:///y"}, "names no server"),
        ({"url": "http://user:secret@x/y"}, "user name or password"),
        ({"url": "http://x:22/y"}, "ports 80"),
        ({"url": "http://x:99999999/y"}, "not an address"),
        ({"format": "OVA"}, "not OVA"),
        ({"hypervisor": "Xen"}, "no hypervisor Xen"),
        ({"checksum": "abc"}, "not a checksum"),
        ({"checksum": "{SHA-256}" + "0" * 32}, "not a checksum"),
        ({"checksum": "g" * 64}, "not a checksum"),
    ],
)
def test_what_can_never_be_fetched_is_refused_at_once(cloud, given, said):
    with pytest.raises(InvalidParameter, match=said):
        register(make_caller(), cloud, **given)
    assert not Template.everything.exists()


@pytest.mark.parametrize("length", [32, 40, 64, 128])
def test_checksums_are_told_by_their_length(cloud, length):
    register(make_caller(), cloud, checksum="a" * length)
    assert Template.objects.get().wanted_checksum == "a" * length


def test_files_are_for_root_administrators(cloud):
    with pytest.raises(PermissionDenied, match="root administrators"):
        register(make_caller("DomainAdmin"), cloud, url="file:///srv/a.qcow2")
    # An administrator within rules would read the portal's keys: it is no owner of the cloud.
    support = make_account()
    support.role = Role.objects.get(name="Support Admin - Default")
    support.save()
    with pytest.raises(PermissionDenied, match="root administrators"):
        register(caller_of(support), cloud, url="file:///srv/secrets.key", format="RAW")
    register(admin_caller(), cloud, url="file:///srv/a.qcow2")
    assert AsyncJob.objects.get().args["allow_file"] is True
    with pytest.raises(InvalidParameter, match="file:///folder"):
        register(admin_caller(), cloud, url="file://elsewhere/a.qcow2")


def test_rules_for_addresses_come_from_the_settings(cloud, monkeypatch):
    configuration.set_value(
        "secstorage.allowed.internal.sites", "10.1.0.0/16, 192.168.1.5"
    )
    configuration.set_value("max.template.iso.size", "3")
    configuration.set_value("store.download.follow.redirects", "false")
    rules = egress.rules()
    assert rules.allow_internal == ("10.1.0.0/16", "192.168.1.5/32")
    assert (rules.max_bytes, rules.max_redirects, rules.allow_file) == (3 * GIB, 0, False)


def test_without_a_store_the_refusal_says_so(world):
    zone = make_zone()
    with pytest.raises(InsufficientCapacity, match="there is none"):
        execute(
            admin_caller(),
            "registerTemplate",
            {"name": "a", "url": URL, "format": "QCOW2", "hypervisor": "KVM", "zoneid": zone.uuid},
        )


def test_a_read_only_or_full_store_takes_no_downloads(cloud):
    execute(admin_caller(), "updateImageStore", {"id": cloud.site.store.uuid, "readonly": "true"})
    with pytest.raises(InsufficientCapacity, match="read-only"):
        register(make_caller(), cloud)


def test_another_account_gets_a_template_only_from_who_rules_it(cloud):
    other = make_account("other")
    with pytest.raises(CloudError, match="no account other"):
        register(make_caller(), cloud, account="other", domainid=other.domain.uuid)
    made = register(admin_caller(), cloud, account="other", domainid=other.domain.uuid)
    assert made["account"] == "other"


def test_an_iso_is_registered_with_what_it_installs(cloud):
    caller, zone = make_caller(), cloud.site.zone
    given = {"name": "netinst", "url": "http://x/a.iso", "zoneid": zone.uuid}
    with pytest.raises(InvalidParameter, match="ostypeid"):
        execute(caller, "registerIso", given)
    os_type = make_os_type("Debian 12")
    made = execute(caller, "registerIso", {**given, "ostypeid": os_type.uuid}).records[0]
    assert (made["bootable"], made["format"], made["ostypename"]) == (True, "ISO", "Debian 12")
    run_everything()
    found = execute(caller, "listIsos", {"isofilter": "executable"}).records
    assert [i["name"] for i in found] == ["netinst"]
    assert execute(caller, "listTemplates", {"templatefilter": "self"}).count == 0


# -- died and undone -----------------------------------------------------------------------------


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before"), (1, "after")])
def test_a_download_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    caller = make_caller()
    made = register(caller, cloud)
    disturb(monkeypatch, jobs.download, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert shown(caller, made["id"])["isready"] is True
    cloud.assert_balanced()


@pytest.mark.parametrize("index, when", [(0, "before"), (0, "after"), (1, "before")])
def test_a_download_that_fails_at_any_step_leaves_no_file(cloud, monkeypatch, index, when):
    caller = make_caller()
    made = register(caller, cloud)
    disturb(monkeypatch, jobs.download, index, BROKEN, when=when)
    run_everything()
    assert shown(caller, made["id"])["isready"] is False
    assert not cloud.images()
    cloud.assert_balanced()


def test_a_download_that_is_cancelled_stops_and_can_be_deleted(cloud):
    caller = make_caller()
    made = register(caller, cloud)
    execute(caller, "deleteTemplate", {"id": made["id"]})
    run_everything()
    assert not Template.objects.exists()
    assert not cloud.images()
    cloud.assert_balanced()
    assert not Alert.objects.exists()


# -- the end -------------------------------------------------------------------------------------


def test_a_deleted_template_leaves_neither_files_nor_counts(cloud, run):
    caller = make_caller()
    made = register(caller, cloud)
    run_everything()
    template = Template.objects.get()
    bases.ensure(run, template, cloud.site.pool, cloud.site.host)
    execute(caller, "deleteTemplate", {"id": made["id"]})
    run_everything()
    assert shown(caller, made["id"]) is None
    assert not cloud.images()
    assert not cloud.files()
    assert used(caller.account, Resource.TEMPLATE) == 0
    assert used(caller.account, Resource.SECONDARY_STORAGE) == 0
    cloud.assert_balanced()


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("when", ["before", "after"])
def test_deletion_survives_the_worker_at_every_step(cloud, monkeypatch, index, when):
    caller = make_caller()
    register(caller, cloud)
    run_everything()
    execute(caller, "deleteTemplate", {"id": Template.objects.get().uuid})
    disturb(monkeypatch, jobs.delete_template, index, Killed(), when=when)
    assert run_killed().status == JobStatus.DONE
    assert not Template.objects.exists()
    cloud.assert_balanced()


def test_a_deletion_that_the_host_refuses_is_tried_again(cloud):
    caller = make_caller()
    register(caller, cloud)
    run_everything()
    template = Template.objects.get()
    cloud.world.faults.fail("image.delete", p.OperationFailed("stale handle"), times=99)
    execute(caller, "deleteTemplate", {"id": template.uuid})
    run_everything()
    template.refresh_from_db()
    assert (template.state, template.removed) == ("Inactive", None)
    cloud.world.faults.clear()
    assert mend_all() == 1
    run_everything()
    template.refresh_from_db()
    assert template.removed
    cloud.assert_balanced()


def test_a_template_of_the_system_stays(cloud):
    template = cloud.template(type="SYSTEM")
    with pytest.raises(InvalidParameter, match="stays"):
        execute(admin_caller(), "deleteTemplate", {"id": template.uuid})


def test_a_template_is_not_an_iso(cloud):
    caller = make_caller()
    template = cloud.template(caller.account)
    with pytest.raises(InvalidParameter, match="is a template"):
        execute(caller, "deleteIso", {"id": template.uuid})


def test_a_store_in_use_says_by_what_and_goes_when_empty(cloud):
    caller = make_caller()
    template = cloud.template(caller.account, name="busy")
    with pytest.raises(InUse, match="busy"):
        execute(admin_caller(), "deleteImageStore", {"id": cloud.site.store.uuid})
    execute(caller, "deleteTemplate", {"id": template.uuid})
    run_everything()
    execute(admin_caller(), "deleteImageStore", {"id": cloud.site.store.uuid})
    run_everything()
    assert execute(admin_caller(), "listImageStores", {}).count == 0


# -- description, details ------------------------------------------------------------------------


def test_a_template_is_described_anew(cloud):
    caller = make_caller()
    template = cloud.template(caller.account, details={"a": "1"})
    given = {"id": template.uuid, "name": "模板", "details[0].rootDiskController": "scsi"}
    made = execute(caller, "updateTemplate", given).record()
    assert made["name"] == "模板"
    assert made["details"] == {"a": "1", "rootDiskController": "scsi"}
    execute(caller, "updateTemplate", {"id": template.uuid, "cleanupdetails": "true"})
    template.refresh_from_db()
    assert template.details == {}


def test_nobody_but_the_owner_sees_where_it_came_from(cloud):
    owner = make_account()
    template = cloud.template(owner, is_public=True, url="http://x/a?token=secret")
    assert "url" not in shown(make_caller(), template.uuid, "community")
    assert "url" in shown(caller_of(owner), template.uuid)


# -- further stores ------------------------------------------------------------------------------


def test_a_new_store_receives_public_templates_by_itself(cloud):
    cloud.template(is_public=True, name="shared")
    cloud.template(name="private")
    second = make_store(cloud.site.zone)
    assert replicate() == 1
    run_everything()
    copy = TemplateCopy.objects.get(store=second)
    assert (copy.template.name, copy.state) == ("shared", "Ready")
    assert copy.name in cloud.images(second)
    assert replicate() == 0
    cloud.assert_balanced()


def test_a_template_for_all_zones_goes_to_a_store_of_each(cloud):
    caller = make_caller()
    other = make_store(make_zone())
    make_host(zone=other.zone)
    register(caller, cloud, zoneid="-1")
    run_everything()
    replicate()
    run_everything()
    template = Template.objects.get()
    assert {c.store.zone for c in template.copies.filter(state="Ready")} == {
        cloud.site.zone,
        other.zone,
    }


def test_a_template_for_some_zones_goes_to_these_only(cloud):
    caller = make_caller()
    second, third = make_store(make_zone()), make_store(make_zone())
    for store in (second, third):
        make_host(zone=store.zone)
    zones = f"{cloud.site.zone.uuid},{second.zone.uuid}"
    register(caller, cloud, zoneid=None, zoneids=zones)
    run_everything()
    mend_all()
    replicate()
    run_everything()
    copies = Template.objects.get().copies.all()
    assert {c.store: c.state for c in copies} == {cloud.site.store: "Ready", second: "Ready"}
    given = {"templatefilter": "executable", "zoneid": second.zone.uuid}
    assert execute(caller, "listTemplates", given).count == 1
    given["zoneid"] = third.zone.uuid
    assert execute(caller, "listTemplates", given).count == 0


def test_a_template_is_copied_to_another_zone_when_asked(cloud):
    caller = make_caller()
    template = cloud.template(caller.account)
    other = make_store(make_zone())
    make_host(zone=other.zone)
    given = {"id": template.uuid, "destzoneid": other.zone.uuid}
    execute(caller, "copyTemplate", given)
    run_everything()
    assert template.copies.get(store=other).state == "Ready"
    found = execute(caller, "listTemplates", {"templatefilter": "self", "zoneid": other.zone.uuid})
    assert found.count == 1
    with pytest.raises(InvalidParameter, match="already"):
        execute(caller, "copyTemplate", given)
