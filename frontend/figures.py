"""Numbers as people read them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_STEPS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count_bytes: float | int | str | None) -> str:
    """Bytes in the unit that leaves one to four figures: ``1.5 GiB``."""
    if count_bytes in (None, ""):
        return ""
    value = float(count_bytes)
    step = 0
    while abs(value) >= 1024 and step < len(_STEPS) - 1:
        value /= 1024
        step += 1
    return f"{trimmed(value)} {_STEPS[step]}"


def trimmed(value: float, digits: int = 1) -> str:
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def memory(mb: float | int | None) -> str:
    return "" if mb is None else size(float(mb) * 2**20)


def gib(value: float | int | None) -> str:
    return "" if value is None else size(float(value) * 2**30)


def frequency(mhz: float | int | None) -> str:
    if mhz is None:
        return ""
    return f"{trimmed(float(mhz) / 1000, 2)} GHz" if float(mhz) >= 1000 else f"{trimmed(mhz)} MHz"


def percent(value: float | str | None) -> str:
    """“4.56%” of the wire as a page has it: ``5 %``; a small share is not nothing."""
    if value in (None, ""):
        return ""
    count = float(str(value).rstrip("% "))
    return "< 1 %" if 0 < count < 0.5 else f"{count:.0f} %"


#: Units in texts of the wire, as powers of 1024 bytes (CloudStack writes GB for GiB).
_UNITS = {"KB": 1, "KIB": 1, "MB": 2, "MIB": 2, "GB": 3, "GIB": 3, "TB": 4, "TIB": 4}


def reworded(text: str) -> str:
    """A figure that the wire tells as a text with its unit: “3072.00 GB” as ``3 TiB``."""
    number, _blank, unit = str(text).strip().partition(" ")
    try:
        value = float(number.replace(",", ""))
    except ValueError:
        return str(text)
    if unit.upper() in _UNITS:
        return size(value * 1024 ** _UNITS[unit.upper()])
    return frequency(value * 1000) if unit.upper() == "GHZ" else str(text)


def share(used: float, total: float) -> int:
    """Percent, whole, 0 when there is nothing to divide by."""
    return round(100 * used / total) if total else 0


def duration(seconds: float | int | None) -> str:
    """“3 minutes”, as people say it; the largest unit only."""
    if seconds is None:
        return ""
    count = int(seconds)
    if count < 60:
        return ngettext("%(n)d second", "%(n)d seconds", count) % {"n": count}
    if count < 3600:
        return ngettext("%(n)d minute", "%(n)d minutes", count // 60) % {"n": count // 60}
    if count < 86400:
        return ngettext("%(n)d hour", "%(n)d hours", count // 3600) % {"n": count // 3600}
    return ngettext("%(n)d day", "%(n)d days", count // 86400) % {"n": count // 86400}


def limit(value: object) -> str:
    """A ceiling as the API tells it: a number, -1 or “Unlimited”."""
    return _("No limit") if str(value).lower() in ("-1", "unlimited") else f"{int(str(value)):,}"
