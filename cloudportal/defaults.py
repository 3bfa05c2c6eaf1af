"""Rows that exist in every installation, made when they are missing, never overwritten."""

from __future__ import annotations

from typing import Any

from accounts.caller import Caller
from accounts.services import bootstrap
from api.dispatch import execute
from compute.models import ServiceOffering
from infra.services import guests, regions
from network.services import offerings as network_offerings
from storage.models import DiskOffering

# CloudStack's built-in names and sizes, and two small ones for the guest that comes along.
SERVICE_OFFERINGS: tuple[dict[str, Any], ...] = (
    {"name": "Tiny Instance", "displaytext": "1 vCPU, 128 MiB", "cpunumber": 1,
     "cpuspeed": 250, "memory": 128},
    {"name": "Small Instance", "displaytext": "Small Instance", "cpunumber": 1,
     "cpuspeed": 500, "memory": 512},
    {"name": "Medium Instance", "displaytext": "Medium Instance", "cpunumber": 1,
     "cpuspeed": 1000, "memory": 1024},
    {"name": "Custom Instance", "displaytext": "vCPUs and memory of your choice",
     "customized": True},
)  # fmt: skip
DISK_OFFERINGS: tuple[dict[str, Any], ...] = (
    {"name": "Tiny", "displaytext": "Tiny disk, 1 GiB", "disksize": 1},
    {"name": "Small", "displaytext": "Small Disk, 5 GB", "disksize": 5},
    {"name": "Medium", "displaytext": "Medium Disk, 20 GB", "disksize": 20},
    {"name": "Large", "displaytext": "Large Disk, 100 GB", "disksize": 100},
    {"name": "Custom", "displaytext": "Custom Disk", "customized": True},
)

#: What the cloud's own machines are made of.
SYSTEM_OFFERINGS: tuple[dict[str, Any], ...] = (
    {"name": "System Offering For Software Router", "system_vm_type": "domainrouter",
     "cpu_speed_mhz": 500, "memory_mb": 512, "offer_ha": True},
    {"name": "System Offering For Console Proxy", "system_vm_type": "consoleproxy",
     "cpu_speed_mhz": 500, "memory_mb": 1024},
    {"name": "System Offering For Secondary Storage VM", "system_vm_type": "secondarystoragevm",
     "cpu_speed_mhz": 500, "memory_mb": 512},
    {"name": "System Offering For Internal LB VM", "system_vm_type": "internalloadbalancervm",
     "cpu_speed_mhz": 256, "memory_mb": 512, "offer_ha": True},
    {"name": "System Offering For Elastic LB VM", "system_vm_type": "elasticloadbalancervm",
     "cpu_speed_mhz": 128, "memory_mb": 512, "offer_ha": True},
)  # fmt: skip


def ensure(admin_password: str = "") -> str:
    """Returns the first administrator's password when that user was made now, else ""."""
    password = bootstrap.bootstrap(admin_password)
    guests.ensure_built_in()
    regions.ensure_local()
    network_offerings.ensure_built_in()
    # Offerings may be deleted for good, so they are made only where there never was one.
    if not ServiceOffering.everything.filter(is_system=False).exists():
        _make("createServiceOffering", SERVICE_OFFERINGS)
    if not ServiceOffering.everything.filter(is_system=True).exists():
        _make_system_offerings()
    if not DiskOffering.everything.exists():
        _make("createDiskOffering", DISK_OFFERINGS)
    return password


def _make(command: str, offerings: tuple[dict[str, Any], ...]) -> None:
    for offering in offerings:
        execute(Caller.system(), command, offering)


def _make_system_offerings() -> None:
    """Each for shared storage, and for local."""
    for offering in SYSTEM_OFFERINGS:
        for storage, suffix in (("shared", ""), ("local", " - Local Storage")):
            wanted = {**offering, "name": offering["name"] + suffix, "storage_type": storage}
            ServiceOffering.objects.create(
                display_text=wanted["name"], is_system=True, default_use=True, cpu_number=1,
                **wanted,
            )  # fmt: skip
