from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from cloudportal import defaults, environment


class Command(BaseCommand):
    help = "Makes the built-in roles, accounts, offerings and settings that are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        password = defaults.ensure(environment.text("CLOUDPORTAL_ADMIN_PASSWORD"))
        if password:
            print(f"First administrator: admin, password {password} (shown this once)")
