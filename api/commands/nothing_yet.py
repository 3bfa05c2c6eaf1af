"""Lists of what this portal has none of, asked for by clients that picture a machine.

Libcloud draws no node without the forwarding rules of the account. The portal cannot make any
yet, so the true answer is an empty list. These commands are answered and not listed: they are
not in ``listApis``, and nothing counts them as built. Whoever brings the things brings the real
command and removes the one here (two of a name do not start).
"""

from __future__ import annotations

from typing import Any

from accounts.caller import Caller
from core.commands import USER, command
from core.responses import Response, text

portforwardingrule = Response("portforwardingrule", fields=(text("id"), text("protocol")))
ipforwardingrule = Response("ipforwardingrule", fields=(text("id"), text("protocol")))


@command(roles=USER, response=portforwardingrule, listed=False)
def listPortForwardingRules(caller: Caller) -> list[dict[str, Any]]:
    """Lists rules that forward ports of public addresses; there are none as yet."""
    return []


@command(roles=USER, response=ipforwardingrule, listed=False)
def listIpForwardingRules(caller: Caller) -> list[dict[str, Any]]:
    """Lists rules that forward whole public addresses; there are none as yet."""
    return []
