"""What a browser or program calls itself, as people would: “Firefox 143, Linux”."""

from __future__ import annotations

import re

#: In this order: Edge says that it is Chrome, Chrome that it is Safari.
_BROWSERS = (
    ("Edge", re.compile(r"Edg(?:e|A|iOS)?/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:HeadlessChrome|Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[\d.]* (?:Mobile/\S+ )?Safari")),
)
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def words(user_agent: str) -> str:
    """Browser and system where they are known, else the beginning of what it said."""
    for name, pattern in _BROWSERS:
        found = pattern.search(user_agent)
        if found:
            system = next((word for mark, word in _SYSTEMS if mark in user_agent), "")
            return f"{name} {found[1]}" + (f", {system}" if system else "")
    return user_agent.split(" (")[0][:60]
