"""Things that get another owner, and the zone an account prefers."""

from infra.models import Zone
from storage.models import Template
from tests import factories
from tests.unit.api.examples import example


def _heir(stage):
    heir = factories.make_account(domain=factories.make_domain())
    network = factories.make_network(heir, zone=stage["infra.Zone"])
    return heir, network


@example("assignVirtualMachine")
def _(stage):
    """What the stage has for its own domain alone is for the heir, too."""
    machine = stage.machine("Stopped")
    Zone.objects.update(domain=None)
    Template.objects.update(is_public=True)
    heir, network = _heir(stage)
    machine.service_offering.domains.clear()
    answered = yield {
        "virtualmachineid": machine, "account": heir.name, "domainid": heir.domain,
        "networkids": [network],
    }  # fmt: skip
    assert (answered["account"], answered["nic"][0]["networkid"]) == (heir.name, str(network.uuid))


@example("assignVolume")
def _(stage):
    heir = factories.make_account()
    volume = factories.make_volume(stage.account, zone=stage["infra.Zone"])
    answered = yield {"volumeid": volume, "accountid": heir}
    assert answered["account"] == heir.name


@example("markDefaultZoneForAccount")
def _(stage):
    answered = yield {
        "account": stage.account.name, "domainid": stage.account.domain,
        "zoneid": stage["infra.Zone"],
    }  # fmt: skip
    assert answered["defaultzoneid"] == str(stage["infra.Zone"].uuid)


@example("explainPermission")
def _(stage):
    user = stage.account.users.first()
    answered = yield {"name": "createZone", "userid": user}
    assert (answered["isallowed"], answered["user"]) == (False, user.username)
    assert "type User may not use it" in answered["reason"]
