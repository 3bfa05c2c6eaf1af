from importlib import import_module

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "jobs"

    def ready(self) -> None:
        import_module("jobs.commands")
        import_module("jobs.housekeeping")
        import_module("jobs.departures")
        import_module("jobs.syslog")
        import_module("jobs.letters")
