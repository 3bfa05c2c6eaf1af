"""Where a machine's screen and serial line are: asked of its host, when somebody comes."""

from __future__ import annotations

from agent.protocol import ConsoleAddress, DomainRef
from consoleproxy.models import ConsoleSession
from consoleproxy.tickets import Refused
from infra import agents


def where(row: ConsoleSession) -> ConsoleAddress:
    """On the loopback of the machine's host. Raises Refused or AgentError."""
    machine = row.machine
    if machine.host is None:
        raise Refused("the machine is on no host")
    address: ConsoleAddress = agents.call(
        machine.host, "domain.console", DomainRef(str(machine.uuid))
    )
    if row.kind == "vnc" and not address.vnc_port:
        raise Refused(f"host {machine.host} shows no screen for this machine")
    if row.kind == "serial" and not address.serial_path:
        raise Refused(f"host {machine.host} has no serial line for this machine")
    return address
