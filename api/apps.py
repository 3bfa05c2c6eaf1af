from importlib import import_module

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from core import planner


class ApiConfig(AppConfig):
    name = "api"

    def ready(self) -> None:
        import_module("api.commands")
        import_module("api.idempotency")
        # Lists count and page by indexes that SQLite would use for other things as well. Only
        # apps with models send this signal, each once all migrations are done.
        post_migrate.connect(planner.teach, sender=apps.get_app_config("accounts"))
