"""What a guest may read about itself from the metadata address of its network."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core import vault
from network.models import GuestAddress
from network.services import routers


def set_metadata(
    address: GuestAddress,
    entries: dict[str, str],
    *,
    user_data: str = "",
    password: str = "",
) -> None:
    """Replaces the entries and user data (base64); a password stays until it is fetched.
    ``address`` is as it was just read: what it says already is not written again."""
    if not password and (address.metadata, address.user_data) == (entries, user_data):
        return
    changes: dict[str, Any] = {"metadata": entries, "user_data": user_data}
    if password:
        changes["sealed_password"] = vault.seal(password)
    with transaction.atomic():
        GuestAddress.objects.filter(pk=address.pk).update(**changes)
        routers.changed(address.network)
