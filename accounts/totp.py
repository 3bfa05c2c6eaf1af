"""Time-based one-time passwords as authenticator programs make them (RFC 6238, HMAC-SHA1, six
digits, steps of thirty seconds)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
#: Steps before and after the present one whose codes are taken too: clocks differ a little.
WINDOW = 1


def new_secret() -> str:
    """160 random bits, in base32 as such programs take it."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def step_at(moment_s: float) -> int:
    return int(moment_s) // STEP_S


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: str, code: str, now: int, *, away: int = WINDOW) -> int | None:
    """The step, at most ``away`` from ``now``, whose code this is; the nearest of several."""
    found = None
    for distance in range(away + 1):
        for step in {now + distance, now - distance}:
            right = step >= 0 and hmac.compare_digest(code_at(secret, step).encode(), code.encode())
            found = step if right and found is None else found
    return found


def address(secret: str, username: str, issuer: str) -> str:
    """What the QR code says (the Key URI Format that Google Authenticator made common)."""
    label = quote(f"{issuer}:{username}", safe="")
    about = urlencode({"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_S})
    return f"otpauth://totp/{label}?{about}"
