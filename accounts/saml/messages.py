"""Messages of SAML as browsers bring them. What is read here is not believed, only looked up by;
``client`` verifies."""

from __future__ import annotations

import zlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError
from defusedxml.ElementTree import fromstring as parsed

from core.errors import LoginFailed

_PLAIN = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_LONGEST = 2**20


@dataclass(frozen=True)
class Message:
    """``text`` in base64. By the redirect binding it is deflated, and signed by ``algorithm``
    and ``signature`` beside it; by a form the signature is inside."""

    text: str
    relay: str | None = None
    algorithm: str = ""
    signature: str = ""

    @property
    def is_redirected(self) -> bool:
        return bool(self.signature)


def outline(message: Message) -> tuple[str, str]:
    """Who says that it wrote this, and what it answers. Raises LoginFailed."""
    root = tree(message)
    issuer = root.find(f"{_PLAIN}Issuer")
    name = str(issuer.text or "").strip() if issuer is not None else ""
    return name, root.attrib.get("InResponseTo", "")


def tree(message: Message) -> Any:
    try:
        data = b64decode(message.text)
        return parsed(_inflated(data) if message.is_redirected else data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, zlib.error) as error:
        raise LoginFailed("The answer of the identity provider cannot be read.") from error


def _inflated(data: bytes) -> bytes:
    """A short text may inflate to more than there is memory."""
    inflater = zlib.decompressobj(-15)
    found = inflater.decompress(data, _LONGEST)
    if inflater.unconsumed_tail:
        raise ValueError("longer than any message")
    return found
