"""Replies as bytes: JSON by orjson, XML as CloudStack writes it. Both are renderers of Django
REST Framework, and neither needs more of it than ``render``."""

from __future__ import annotations

import re
import uuid as uuids
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
from rest_framework.renderers import BaseRenderer

_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*\Z")
# What XML 1.0 cannot hold at all, not even escaped.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def wire_date(value: datetime) -> str:
    """``2030-01-01T00:00:00+0000``: always UTC, whole seconds, no colon in the offset."""
    if value.tzinfo is not None and value.utcoffset():
        value = value.astimezone(UTC)
    return (
        f"{value.year:04d}-{value.month:02d}-{value.day:02d}T"
        f"{value.hour:02d}:{value.minute:02d}:{value.second:02d}+0000"
    )


def _odd(value: Any) -> Any:
    """Values orjson does not know, or would write otherwise than CloudStack does."""
    if isinstance(value, datetime):
        return wire_date(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    content_type = "application/json; charset=UTF-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        try:
            return orjson.dumps(data, _odd, _OPTIONS)
        except (orjson.JSONEncodeError, UnicodeEncodeError):
            # A lone surrogate, or a number beyond 64 bits: rare, so only then mended.
            return orjson.dumps(_plain(data), _odd, _OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_plain(str(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return float(value)
    return value


class XMLRenderer(BaseRenderer):
    """One root element; arrays repeat their element without a wrapper."""

    media_type = "text/xml"
    format = "xml"
    content_type = "text/xml; charset=UTF-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        """``data`` is ``{envelope: body}``; ``renderer_context["version"]`` adds the attribute
        that tells authenticated callers the version."""
        version = (renderer_context or {}).get("version", "")
        ((envelope, body),) = data.items()
        about = f" cloud-stack-version={quoteattr(version)}" if version else ""
        parts = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{envelope}{about}>"]
        parts += _members(body)
        parts.append(f"</{envelope}>")
        return "".join(parts).encode("utf-8", "replace")


def _members(body: Mapping[str, Any]) -> Iterable[str]:
    for name, value in body.items():
        if isinstance(value, (list, tuple, set, frozenset)):
            for item in value:
                yield from _element(name, item)
        elif value is not None:
            yield from _element(name, value)


def _element(name: str, value: Any) -> Iterable[str]:
    # Keys of free maps (details, rejection tables) need not be names that XML allows.
    opening, closing = name, name
    if not _XML_NAME.match(name):
        opening, closing = f"entry name={quoteattr(_clean(name))}", "entry"
    yield f"<{opening}>"
    if isinstance(value, Mapping):
        yield from _members({str(k): v for k, v in value.items()})
    elif isinstance(value, (list, tuple)):
        yield from _members({"item": value})
    else:
        yield _text(value)
    yield f"</{closing}>"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return wire_date(value)
    if isinstance(value, Enum):
        return _text(value.value)
    if isinstance(value, (int, float, Decimal, uuids.UUID)):
        return str(value)
    return escape(_clean(str(value)))


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)


JSON, XML = JSONRenderer(), XMLRenderer()
