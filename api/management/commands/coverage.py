"""``manage.py coverage``: writes docs/api-coverage.md from the registry and the reference."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from api import coverage


class Command(BaseCommand):
    help = "Write docs/api-coverage.md: which commands of CloudStack's API are here, which not."

    def handle(self, *_args: Any, **_options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "api-coverage.md"
        path.write_text(coverage.document())
        there = [e for e in coverage.entries() if e.built]
        self.stdout.write(f"{path.name}: {len(there)} commands")
