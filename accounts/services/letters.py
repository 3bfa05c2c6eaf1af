"""E-mail that a request decides on: a row now, sent by a schedule soon after (jobs.letters)."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import Letter
from core import vault


def post(
    recipient: str,
    subject: str,
    text: str,
    *,
    good_for: timedelta = timedelta(days=1),
    about: str = "",
) -> Letter:
    """In the transaction that decided on it. After ``good_for`` it is not sent any more. What
    it is about may have a mail server of its own (``core.mail.SERVERS``)."""
    return Letter.objects.create(
        recipient=recipient,
        about=about,
        subject=" ".join(subject.split())[:255],
        sealed_text=vault.seal(text),
        expires=timezone.now() + good_for,
    )
