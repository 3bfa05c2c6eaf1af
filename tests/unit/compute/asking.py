"""Commands called as clients call them."""

from api.dispatch import execute
from jobs.worker import run_everything


def ask(caller, command, **given):
    """``execute`` with rows given as themselves."""
    return execute(caller, command, {k: wire(v) for k, v in given.items()})


def wire(value):
    if hasattr(value, "uuid"):
        return str(value.uuid)
    if isinstance(value, (list, tuple)) and not any(isinstance(v, dict) for v in value):
        return ",".join(wire(v) for v in value)
    return value if isinstance(value, (list, dict)) else str(value)


def deploy(caller, cloud, **more):
    if not any(name.startswith(("networkids", "iptonetworklist")) for name in more):
        more["networkids"] = cloud.network(caller.account)
    given = {
        "zoneid": cloud.zone,
        "serviceofferingid": cloud.offering,
        "templateid": cloud.template,
        "name": "web-1",
        **more,
    }
    return ask(caller, "deployVirtualMachine", **{k: v for k, v in given.items() if v is not None})


def done(outcome):
    """Runs the jobs; the outcome's own must end well. Returns the row it was about."""
    run_everything()
    outcome.job.refresh_from_db()
    assert outcome.job.status == 1, outcome.job.error_text
    outcome.value.refresh_from_db()
    return outcome.value
