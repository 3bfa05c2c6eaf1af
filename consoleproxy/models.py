"""A console session: first a ticket, then a connection, then a line in the history."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Account, Owned, Session, User
from accounts.querysets import OwnedQuerySet
from compute.models import VirtualMachine
from infra.models import Host


class ConsoleSession(Owned):
    """Made by ``createConsoleEndpoint``; ``acquired`` once the browser has come, ``removed``
    when it has gone. Only a hash of the ticket is kept.

    The account is the caller's. ``session`` is null for callers who signed their request: the
    browser that comes must then be signed in as the same user.
    """

    OF_PROJECTS: ClassVar[bool] = False
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    session = models.ForeignKey(Session, null=True, on_delete=models.SET_NULL, related_name="+")
    had_session = models.BooleanField()
    machine = models.ForeignKey(VirtualMachine, on_delete=models.CASCADE, related_name="consoles")
    host = models.ForeignKey(Host, null=True, on_delete=models.SET_NULL, related_name="+")
    kind = models.CharField(max_length=8, default="vnc")  # vnc, serial
    ticket_hash = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()
    acquired = models.DateTimeField(null=True)
    creator_address = models.CharField(max_length=45, blank=True)
    client_address = models.CharField(max_length=45, blank=True)
    proxy = models.CharField(max_length=255, blank=True)  # which process carries it
    heard = models.DateTimeField(null=True)  # when a gateway last said that it carries it
    end_asked = models.BooleanField(default=False)

    objects = models.Manager.from_queryset(OwnedQuerySet)()

    class Meta:
        indexes = [models.Index(fields=["removed", "proxy"], name="console_open")]

    def __str__(self) -> str:
        return f"{self.kind} console of {self.machine}"
