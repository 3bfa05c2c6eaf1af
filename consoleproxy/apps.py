from django.apps import AppConfig


class ConsoleproxyConfig(AppConfig):
    name = "consoleproxy"
