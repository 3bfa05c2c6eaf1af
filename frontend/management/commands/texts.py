"""Brings the Chinese catalogue up to date with the texts that pages can show."""

from __future__ import annotations

import subprocess
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from frontend import catalogue, po

CATALOGUE = settings.BASE_DIR / "frontend/locale/zh_Hans/LC_MESSAGES/django.po"


class Command(BaseCommand):
    help = "Adds new texts to the Chinese catalogue, drops old ones, and lists what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--compile", action="store_true", help="Only run msgfmt")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["compile"]:
            self._update()
        compiled = CATALOGUE.with_suffix(".mo")
        subprocess.run(["msgfmt", "--check", "-o", compiled, CATALOGUE], check=True)

    def _update(self) -> None:
        old = po.read(CATALOGUE) if CATALOGUE.exists() else {}
        messages = []
        for context, text, plural in catalogue.every():
            known = old.get((context, text))
            messages.append(po.Message(context, text, plural, known.texts if known else [], False))
        po.write(CATALOGUE, messages)
        missing = [m for m in messages if not m.is_done]
        for message in missing:
            self.stdout.write(f"{message.context or '-'}\t{message.text}")
        self.stdout.write(f"{len(messages)} texts, {len(missing)} without a translation")
