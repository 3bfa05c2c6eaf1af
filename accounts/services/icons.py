"""Pictures for things: whatever is sent is read as a picture and written anew as a small PNG,
so that nothing but a picture is ever handed out again."""

from __future__ import annotations

import base64
import binascii
import io
import warnings
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from PIL import Image, UnidentifiedImageError

from accounts.models import ResourceIcon
from accounts.pinned.types import TYPES, ResourceType
from core import live
from core.errors import InvalidParameter

#: Those that replies show icons of, as CloudStack's do.
KINDS = frozenset({
    "UserVm", "Template", "ISO", "Network", "Vpc", "Zone", "Project", "Domain", "Account", "User",
    "GuestOsCategory",
})  # fmt: skip
MOST_BYTES = 512 * 1024  # of the file that is sent
_MOST_PIXELS = 4096 * 4096
_SIDE = 128  # of the picture that is kept
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "ICO")


def check_kind(kind: ResourceType) -> None:
    if kind.name not in KINDS:
        names = ", ".join(sorted(KINDS & set(TYPES)))
        raise InvalidParameter(f"{kind.name} has no icon; these have: {names}.")


def upload(kind: ResourceType, rows: Sequence[Any], text: str) -> None:
    """Gives each of ``rows`` the picture in ``text`` (base64, a ``data:`` address too).

    Raises InvalidParameter for what is no picture, too large, or of a kind with programs in it
    (SVG).
    """
    png = base64.b64encode(small_png(decoded(text))).decode()
    for row in rows:
        ResourceIcon.objects.update_or_create(
            resource_uuid=row.uuid,
            defaults={"resource_type": kind.name, "png_base64": png, "updated": timezone.now()},
        )
        live.changed(row)


def decoded(text: str) -> bytes:
    body = text.strip()
    if body.startswith("data:"):
        body = body.partition(",")[2]
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameter("base64image is not base64.") from None
    if not data or len(data) > MOST_BYTES:
        raise InvalidParameter(
            f"An icon is a file of 1 to {MOST_BYTES} bytes, not {len(data)}; send a smaller one."
        )
    return data


def small_png(data: bytes) -> bytes:
    """The first frame, at most 128 pixels a side. The size is read and checked before a
    single pixel is unpacked."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Any = Image.open(io.BytesIO(data), formats=_FORMATS)
            if picture.width * picture.height > _MOST_PIXELS:
                raise InvalidParameter("The picture is larger than 4096 by 4096 pixels.")
            picture = picture.convert("RGBA")
    except InvalidParameter:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError,
            OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:  # fmt: skip
        raise InvalidParameter(
            f"base64image is not a picture that is known here; send one of {', '.join(_FORMATS)}."
        ) from error
    picture.thumbnail((_SIDE, _SIDE))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def delete(kind: ResourceType, rows: Sequence[Any]) -> None:
    found = ResourceIcon.objects.filter(
        resource_type=kind.name, resource_uuid__in=[row.uuid for row in rows]
    )
    if not found.delete()[0]:
        raise InvalidParameter("None of these has an icon.")
    for row in rows:
        live.changed(row)
