from importlib import import_module

from django.apps import AppConfig


class ComputeConfig(AppConfig):
    name = "compute"

    def ready(self) -> None:
        import_module("compute.jobs")
        for service in ("departures", "power", "samples", "strays", "upkeep"):
            import_module(f"compute.services.{service}")
        import_module("compute.resource_types")
        import_module("compute.commands")
