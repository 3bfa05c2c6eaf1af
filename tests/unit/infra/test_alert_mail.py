"""Alerts: acknowledged, mailed once to a real mail server, raised at thresholds."""

import email
import socket
from email import policy

import pytest
from aiosmtpd.controller import Controller
from django.utils import timezone

from api.dispatch import execute
from infra.models import Alert, HostCapacity
from infra.services import alerts, configuration, thresholds
from infra.services.alert_mail import post_alerts
from infra.services.alerts import AlertType
from jobs.letters import send_letters
from tests.factories import (
    admin_caller,
    make_host,
    make_store,
    make_zone,
)

pytestmark = pytest.mark.django_db


class Sink:
    """Keeps what comes in."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        self.messages.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@pytest.fixture
def sink():
    handler = Sink()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    for name, value in {
        "alert.smtp.host": "127.0.0.1",
        "alert.smtp.port": str(port),
        "alert.email.sender": "cloud@example.org",
        "alert.email.addresses": "ops@example.org, boss@example.org",
    }.items():
        configuration.set_value(name, value)
    yield handler
    controller.stop()


def ask(command, **given):
    return execute(admin_caller(), command, {k: str(v) for k, v in given.items()})


def raised(row, kind=AlertType.HOST):
    return alerts.raise_alert(kind, row, f"Host {row} is down", "It does not answer.")


def test_an_alert_is_mailed_once_for_its_problem(sink):
    host = make_host()
    raised(host)
    assert post_alerts() == 1
    raised(host)  # seen again
    assert post_alerts() == 0
    assert send_letters() == 2
    assert {to[0] for to, _ in sink.messages} == {"ops@example.org", "boss@example.org"}
    _, message = sink.messages[0]
    assert message["subject"] == f"[cloudportal] Host {host} is down"
    body = message.get_content()
    assert "It does not answer." in body
    assert f"Zone: {host.zone}" in body

    alerts.resolve(AlertType.HOST, host)
    raised(host)  # the problem is back: a new alert
    assert post_alerts() == 1


def test_nobody_is_mailed_what_somebody_has_taken_on_or_what_is_over(sink):
    taken, over = make_host(), make_host()
    mine = raised(taken)
    ask("acknowledgeAlerts", ids=mine.uuid)
    raised(over)
    alerts.resolve(AlertType.HOST, over)
    assert post_alerts() == 0


def test_without_addresses_or_a_server_nothing_is_posted():
    raised(make_host())
    assert post_alerts() == 0
    configuration.set_value("alert.email.addresses", "ops@example.org")
    assert post_alerts() == 0
    assert not Alert.objects.exclude(mailed=None).exists()


def test_an_alert_that_is_taken_on_says_by_whom_and_stays_open():
    alert = raised(make_host())
    ask("acknowledgeAlerts", ids=alert.uuid)
    (shown,) = ask("listAlerts", acknowledged="true").records
    assert shown["acknowledgedby"] == "admin"
    assert shown["acknowledged"] <= timezone.now()
    assert "resolved" not in shown
    assert ask("listAlerts", acknowledged="false").count == 0
    ask("archiveAlerts", ids=alert.uuid)
    assert ask("listAlerts").count == 0


def test_a_cluster_is_watched_at_its_own_threshold():
    host = make_host()
    HostCapacity.objects.filter(host=host).update(cpu_used_mhz=16000)  # of 32000
    assert thresholds.check() == 0
    name = "cluster.cpu.allocated.capacity.notificationthreshold"
    configuration.set_value(name, "0.4", host.cluster)
    make_host()  # another cluster, by the common threshold
    assert thresholds.check() == 1
    (alert,) = Alert.objects.all()
    assert (alert.type, alert.cluster) == (AlertType.CPU, host.cluster)
    HostCapacity.objects.filter(host=host).update(cpu_used_mhz=0)
    assert thresholds.check() == 0
    alert.refresh_from_db()
    assert alert.resolved


def test_zones_are_watched_too():
    zone = make_zone()
    make_store(zone, capacity_bytes=1000, used_bytes=800)
    assert thresholds.check() == 1
    (alert,) = Alert.objects.all()
    assert (alert.type, alert.zone) == (AlertType.SECONDARY_STORAGE, zone)
    assert "image store" in alert.description
    configuration.set_value("zone.secstorage.capacity.notificationthreshold", "0.9")
    assert thresholds.check() == 0
