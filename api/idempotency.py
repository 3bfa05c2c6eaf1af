"""A call that is sent twice is carried out once: idempotency keys, an extension of ours.

A client puts a key of its own choice on a call that changes something. The first such call is
noted before it begins, and its answer is stored in the transaction of the change itself, so the
two are true together or not at all. The same call with the same key then gets that answer again,
the job's id included. A call that was refused changed nothing and leaves its key free.

A process that dies in a call leaves a note without an answer. After ``ABANDONED_AFTER`` another
call takes its place; should the first still be alive, it finds its note gone and is undone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.caller import Caller
from accounts.models import User
from api import renderers
from api.models import KeptReply
from core import vault
from core.commands import Command
from core.errors import InvalidParameter, ResourceUnavailable
from jobs.schedules import every

KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=5)

PARAMETER = "idempotencykey"
_KEY = re.compile(r"[\x21-\x7e]{1,128}\Z")
#: Parameters that say how a call is made, not what it asks for.
_ABOUT_THE_CALL = frozenset(
    {"apikey", "signature", "signatureversion", "expires", "sessionkey", "response", "_", PARAMETER}
)


@dataclass
class Note:
    """A call under its key: ``reply`` is there when it was answered before."""

    row: KeptReply
    reply: dict[str, Any] | None = None

    def keep(self, reply: Mapping[str, Any]) -> None:
        """Stores the answer, in the transaction of the change."""
        sealed = vault.seal(renderers.JSON.render(reply).decode())
        if not KeptReply.objects.filter(pk=self.row.pk).update(reply=sealed):
            raise ResourceUnavailable(
                "This call took so long that another with its idempotency key has begun; "
                "nothing was changed here."
            )

    def forget(self) -> None:
        """Frees the key: the call changed nothing."""
        KeptReply.objects.filter(pk=self.row.pk, reply="").delete()


def note(caller: Caller, command: Command, key: str, given: Mapping[str, Any]) -> Note:
    """The note of a call with ``key``, made now or found with its answer.

    Raises InvalidParameter when the key is none or was used for something else, and
    ResourceUnavailable while the first call is still running.
    """
    if not _KEY.match(key):
        raise InvalidParameter("An idempotency key is 1 to 128 letters, digits and signs.")
    if caller.user is None or command.anonymous or command.own_transactions:
        raise InvalidParameter(f"{command.name} takes no idempotency key here; send it without.")
    digest = _digest(command, given)
    _forget_old(caller.user, key)
    try:
        with transaction.atomic():
            made = KeptReply.objects.create(user=caller.user, key=key, digest=digest)
        return Note(made)
    except IntegrityError:
        return _found(caller.user, key, digest)


def _found(user: User, key: str, digest: str) -> Note:
    row = KeptReply.objects.filter(user=user, key=key).first()
    if row is not None and row.digest != digest:
        raise InvalidParameter(
            f"Idempotency key {key} was used for another call; choose a new key for this one."
        )
    if row is None or not row.reply:
        raise ResourceUnavailable(
            f"The call with idempotency key {key} is still being carried out; ask again in a "
            "moment."
        )
    found: dict[str, Any] = orjson.loads(vault.unseal(row.reply))
    return Note(row, found)


def _forget_old(user: User, key: str) -> None:
    rows, now = KeptReply.objects.filter(user=user, key=key), timezone.now()
    rows.filter(begun__lt=now - KEPT_FOR).delete()
    rows.filter(reply="", begun__lt=now - ABANDONED_AFTER).delete()


def _digest(command: Command, given: Mapping[str, Any]) -> str:
    """Keyed, since passwords are among what it covers."""
    asked = {n: str(v) for n, v in given.items() if n not in _ABOUT_THE_CALL and n != "command"}
    text = orjson.dumps([command.name, sorted(asked.items())])
    return salted_hmac("api.idempotency", text, algorithm="sha256").hexdigest()


@every(3600, "api.forget_replies")
def forget_replies() -> int:
    return KeptReply.objects.filter(begun__lt=timezone.now() - KEPT_FOR).delete()[0]
