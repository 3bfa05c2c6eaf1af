"""What there is: domains, files, devices, and what the database says is held. Two looks that
are equal mean that nothing leaked in between."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from tests.integration.portal import LabHost, LabPortal

_HELD = {
    "capacity": "select host_id, cpu_used_mhz, memory_used_mb, cores_used from infra_hostcapacity",
    "pools": "select name, allocated_bytes from storage_storagepool where removed is null",
    "quota": "select account_id, domain_id, resource, used from accounts_resourcecount",
    "addresses": "select ip4, mac from network_guestaddress",
    "nics": "select machine_id, device_id from compute_nic where removed is null",
    "machines": "select name, state, host_id from compute_virtualmachine where removed is null",
    "volumes": "select name, state, pool_id from storage_volume where removed is null",
    "attachments": "select machine_id, device_id from compute_volumeattachment",
    "snapshots": "select name, state from storage_snapshot where removed is null",
    "templates": "select name, state from storage_template where removed is null",
    "copies": "select template_id, state from storage_templatecopy where store_id is not null",
    "bases": "select template_id, state, installer from storage_pooltemplate",
}
_STUCK = {
    "job under way": "select command, phase, note from jobs_asyncjob where status = 0",
    "lease held": "select resource from jobs_lease where job_id is not null",
    "trouble": "select kind, sentence from jobs_trouble where closed is null",
    "machine between states": "select name, state from compute_virtualmachine where removed is null"
    " and state not in ('Running', 'Stopped', 'Destroyed', 'Error')",
    "volume between states": "select name, state from storage_volume where removed is null"
    " and state not in ('Allocated', 'Ready', 'Destroy')",
}


class World:
    def __init__(self, portal: LabPortal, host: LabHost) -> None:
        self.portal = portal
        self.host = host

    def rows(self, sql: str, *values: Any) -> list[tuple]:
        path = f"file:{self.portal.data}/cloudportal.sqlite3?mode=ro"
        with sqlite3.connect(path, uri=True, timeout=10) as database:
            return database.execute(sql, values).fetchall()

    def stuck(self) -> dict[str, list[tuple]]:
        """What should be empty whenever nothing is going on."""
        found = {what: self.rows(sql) for what, sql in _STUCK.items()}
        return {what: rows for what, rows in found.items() if rows}

    def held(self) -> dict[str, list[str]]:
        """Everything that machines and images hold, in the database and on the host."""
        held = {what: sorted(map(str, self.rows(sql))) for what, sql in _HELD.items()}
        held["quota"] = [row for row in held["quota"] if not row.endswith(", 0)")]
        return {**held, **self.on_host()}

    def on_host(self) -> dict[str, list[str]]:
        domains = self.host.virsh("list", "--all").splitlines()
        devices = self.host.run("ip", "-br", "link").stdout.split()
        kept = self.host.run(
            "find", "/run/cloudportal", "-name", "*.dhcp", "-exec", "cat", "{}", "+"
        )
        return {
            # Their number changes with each start.
            "domains": sorted(" ".join(line.split()[1:]) for line in domains if line.strip()),
            "devices": sorted("vnet" for word in devices if word.startswith("vnet")),
            "files": self._files(),
            "served": sorted(kept.stdout.split()),
        }

    def _files(self) -> list[str]:
        folders = [self.portal.data / name for name in ("primary", "secondary", "agent")]
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.portal.data)) for path in files)


def differences(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> dict[str, Any]:
    """What came and what went, for each kind in which two looks differ."""
    return {
        what: {
            "gone": _without(before[what], after[what]),
            "new": _without(after[what], before[what]),
        }
        for what in before
        if before[what] != after[what]
    }


def _without(some: list[str], others: list[str]) -> list[str]:
    left = list(some)
    for other in others:
        if other in left:
            left.remove(other)
    return left
