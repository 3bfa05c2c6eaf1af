"""What a row counts towards its account's limits, kept on the row itself."""

from __future__ import annotations

from django.db import models


class Counted(models.Model):
    """``counted``: one of its kind; ``counted_bytes``: that much storage.

    Both change in the transaction that changes the account's totals, so that giving back
    twice gives back once, and the totals can be told from the rows.
    """

    counted = models.BooleanField(default=False, editable=False)
    counted_bytes = models.BigIntegerField(default=0, editable=False)

    class Meta:
        abstract = True
