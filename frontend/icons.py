"""Tabler's outline icons that the pages use, as one sprite read from node_modules once."""

from __future__ import annotations

import functools
import hashlib
import re

from django.conf import settings

NAMES = frozenset(
    """
    address-book devices link
    activity adjustments affiliate alert-circle alert-triangle archive arrow-back-up arrow-right
    arrows-maximize arrows-sort ban bell bolt bookmark box building camera cancel chart-bar check
    chevron-down chevron-left chevron-right chevron-up circle circle-check circle-minus clipboard
    clock cloud code columns copy cpu database database-import device-desktop device-floppy
    device-sd-card disc dots dots-vertical download edit external-link eye file-code file-text
    filter flag flask folder folders globe heart-rate-monitor help-circle history home id
    info-circle
    key keyboard language layout-dashboard layout-sidebar-left-collapse list list-details loader-2
    lock lock-open logout map-pin maximize menu-2 minimize minus moon network notes packages
    password photo player-pause player-play player-stop plug-connected plug-connected-x plus
    power printer refresh repeat resize rocket route router rotate-clockwise scale screen-share
    search server server-2 server-bolt settings share shield shield-check shield-lock sitemap
    stack-2 star sun sun-moon switch-horizontal tag template terminal-2 tool topology-star
    transfer trash trash-x upload user user-circle user-plus users users-group versions
    wand x zoom-in
    """.split()  # noqa: SIM905
)
FILLED = frozenset({"circle-filled"})

_SVG = re.compile(r"<svg[^>]*>(.*)</svg>", re.S)


@functools.cache
def sprite() -> str:
    """One SVG with a symbol for each icon. A missing file is a set-up fault: it raises."""
    root = settings.NPM / "@tabler" / "icons" / "icons"
    parts = ['<svg xmlns="http://www.w3.org/2000/svg">']
    for name in sorted(NAMES | FILLED):
        filled = name in FILLED
        path = root / ("filled" if filled else "outline") / f"{name.removesuffix('-filled')}.svg"
        found = _SVG.search(path.read_text())
        paint = (
            'fill="currentColor"'
            if filled
            else 'fill="none" stroke="currentColor" stroke-width="1.5" '
            'stroke-linecap="round" stroke-linejoin="round"'
        )
        body = found[1].strip() if found else ""
        parts.append(f'<symbol id="{name}" viewBox="0 0 24 24" {paint}>{body}</symbol>')
    return "".join([*parts, "</svg>"])


@functools.cache
def version() -> str:
    return hashlib.sha256(sprite().encode()).hexdigest()[:12]
