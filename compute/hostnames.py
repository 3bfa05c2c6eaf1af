"""What a guest calls itself."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 63
# Names that other guests of a network look up and trust, or that DHCP's own configuration
# reads as a word: cloud-init asks “data-server” for keys and user data, browsers ask “wpad”
# for a proxy.
RESERVED = frozenset({"data-server", "ignore", "infinite", "isatap", "localhost", "wpad"})


def hostname_for(name: str, unique: str) -> str:
    """A valid label (RFC 1123: letters, digits, hyphens, at most 63) for a machine's name.

    Names may be in any script; guests, DHCP and DNS know this label instead. A name that is a
    label already stays itself in lower case, accents are taken off, and other characters become
    hyphens. Where letters got lost (``数据库-1``, ``наш сайт``) the first eight characters of
    ``unique`` are added, so that two such names do not end as one label.
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    lost = any(c.isalnum() and not c.isascii() for c in plain)
    label = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if lost or not label:
        tail = unique.replace("-", "")[:8]
        label = f"{label[: _LONGEST - 9].strip('-') or 'vm'}-{tail}"
    # Digits look like an address to some resolvers.
    if label.isdigit() or label[:_LONGEST].strip("-") in RESERVED:
        label = f"vm-{label}"
    return label[:_LONGEST].strip("-")
