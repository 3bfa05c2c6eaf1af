from importlib import import_module

from django.apps import AppConfig


class InfraConfig(AppConfig):
    name = "infra"

    def ready(self) -> None:
        import_module("infra.commands")
