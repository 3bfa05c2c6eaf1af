"""What tenants need not know of the house: where on a host something lies."""

from __future__ import annotations

import re

# Not the path of a web address, and not a word with a slash in it (“and/or”).
_PATH = re.compile(r"(?<![\w/.])/(?:[\w.@+:-]+/)+([\w.@+-]+)")


def without_paths(text: str) -> str:
    """``qemu-img: /srv/pool-1/ab.qcow2: full`` → ``qemu-img: …/ab.qcow2: full``."""
    return _PATH.sub(r"…/\1", text) if "/" in text else text
