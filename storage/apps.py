from importlib import import_module

from django.apps import AppConfig


class StorageConfig(AppConfig):
    name = "storage"

    def ready(self) -> None:
        configuration = import_module("infra.services.configuration")
        models = import_module("storage.models")
        scope = import_module("core.config").Scope
        configuration.register_holder(scope.STORAGE_POOL, models.StoragePool)
        configuration.register_holder(scope.IMAGE_STORE, models.ImageStore)
        for name in ("capacities", "departures", "pool_readings"):
            import_module(f"storage.services.{name}")
        import_module("storage.upkeep")
        import_module("storage.resource_types")
        import_module("storage.commands")
