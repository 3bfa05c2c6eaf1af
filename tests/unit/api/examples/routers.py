"""Routers operated by people."""

from network.models import Router
from network.services import routers
from tests.unit.api.examples import example


def running(stage):
    routers.apply(None, stage["network.Network"], stage["infra.Host"])
    return Router.objects.get(network=stage["network.Network"])


@example("stopRouter")
def _(stage):
    answered = yield {"id": running(stage)}
    assert answered["state"] == "Stopped"


@example("startRouter")
def _(stage):
    router = running(stage)
    stage.ask("stopRouter", id=router)
    answered = yield {"id": router}
    assert answered["state"] == "Running"


@example("rebootRouter")
def _(stage):
    answered = yield {"id": running(stage)}
    assert answered["state"] == "Running"


@example("destroyRouter")
def _(stage):
    router = running(stage)
    yield {"id": router}
    assert not Router.everything.filter(pk=router.pk).exists()
