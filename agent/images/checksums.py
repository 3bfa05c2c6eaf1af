"""Checksums as CloudStack writes them: ``{SHA-256}hex``, or bare hex told by its length."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Protocol

from agent import protocol as p

ALGORITHMS = {
    "MD5": "md5", "SHA-1": "sha1", "SHA-224": "sha224", "SHA-256": "sha256",
    "SHA-384": "sha384", "SHA-512": "sha512",
}  # fmt: skip
_BY_LENGTH = {hashlib.new(name).digest_size * 2: label for label, name in ALGORITHMS.items()}
_WRITTEN = re.compile(r"(?:\{([A-Za-z0-9-]+)\})?([0-9a-fA-F]+)")


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Checksum:
    """``hex`` empty: nothing to compare with, only to compute."""

    label: str
    hex: str = ""

    def begin(self) -> Hash:
        return hashlib.new(ALGORITHMS[self.label], usedforsecurity=False)

    def verify(self, digest: Hash) -> str:
        """The checksum as written in answers. Raises ImageRefused when it is another's."""
        found = digest.hexdigest()
        if self.hex and not hmac.compare_digest(found, self.hex):
            raise p.ImageRefused(
                f"The {self.label} checksum of the download is {found}, not {self.hex}. "
                "The file was changed or damaged, or the checksum is of another file."
            )
        return f"{{{self.label}}}{found}"


def parse(written: str) -> Checksum:
    """ "" asks for SHA-512 of whatever comes. Raises ImageRefused for what is no checksum."""
    if not written.strip():
        return Checksum("SHA-512")
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise p.ImageRefused(f"{written[:80]!r} is not a checksum; write {{SHA-256}}hex.")
    label, digits = match.group(1), match.group(2).lower()
    expected = _BY_LENGTH.get(len(digits))
    label = _named(label) if label else expected
    if label is None or label != expected:
        raise p.ImageRefused(
            f"{written[:80]!r} has {len(digits)} digits, which no {label or 'known checksum'} has."
        )
    return Checksum(label, digits)


def _named(label: str) -> str:
    plain = label.upper().replace("-", "")
    for known in ALGORITHMS:
        if known.replace("-", "") == plain:
            return known
    raise p.ImageRefused(f"{label} is not a checksum known here; use {', '.join(ALGORITHMS)}.")
