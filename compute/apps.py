from importlib import import_module

from django.apps import AppConfig

#: Those that register something: what happens by itself, and what others ask machines for.
_SERVICES = (
    "departures", "disk_samples", "occupancy", "power", "samples", "strays", "system_vms",
    "upkeep",
)  # fmt: skip


class ComputeConfig(AppConfig):
    name = "compute"

    def ready(self) -> None:
        import_module("compute.jobs")
        for service in _SERVICES:
            import_module(f"compute.services.{service}")
        import_module("compute.resource_types")
        import_module("compute.commands")
