"""What an operator has simulated hosts do on purpose: be slow, fail, lose answers, be away."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent import protocol as p
from agent.drivers.ledger import Ledger
from agent.tasks import Task

_TABLE = "mocks"

#: CloudStack's names of what it asks an agent, and ours for the same.
COMMANDS: dict[str, tuple[str, ...]] = {
    "StartupRoutingCommand": ("host.facts",),
    "ReadyCommand": ("host.preflight",),
    "PingCommand": ("host.power",),
    "CheckHealthCommand": ("host.power",),
    "GetHostStatsCommand": ("host.stats",),
    "GetVmStatsCommand": ("host.stats",),
    "StartCommand": ("domain.start",),
    "StopCommand": ("domain.stop",),
    "RebootCommand": ("domain.reboot",),
    "CheckVirtualMachineCommand": ("domain.state",),
    "AttachCommand": ("domain.attach_disk",),
    "AttachVolumeCommand": ("domain.attach_disk",),
    "DettachCommand": ("domain.detach_disk",),
    "AttachIsoCommand": ("domain.change_cdrom",),
    "PlugNicCommand": ("domain.attach_nic",),
    "UnPlugNicCommand": ("domain.detach_nic",),
    "GetVncPortCommand": ("domain.console",),
    "CreateStoragePoolCommand": ("pool.prepare",),
    "ModifyStoragePoolCommand": ("pool.prepare",),
    "DeleteStoragePoolCommand": ("pool.remove",),
    "GetStorageStatsCommand": ("pool.stats", "store.stats"),
    "CreateVolume": ("volume.create",),
    "CreateCommand": ("volume.create",),
    "CreateObjectCommand": ("volume.create",),
    "DestroyCommand": ("volume.delete",),
    "DeleteCommand": ("volume.delete", "image.delete"),
    "ResizeVolumeCommand": ("volume.resize",),
    "CreateSnapshotCommand": ("volume.snapshot",),
    "BackupSnapshotCommand": ("volume.snapshot",),
    "PrimaryStorageDownloadCommand": ("volume.install_template",),
    "CopyCommand": (
        "volume.install_template", "volume.copy_to_pool", "volume.copy_to_store", "image.copy",
    ),
    "DownloadCommand": ("image.download",),
    "SetupGuestNetworkCommand": ("router.apply",),
    "DhcpEntryCommand": ("router.apply",),
    "AggregationCommand": ("router.apply",),
    "CheckRouterCommand": ("router.state",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mock:
    """``place`` is the uuid of a zone, pod, cluster or host, or empty for everywhere; ``left``
    how often it still happens (-1: always), ``reply`` JSON that replaces parts of the answer.

    Seconds: ``wait_s`` before the work, ``timeout_s`` after it, when the answer is lost; None
    loses nothing. ``result`` is "", fail (the host refuses), fault (its agent does not answer)
    or off (it has lost power, and its guests with it).
    """

    id: int
    name: str
    place: str = ""
    value: str = ""
    left: int = -1
    wait_s: float = 0.0
    timeout_s: float | None = None
    result: str = ""
    reply: str = ""


def operations_of(name: str) -> tuple[str, ...]:
    """What a mock of this name concerns. Raises ValueError for what nobody is asked."""
    if name in p.OPERATIONS:
        return (name,)
    known = {command.lower(): command for command in COMMANDS}
    found = known.get(name.lower()) or known.get(f"{name.lower()}command")
    if found is None:
        raise ValueError(
            f"no host is ever asked for “{name}”; a name is one of CloudStack's agent commands, "
            f"such as StartCommand, or one of {', '.join(sorted(p.OPERATIONS))}"
        )
    return COMMANDS[found]


def parse(value: str) -> dict[str, Any]:
    """``wait:3|result:fail`` (or with ``;``) as fields of a Mock. Raises ValueError."""
    fields: dict[str, Any] = {}
    for part in value.replace(";", "|").split("|"):
        if not part.strip():
            continue
        key, _, text = (piece.strip().lower() for piece in part.partition(":"))
        if key in ("wait", "timeout"):
            fields[f"{key}_s"] = _seconds(key, text)
        elif key == "result" and text in ("fail", "fault"):
            fields["result"] = text
        elif key == "enabled" and text in ("true", "false"):
            fields["result"] = "" if text == "true" else "off"
        else:
            raise ValueError(
                f"“{part}” is none of wait:seconds, timeout:seconds, result:fail, result:fault, "
                "enabled:false"
            )
    return fields


def _seconds(key: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise ValueError(f"{key} takes seconds, 0 to 3600, not “{text}”")
    return seconds


def _check_reply(text: str) -> None:
    try:
        is_object = isinstance(json.loads(text), dict)
    except ValueError as error:
        raise ValueError(f"the reply is not JSON ({error})") from None
    if not is_object:
        raise ValueError("the reply is not a JSON object")


class Mocks:
    """The mocks of a world; kept in its ledger, so that every process obeys them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(
        self, name: str, value: str, *, place: str = "", count: int = -1, reply: str = ""
    ) -> Mock:
        """Raises ValueError, saying what is wrong with name, value or reply."""
        operations_of(name)
        if reply:
            _check_reply(reply)
        fields = parse(value)
        with self._ledger:
            number = 1 + max((mock.id for mock in self.all()), default=0)
            mock = Mock(number, name, place, value, count, reply=reply, **fields)
            self._ledger.put(_TABLE, "", str(number), mock)
        return mock

    def all(self) -> list[Mock]:
        return sorted(self._ledger.group(_TABLE, "").values(), key=lambda mock: mock.id)

    def remove(self, number: int) -> bool:
        return self._ledger.drop(_TABLE, "", str(number))

    def take(self, operation: str, places: Sequence[str]) -> Mock | None:
        """The mock of the narrowest place, counted down. ``places`` lists the host's own uuid
        first, its zone's last."""
        if not self._ledger.group(_TABLE, ""):
            return None
        with self._ledger:
            wanted = [m for m in self.all() if m.left and operation in operations_of(m.name)]
            for place in (*places, ""):
                mock = next((m for m in wanted if m.place == place), None)
                if mock is not None:
                    self._count_down(mock)
                    return mock
        return None

    def _count_down(self, mock: Mock) -> None:
        if mock.left > 0:
            once_less = dataclasses.replace(mock, left=mock.left - 1)
            self._ledger.put(_TABLE, "", str(mock.id), once_less)


def before(mock: Mock, host: str, task: Task) -> None:
    if mock.wait_s:
        task.sleep(mock.wait_s)
    if mock.result in ("fault", "off"):
        raise p.HostUnavailable(f"Simulated host {host} does not answer (mock {mock.id}).")
    if mock.result == "fail":
        raise p.OperationFailed(f"{mock.name} failed on purpose (mock {mock.id}).")


def after(mock: Mock, host: str, operation: str, result: Any, task: Task) -> Any:
    """The answer, or what ``reply`` makes of it; or no answer at all."""
    if mock.timeout_s is not None:
        task.sleep(mock.timeout_s)
        raise p.HostUnavailable(f"The answer of simulated host {host} was lost (mock {mock.id}).")
    if mock.reply and result is not None:
        kind = p.OPERATIONS[operation].result
        return p.from_wire(kind, {**p.to_wire(result), **json.loads(mock.reply)})
    return result
