"""What simulated hosts do on purpose, told and ended on the pages of a zone and a host."""

import pytest

from infra.models import Host
from infra.services import simulator
from tests import factories as f

pytestmark = pytest.mark.django_db


def post(browser, url, **fields):
    reply = browser.post(url, fields, headers={"HX-Request": "true"})
    assert reply.status_code == 204, reply.content.decode()[:500]


def test_a_mock_is_made_seen_and_deleted_on_the_page_of_a_zone(administrator, world):
    host = f.make_host()
    page = f"/zones/{host.zone.uuid}/mocks"
    assert "Nothing happens on purpose here." in administrator.page(page)
    form = f"?from=zones&of={host.zone.uuid}&stay=1"
    post(administrator, f"/do/configureSimulator{form}", name="StartCommand", value="wait:3")
    shown = administrator.page(page)
    assert "wait:3" in shown
    assert "always" in shown
    post(administrator, f"/do/cleanupSimulatorMock{form}&id=1")
    assert simulator.holding_for(host.zone) == []


def test_a_host_shows_the_mocks_that_hold_for_it_and_no_other(administrator, world):
    host, other = f.make_host(), f.make_host()
    for place, value in ((host, "wait:1"), (other, "wait:2"), (host.cluster, "wait:4")):
        form = f"?from=hosts&of={place.uuid}&stay=1"
        if place is host.cluster:
            simulator.configure(
                "StopCommand", value, zone=None, pod=None, cluster=place, host=None, count=2,
                reply="",
            )  # fmt: skip
        else:
            post(administrator, f"/do/configureSimulator{form}", name="StopCommand", value=value)
    shown = administrator.page(f"/hosts/{host.uuid}/mocks")
    assert "wait:1" in shown
    assert "wait:4" in shown
    assert "wait:2" not in shown
    assert all(value in administrator.page(f"/zones/{host.zone.uuid}/mocks")
               for value in ("wait:1", "wait:4"))  # fmt: skip


def test_only_simulated_hosts_are_told_to_fail(administrator):
    host = f.make_host()
    Host.objects.update(link="local")
    assert f"/zones/{host.zone.uuid}/mocks" not in administrator.page(f"/zones/{host.zone.uuid}")
