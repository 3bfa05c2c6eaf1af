from importlib import import_module

from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "network"

    def ready(self) -> None:
        import_module("network.services.departures")
        import_module("network.resource_types")
        import_module("network.router_jobs")
        import_module("network.commands")
        import_module("network.services.capacities")
        import_module("network.upkeep")
