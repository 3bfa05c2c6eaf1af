"""Sends the e-mail that requests have decided on, and tries again what was not taken."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from accounts.models import Letter
from core import mail, vault
from core.errors import ResourceUnavailable
from jobs.schedules import every

log = logging.getLogger(__name__)

_AT_ONCE = 50
_LONGEST_PAUSE_S = 3600


@every(5, "jobs.send_letters")
def send_letters() -> int:
    """Returns how many were sent. One that failed waits, ever longer, until it is too old;
    the others are not held up by it unless the mail server itself is away."""
    now = timezone.now()
    Letter.objects.filter(recipient="").delete()  # of those who asked in nobody's name
    given_up = Letter.objects.filter(expires__lt=now)
    for letter in given_up:
        log.warning("a letter to %s was never sent: %s", letter.recipient, letter.last_error)
    given_up.delete()
    sent = 0
    for letter in Letter.objects.filter(due__lte=now).order_by("pk")[:_AT_ONCE]:
        try:
            text = vault.unseal(letter.sealed_text)
            mail.send([letter.recipient], letter.subject, text, about=letter.about)
        except ResourceUnavailable as error:
            _put_off(letter, error.message)
            continue
        letter.delete()
        sent += 1
    return sent


def _put_off(letter: Letter, why: str) -> None:
    log.warning("a letter to %s waits: %s", letter.recipient, why)
    pause_s = min(15 * 2**letter.attempts, _LONGEST_PAUSE_S)
    Letter.objects.filter(pk=letter.pk).update(
        attempts=letter.attempts + 1,
        due=timezone.now() + timedelta(seconds=pause_s),
        last_error=why[:500],
    )
