"""Alerts, and guest operating systems."""

from datetime import timedelta

import pytest
from django.utils import timezone

from api.dispatch import execute
from core.errors import CloudError, InUse, InvalidParameter
from infra.models import Alert, OsCategory, OsType
from infra.services import alerts, configuration, guests
from infra.services.alerts import AlertType
from tests.factories import admin_caller, make_caller, make_host, make_os_type

pytestmark = pytest.mark.django_db


def shown(**parameters):
    return [r["name"] for r in execute(admin_caller(), "listAlerts", parameters).records]


def test_the_same_problem_is_one_alert_until_it_is_resolved():
    host = make_host()
    first = alerts.raise_alert(AlertType.HOST, host, "Down", "It is down.")
    alerts.raise_alert(AlertType.HOST, host, "Down", "It is still down.")
    first.refresh_from_db()
    assert (first.count, first.description) == (2, "It is still down.")
    assert alerts.resolve(AlertType.HOST, host) == 1
    alerts.raise_alert(AlertType.HOST, host, "Down again", "Again.")
    assert shown() == ["Down again", "Down"]
    assert shown(resolved="false") == ["Down again"]


def test_archived_alerts_are_out_of_the_way_and_deleted_ones_gone():
    host = make_host()
    one = alerts.raise_alert(AlertType.HOST, host, "one", "x")
    two = alerts.raise_alert(AlertType.CPU, host.cluster, "two", "x")
    execute(admin_caller(), "archiveAlerts", {"ids": str(one.uuid)})
    assert shown() == ["two"]
    assert shown(archived="true") == ["one"]
    execute(admin_caller(), "deleteAlerts", {"type": "alert.cpu"})
    assert shown() == []
    assert Alert.everything.get(pk=two.pk).removed is not None
    assert shown(type="7", archived="true") == ["one"]


@pytest.mark.parametrize("command", ["archiveAlerts", "deleteAlerts"])
def test_alerts_are_not_put_away_without_saying_which(command):
    alerts.raise_alert(AlertType.HOST, make_host(), "one", "x")
    with pytest.raises(InvalidParameter, match="Say which"):
        execute(admin_caller(), command)
    with pytest.raises(InvalidParameter, match="no alert type"):
        execute(admin_caller(), command, {"type": "nonsense"})
    assert shown() == ["one"]


def test_a_program_can_raise_an_alert():
    host = make_host()
    said = {"name": "UPS", "description": "On battery", "type": "14"}
    said["podid"] = str(host.pod.uuid)
    execute(admin_caller(), "generateAlert", said)
    alert = Alert.objects.get()
    assert (alert.name, alert.pod, alert.zone) == ("UPS", host.pod, host.zone)
    for name in ("UPS", "Cooling"):
        execute(admin_caller(), "generateAlert", {**said, "name": name})
    assert list(Alert.objects.order_by("pk").values_list("name", "count")) == [
        ("UPS", 2), ("Cooling", 1),
    ]  # fmt: skip
    with pytest.raises(InvalidParameter, match="no alert type 999"):
        execute(admin_caller(), "generateAlert", {"name": "x", "description": "x", "type": "999"})


def test_alerts_are_the_operators():
    alerts.raise_alert(AlertType.HOST, make_host(), "one", "x")
    assert execute(make_caller("ResourceAdmin"), "listAlerts").count == 0
    with pytest.raises(CloudError):
        execute(make_caller(), "listAlerts")


def test_old_alerts_are_purged_when_the_operator_wants_it():
    host = make_host()
    old = alerts.raise_alert(AlertType.HOST, host, "old", "x")
    open_ = alerts.raise_alert(AlertType.CPU, host, "open", "x")
    alerts.resolve(AlertType.HOST, host)
    Alert.objects.update(sent=timezone.now() - timedelta(days=40))
    assert alerts.purge() == 0
    configuration.set_value("alert.purge.delay", "30")
    assert alerts.purge() == 1
    assert not Alert.everything.filter(pk=old.pk).exists()
    assert Alert.everything.filter(pk=open_.pk).exists()


def test_resolved_alerts_are_archived_in_time_and_open_ones_stay_in_sight():
    host = make_host()
    old = alerts.raise_alert(AlertType.HOST, host, "old", "x")
    alerts.resolve(AlertType.HOST, host)
    open_ = alerts.raise_alert(AlertType.CPU, host, "open", "x")
    Alert.objects.update(sent=timezone.now() - timedelta(days=8))
    Alert.objects.filter(pk=old.pk).update(resolved=timezone.now() - timedelta(days=8))
    assert alerts.archive_old() == 0
    configuration.set_value("alert.archive.delay", "7")
    assert alerts.archive_old() == 1
    (shown,) = execute(admin_caller(), "listAlerts").records
    assert shown["id"] == open_.uuid
    (away,) = execute(admin_caller(), "listAlerts", {"archived": "true"}).records
    assert away["id"] == old.uuid


def test_every_alert_type_has_a_name():
    found = execute(admin_caller(), "listAlertTypes").records
    assert {"id": "7", "type": 7, "name": "ALERT.COMPUTE.HOST"} in found
    assert len({r["name"] for r in found}) == len(AlertType)


# -- guest operating systems -----------------------------------------------------------


def test_built_in_systems_come_once_and_removed_ones_stay_away():
    OsType.everything.all().delete()
    OsCategory.everything.all().delete()
    assert guests.ensure_built_in() > 60
    assert guests.ensure_built_in() == 0
    chosen = OsType.objects.get(display_name="Debian GNU/Linux 12 (64-bit)")
    assert chosen.category.name == "Debian"
    chosen.remove()
    assert guests.ensure_built_in() == 0
    assert not OsType.objects.filter(display_name=chosen.display_name).exists()


def test_an_operator_adds_changes_and_removes_a_system():
    make_os_type()
    category = OsCategory.objects.get(name="Other")
    added = execute(
        admin_caller(),
        "addGuestOs",
        {"oscategoryid": str(category.uuid), "osdisplayname": "统信 UOS 20"},
    )
    os_type = added.value
    found = execute(make_caller(), "listOsTypes", {"keyword": "UOS"}).records
    assert (found[0]["description"], found[0]["isuserdefined"]) == ("统信 UOS 20", True)
    with pytest.raises(InvalidParameter, match="already"):
        execute(admin_caller(), "addGuestOs",
                {"oscategoryid": str(category.uuid), "osdisplayname": "统信 UOS 20"})  # fmt: skip
    execute(admin_caller(), "updateGuestOs", {"id": str(os_type.uuid), "fordisplay": "false"})
    assert execute(make_caller(), "listOsTypes", {"keyword": "UOS"}).count == 0
    assert execute(admin_caller(), "listOsTypes", {"keyword": "UOS"}).count == 1
    with pytest.raises(InUse, match="统信 UOS 20"):
        execute(admin_caller(), "deleteOsCategory", {"id": str(category.uuid)})
    execute(admin_caller(), "removeGuestOs", {"id": str(os_type.uuid)})
    assert execute(admin_caller(), "listOsTypes", {"keyword": "UOS"}).count == 0
