"""Commands as somebody calls them, each time as in a request of its own."""

from accounts.caller import Caller
from api import dispatch
from tests import factories


def fresh(caller: Caller) -> Caller:
    """The same caller at its next request: what it is in is asked anew."""
    return factories.caller_of(caller.user)


def ask(caller: Caller, command: str, /, **given: object) -> dispatch.Outcome:
    return dispatch.execute(fresh(caller), command, {k: str(v) for k, v in given.items()})


def ids(caller: Caller, command: str, /, **given: object) -> set[str]:
    return {r["id"] for r in ask(caller, command, **given).records}
