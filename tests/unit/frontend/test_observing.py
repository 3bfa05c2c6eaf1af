"""Pages that show what was observed: comments, icons, capacity, alerts, the audit."""

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from accounts.models import Annotation, ResourceDetail
from api.dispatch import execute
from frontend import growth, tabs
from infra.models import Alert, CapacityPoint, HostTrend
from infra.services.alerts import AlertType, raise_alert
from jobs.models import AsyncJob, JobStatus, Worker, WorkerState
from tests.factories import (
    admin_caller,
    caller_of,
    make_account,
    make_host,
    make_user,
    make_vm,
    make_zone,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(browser_of):
    return browser_of(make_user(account=make_account()))


@pytest.fixture
def vm(owner):
    return make_vm("Running", account=owner.user.account)


def picture():
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "red").save(out, "PNG")
    return SimpleUploadedFile("icon.png", out.getvalue(), "image/png")


def test_comments_are_written_read_hidden_and_removed(owner, administrator, vm):
    base = f"/instances/{vm.uuid}/comments"
    owner.post(f"/comments/instances/{vm.uuid}", {"text": "Do <b>not</b> touch"})
    assert "Do &lt;b&gt;not&lt;/b&gt; touch" in administrator.page(base)
    comment = Annotation.objects.get()
    administrator.post(f"/comments/instances/{vm.uuid}",
                       {"do": "show", "id": str(comment.uuid), "adminsonly": "true"})  # fmt: skip
    assert "touch" not in owner.page(base)
    administrator.post(f"/comments/instances/{vm.uuid}", {"do": "remove", "id": str(comment.uuid)})
    assert not Annotation.objects.exists()


def test_an_icon_is_uploaded_shown_and_taken_away(owner, vm):
    address = f"/icon/instances/{vm.uuid}"
    assert owner.get(address).status_code == 404
    assert owner.post(address, {"icon": picture()}).status_code == 302
    assert f'src="{address}?v=' in owner.page(f"/instances/{vm.uuid}")
    reply = owner.get(address)
    assert (reply["Content-Type"], reply.content[:4]) == ("image/png", b"\x89PNG")
    owner.post(address, {"remove": "1"})
    assert owner.get(address).status_code == 404


def test_what_is_no_picture_is_refused_in_words(owner, vm):
    sent = SimpleUploadedFile("icon.svg", b"<svg onload='alert(1)'/>", "image/svg+xml")
    reply = owner.post(f"/icon/instances/{vm.uuid}", {"icon": sent})
    assert reply.status_code == 422
    assert "not a picture" in reply.content.decode()


def test_a_stranger_finds_neither_icon_nor_comments(tenant, owner, vm):
    owner.post(f"/icon/instances/{vm.uuid}", {"icon": picture()})
    assert tenant.get(f"/icon/instances/{vm.uuid}").status_code == 404
    assert tenant.get(f"/instances/{vm.uuid}/comments").status_code == 404
    assert tenant.post(f"/comments/instances/{vm.uuid}", {"text": "hello"}).status_code == 404


def test_details_are_the_operators(owner, administrator, vm):
    assert owner.get(f"/instances/{vm.uuid}/details").status_code == 404
    pair = {"key": "nicAdapter", "value": "e1000"}
    administrator.post(f"/details/instances/{vm.uuid}", pair)
    administrator.post(
        f"/details/instances/{vm.uuid}", {"key": "rack", "value": "7", "hidden": "true"}
    )
    text = administrator.page(f"/instances/{vm.uuid}/details")
    assert "nicAdapter" in text
    assert re.search(r"rack.*Administrators only", text, re.S)
    administrator.post(f"/details/instances/{vm.uuid}", {"remove": "rack"})
    assert not ResourceDetail.objects.exists()


def test_capacity_shows_what_was_and_when_it_is_full(administrator):
    host = make_host()
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours, used in ((12, 8000), (9, 9000), (6, 10000), (3, 11000), (0, 12000)):
        CapacityPoint.objects.create(scope="zone", holder=host.zone_id, type=1, total=32000,
                                     used=used, at=now - timedelta(hours=hours))  # fmt: skip
    for address in ("/capacity", f"/zones/{host.zone.uuid}/capacity", "/"):
        assert "full in 2 days" in administrator.page(address), address  # 8000 a day, 20000 left
    text = administrator.page("/capacity")
    assert 'data-values="25.0,28.12,31.25,34.38,37.5"' in text
    assert 'data-limit="75.0"' in text
    assert host.cluster.name in text


@pytest.mark.parametrize(
    ("days", "words", "soon"),
    [(None, "", False), (0.0, "full within a day", True), (1.2, "full in 1 day", True),
     (40, "full in 40 days", False), (4000, "", False)],
)  # fmt: skip
def test_a_forecast_in_words(days, words, soon):
    assert (growth.words(days), growth.is_soon(days)) == (words, soon)


def test_a_hosts_last_day_is_drawn(administrator):
    host = make_host()
    HostTrend.objects.create(host=host, points=[[1700000000, 12.5, 2048, 0.5],
                                                [1700000600, 25.0, 1024, 1.5]])  # fmt: skip
    text = administrator.page(f"/hosts/{host.uuid}/metrics")
    assert 'data-values="12.5,25.0"' in text
    assert 'data-values="2.0,1.0"' in text


def test_an_alert_is_raised_by_hand(administrator):
    assert "generateAlert" in administrator.page("/alerts")
    pod = make_host().pod
    sent = {"type": "14", "name": "Cooling", "description": "32 degrees", "podid": str(pod.uuid)}
    administrator.post("/do/generateAlert?from=alerts", sent)
    alert = Alert.objects.get(name="Cooling")
    assert (alert.type, alert.pod, alert.zone) == (AlertType.MANAGEMENT, pod, pod.zone)


def test_an_alert_is_taken_on_from_its_page(administrator):
    alert = raise_alert(AlertType.HOST, make_host(), "Host down", "It does not answer.")
    text = administrator.page(f"/alerts/{alert.uuid}")
    assert "Open" in text
    administrator.post(f"/do/acknowledgeAlerts?from=alerts&of={alert.uuid}")
    alert.refresh_from_db()
    assert alert.acknowledged_by == "admin"
    assert "Taken on" in administrator.page("/alerts")
    assert Alert.objects.get().resolved is None


def test_a_process_is_prepared_to_stop_from_its_page(administrator):
    worker = Worker.objects.create(name="portal-1", machine="here", pid=1)
    (uuid,) = re.findall(r'id="row-([0-9a-f-]{36})"', administrator.page("/managementservers"))
    administrator.post(f"/do/prepareForShutdown?from=managementservers&of={uuid}")
    worker.refresh_from_db()
    assert worker.state == WorkerState.PREPARING_SHUTDOWN


def test_the_audit_is_exported_as_the_list_is_narrowed(administrator, tenant):
    zone = make_zone()
    execute(admin_caller(), "updateZone", {"id": str(zone.uuid), "name": "north"})
    execute(admin_caller(), "updateAccount",
            {"id": str(make_account().uuid), "networkdomain": "a.example"})  # fmt: skip
    page = administrator.page("/events?type=ZONE.EDIT")
    assert "/events/audit?format=csv&amp;type=ZONE.EDIT" in page
    reply = administrator.get("/events/audit?format=csv&type=ZONE.EDIT")
    lines = b"".join(reply.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "north" in lines[1]
    assert administrator.get("/events/audit?format=pdf").status_code == 422
    assert "Export" not in tenant.page("/events")
    assert tenant.get("/events/audit").status_code == 404


def test_the_list_of_jobs_says_why_one_failed_and_its_page_leads_to_the_thing(administrator, vm):
    about = {"instance_type": "VirtualMachine", "instance_uuid": vm.uuid, "instance_name": str(vm)}
    job = AsyncJob.objects.create(
        account=vm.account, command="startVirtualMachine", plan="", subject={},
        completed=timezone.now(), status=JobStatus.FAILED,
        error_text="No host has 64 GiB free.", **about,
    )  # fmt: skip
    assert "No host has 64 GiB free." in administrator.page("/jobs")
    assert f'<a href="/instances/{vm.uuid}">{vm}</a>' in administrator.page(f"/jobs/{job.uuid}")
    gone = uuid4()
    AsyncJob.objects.update(instance_uuid=gone)
    assert f"/instances/{gone}" not in administrator.page(f"/jobs/{job.uuid}")


def test_a_refusal_is_told_in_the_pages_words(owner, vm):
    with pytest.raises(Exception, match="cannot"):
        execute(caller_of(owner.user), "startVirtualMachine", {"id": str(vm.uuid)})
    (event,) = execute(caller_of(owner.user), "listEvents", {"level": "ERROR"}).records
    said = tabs.event_text(event)
    assert said.startswith("Start")
    assert f"{vm} – Refused: " in said
    assert "startVirtualMachine" not in said
