"""Trouble on purpose, for hosts of the Simulator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from accounts.caller import Caller
from core.commands import ADMIN, Length, Operate, command
from core.responses import SUCCESS, Field, Response
from infra.models import Cluster, Host, Pod, Zone
from infra.services import simulator

mock = Response(
    "simulatormock",
    None,
    (
        Field("id", "long"),
        Field("name"),
        Field("value"),
        Field("zoneid"),
        Field("podid"),
        Field("clusterid"),
        Field("hostid"),
        Field("count", "integer"),
    ),
)

_VALUE = (
    "What happens, with ; between: wait:seconds, timeout:seconds (done, but the answer is lost), "
    "result:fail (refused), result:fault (its agent does not answer), enabled:false (the host has "
    "lost power)"
)


@command(roles=ADMIN, response=mock)
def configureSimulator(
    caller: Caller,
    name: Annotated[str, "What hosts are asked: StartCommand, PingCommand, volume.create, …"],
    value: Annotated[str, Length(4096), _VALUE],
    zoneid: Annotated[Zone | None, Operate, "Only hosts of this zone"] = None,
    podid: Annotated[Pod | None, Operate, "Only hosts of this pod"] = None,
    clusterid: Annotated[Cluster | None, Operate, "Only hosts of this cluster"] = None,
    hostid: Annotated[Host | None, Operate, "Only this host"] = None,
    count: Annotated[int | None, "How often it happens; always when left out"] = None,
    jsonresponse: Annotated[
        str, Length(4096), "JSON whose fields replace those of the host's answer"
    ] = "",
) -> Mapping[str, Any]:
    """Has simulated hosts be slow, fail, fall silent or answer otherwise."""
    return simulator.configure(
        name,
        value,
        zone=zoneid,
        pod=podid,
        cluster=clusterid,
        host=hostid,
        count=count,
        reply=jsonresponse,
    )


@command(roles=ADMIN, response=mock)
def querySimulatorMock(
    caller: Caller,
    id: Annotated[int | None, "Number of the mock; the newest when left out"] = None,
) -> Mapping[str, Any]:
    """Shows a mock and how often it will still happen."""
    return simulator.find(id)


@command(roles=ADMIN, response=SUCCESS)
def cleanupSimulatorMock(
    caller: Caller,
    id: Annotated[int | None, "Number of the mock; all of them when left out"] = None,
) -> None:
    """Takes mocks away."""
    simulator.clean_up(id)
