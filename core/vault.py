"""Secrets at rest: encrypted with the installation's key, never logged, never in job rows."""

from __future__ import annotations

import functools
import secrets

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


@functools.cache
def _fernet(key: str) -> Fernet:
    return Fernet(key)


def seal(text: str) -> str:
    return _fernet(settings.SECRETS_KEY).encrypt(text.encode()).decode()


def unseal(token: str) -> str:
    """The text again. Raises ValueError when the installation's key has changed."""
    try:
        return _fernet(settings.SECRETS_KEY).decrypt(token.encode()).decode()
    except InvalidToken:
        raise ValueError(
            "a stored secret cannot be read: the key file of this installation was replaced"
        ) from None


def password(length: int = 16) -> str:
    """A password without characters that people confuse."""
    alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
    return "".join(secrets.choice(alphabet) for _ in range(length))
