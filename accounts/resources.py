"""What limits count: CloudStack's resource types, their units and their default ceilings.

Numbers, names and defaults: CloudStack 4.22's ResourceType and ``max.account.*``,
``max.domain.*``, ``max.project.*`` settings. Limits are in the unit people type (MiB of memory,
GiB of storage); what is in use is kept in MiB and in bytes.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

from core.config import Setting
from core.units import GIB, size


class Resource(enum.IntEnum):
    """Values are the wire's ``resourcetype``."""

    INSTANCE = 0
    PUBLIC_IP = 1
    VOLUME = 2
    SNAPSHOT = 3
    TEMPLATE = 4
    PROJECT = 5
    NETWORK = 6
    VPC = 7
    CPU = 8
    MEMORY = 9  # MiB
    PRIMARY_STORAGE = 10  # counted in bytes, limited in GiB
    SECONDARY_STORAGE = 11  # counted in bytes, limited in GiB
    BACKUP = 12
    BACKUP_STORAGE = 13  # counted in bytes, limited in GiB
    BUCKET = 14
    OBJECT_STORAGE = 15  # counted in bytes, limited in GiB
    GPU = 16


@dataclass(frozen=True)
class Facts:
    """``wire`` is the type's name; ``field`` begins its fields in a reply (``vmlimit``)."""

    wire: str
    field: str
    words: str
    account_default: Setting[int]
    domain_default: Setting[int]
    project_default: Setting[int] | None  # None: a project has none of these
    unit: int = 1  # what one of the limit's units counts

    @property
    def things(self) -> str:
        """“memory”, where ``words`` says “MiB of memory”."""
        return self.words.removeprefix("GiB of ").removeprefix("MiB of ")

    def show(self, used: int) -> str:
        """An amount as people say it: ``3``, ``512 MiB``, ``20 GiB``."""
        if self.unit > 1:
            return size(used)
        return size(used * 2**20) if self.wire == "memory" else str(used)


def _facts(wire: str, field: str, words: str, setting: str, account: int, domain: int,
           unit: int = 1) -> Facts:  # fmt: skip
    of = f"{words} that one"
    return Facts(
        wire, field, words,
        Setting(f"max.account.{setting}", account, f"Most {of} account may have; -1: no limit.",
                category="Account Defaults", minimum=-1),
        Setting(f"max.domain.{setting}", domain, f"Most {of} domain may have; -1: no limit.",
                category="Domain Defaults", minimum=-1),
        None if wire == "project" else
        Setting(f"max.project.{setting}", account, f"Most {words} that one project may have; "
                "-1: no limit.", category="Project Defaults", minimum=-1),
        unit,
    )  # fmt: skip


FACTS: dict[Resource, Facts] = {
    Resource.INSTANCE: _facts("user_vm", "vm", "virtual machines", "user.vms", 20, 40),
    Resource.PUBLIC_IP: _facts("public_ip", "ip", "public addresses", "public.ips", 20, 40),
    Resource.VOLUME: _facts("volume", "volume", "volumes", "volumes", 20, 40),
    Resource.SNAPSHOT: _facts("snapshot", "snapshot", "snapshots", "snapshots", 20, 40),
    Resource.TEMPLATE: _facts("template", "template", "templates and ISOs", "templates", 20, 40),
    Resource.PROJECT: _facts("project", "project", "projects", "projects", 10, 50),
    Resource.NETWORK: _facts("network", "network", "networks", "networks", 20, 40),
    Resource.VPC: _facts("vpc", "vpc", "VPCs", "vpcs", 20, 40),
    Resource.CPU: _facts("cpu", "cpu", "CPU cores", "cpus", 40, 80),
    Resource.MEMORY: _facts("memory", "memory", "MiB of memory", "memory", 40960, 81920),
    Resource.PRIMARY_STORAGE: _facts(
        "primary_storage", "primarystorage", "GiB of primary storage", "primary.storage",
        200, 400, GIB,
    ),
    Resource.SECONDARY_STORAGE: _facts(
        "secondary_storage", "secondarystorage", "GiB of secondary storage", "secondary.storage",
        400, 800, GIB,
    ),
    Resource.BACKUP: _facts("backup", "backup", "backups", "backups", 20, 40),
    Resource.BACKUP_STORAGE: _facts(
        "backup_storage", "backupstorage", "GiB of backup storage", "backup.storage",
        400, 800, GIB,
    ),
    Resource.BUCKET: _facts("bucket", "bucket", "buckets", "buckets", 20, 20),
    Resource.OBJECT_STORAGE: _facts(
        "object_storage", "objectstorage", "GiB of object storage", "object.storage",
        400, 400, GIB,
    ),
    Resource.GPU: _facts("gpu", "gpu", "GPUs", "gpus", 20, 20),
}  # fmt: skip


#: What offerings' tags can be limited for: host tags for machines, storage tags for disks.
BY_HOST_TAG = (Resource.INSTANCE, Resource.CPU, Resource.MEMORY)
BY_STORAGE_TAG = (Resource.VOLUME, Resource.PRIMARY_STORAGE)

HOST_TAGS = Setting(
    "resource.limit.host.tags", "",
    "Host tags that have limits of their own for machines, cores and memory, with commas between.",
    category="Account Defaults", many=True,
)  # fmt: skip
STORAGE_TAGS = Setting(
    "resource.limit.storage.tags", "",
    "Storage tags that have limits of their own for volumes and primary storage, with commas "
    "between.",
    category="Account Defaults", many=True,
)  # fmt: skip


def tagged_with(resource: Resource) -> Setting[str] | None:
    """The setting that names the tags this resource may be limited by."""
    if resource in BY_HOST_TAG:
        return HOST_TAGS
    return STORAGE_TAGS if resource in BY_STORAGE_TAG else None


def limited_tags(resource: Resource) -> Collection[str]:
    """In lower case and in the setting's order."""
    setting = tagged_with(resource)
    named = setting.get().split(",") if setting else ()
    return list(dict.fromkeys(t for t in (n.strip().lower() for n in named) if t))
