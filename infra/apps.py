from importlib import import_module

from django.apps import AppConfig


class InfraConfig(AppConfig):
    name = "infra"

    def ready(self) -> None:
        configuration = import_module("infra.services.configuration")
        configuration.plug_in()
        import_module("infra.agents").use_remote(import_module("infra.remote").find)
        import_module("infra.jobs")
        import_module("infra.services.departures")
        import_module("infra.services.host_troubles")
        import_module("infra.services.thresholds")
        import_module("infra.services.alert_mail")
        import_module("infra.services.trends")
        import_module("infra.services.hearing")
        import_module("infra.resource_types")
        import_module("infra.commands")
