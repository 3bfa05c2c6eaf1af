"""E-mail that waits to be sent: written in the transaction that decided on it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Letter(models.Model):
    """Text may hold a token, so it is sealed; the row goes when the letter has been sent."""

    recipient = models.CharField(max_length=255)
    about = models.CharField(max_length=16, blank=True)  # which mail server it goes by (core.mail)
    subject = models.CharField(max_length=255)
    sealed_text = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=0)
    due = models.DateTimeField(default=timezone.now, db_index=True)
    expires = models.DateTimeField()
    last_error = models.CharField(max_length=500, blank=True)
    created = models.DateTimeField(default=timezone.now)
