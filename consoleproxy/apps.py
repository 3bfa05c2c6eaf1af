from importlib import import_module

from django.apps import AppConfig


class ConsoleproxyConfig(AppConfig):
    name = "consoleproxy"

    def ready(self) -> None:
        import_module("consoleproxy.commands")
        import_module("consoleproxy.gateway")  # a schedule
