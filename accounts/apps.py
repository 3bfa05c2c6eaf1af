from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        import_module("accounts.resource_types")
        import_module("accounts.commands")
        import_module("accounts.directories.signing_in").plug_in()
