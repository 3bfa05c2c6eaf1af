"""Signed requests (versions 2 and 3): what was signed, in each of the ways clients do it.

The text is ``name=enc(value)`` joined with ``&`` in the order of the raw names, all in lower
case; the signature is its HMAC-SHA1 in base64. Clients differ in the order (libcloud and Marvin
sort lower-cased names) and in which of ``~ * [ ]`` they leave bare in values; a request is
genuine when any of these texts gives its signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from django.utils.dateparse import parse_datetime

#: Java's URLEncoder leaves these bare; Python's quote never encodes ``~``, so that is done after.
_JAVA_SAFE = "-._*"


def encoded(value: str, *, bare: str = "") -> str:
    """``value`` as Java's URLEncoder writes it with ``%20`` for a blank; characters of ``bare``
    (out of ``~[]``) stay as they are, and ``%`` in it stands for an encoded ``*``."""
    text = quote(value, safe=_JAVA_SAFE + bare)
    if "~" not in bare:
        text = text.replace("~", "%7E")
    return text.replace("*", "%2A") if "%" in bare else text


def texts(params: Mapping[str, str]) -> Iterator[str]:
    """Every text a client may have signed for these parameters, the canonical one first."""
    signed = [(k, v) for k, v in params.items() if k.lower() != "signature"]
    orders = [sorted(signed), sorted(signed, key=lambda pair: pair[0].lower())]
    seen = set()
    marks = [m for m in ("~", "[]", "*") if any(c in v for _, v in signed for c in m)]
    for chosen in itertools.product((False, True), repeat=len(marks)):
        odd = "".join(m for m, c in zip(marks, chosen, strict=True) if c).replace("*", "%")
        for pairs in orders:
            text = "&".join(f"{k}={encoded(v, bare=odd)}" for k, v in pairs).lower()
            if text not in seen:
                seen.add(text)
                yield text


def sign(secret: str, text: str) -> str:
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signature_of(secret: str, params: Mapping[str, str]) -> str:
    """The signature a strict client would send."""
    return sign(secret, next(texts(params)))


def is_genuine(secret: str, params: Mapping[str, str], signature: str) -> bool:
    """Compared in constant time. A name that could pass for several parameters is refused,
    since names are signed as they are."""
    if any("&" in name or "=" in name for name in params):
        return False
    # A base64 plus that the client forgot to encode arrives as a blank.
    given = signature.replace(" ", "+").encode("utf-8", "replace")
    return any(hmac.compare_digest(sign(secret, t).encode(), given) for t in texts(params))


def is_current(expires: str) -> bool:
    """Whether ``expires`` (RFC 3339 or with an offset without colon) lies ahead."""
    # An unencoded plus sign in an offset arrives as a blank.
    text = expires.strip().replace(" 0", "+0") if "T" in expires else expires.strip()
    try:
        when = parse_datetime(text)
    except ValueError:
        return False
    if when is None:
        return False
    return (when if when.tzinfo else when.replace(tzinfo=UTC)) > datetime.now(UTC)
