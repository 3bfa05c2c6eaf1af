"""What an image file really is, decided in pure Python before qemu-img ever opens it.

The formats and their dangers are oslo.utils' (the OpenStack projects' answer to images that
made qemu-img read files of the host): a backing or data file, a VMDK descriptor that names
other files, unknown features, two formats in one file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oslo_utils.imageutils import format_inspector as fi

from agent import protocol as p

# CloudStack's name -> what the inspector may find in such a file. A raw disk with a
# partition table is found as gpt; a hybrid ISO as both iso and gpt.
ACCEPTED = {
    "QCOW2": ("qcow2",),
    "RAW": ("raw", "gpt"),
    "ISO": ("iso",),
    "VHD": ("vhd",),
    "VHDX": ("vhdx",),
    "VMDK": ("vmdk",),
}
_NAMES = {"vhd": "VHD", "vhdx": "VHDX", "vmdk": "VMDK", "qcow2": "QCOW2", "iso": "ISO",
          "gpt": "RAW", "raw": "RAW"}  # fmt: skip
_WHY = {
    "backing_file": "it refers to another file as its base",
    "data_file": "it keeps its data in another file",
    "unknown_features": "it uses features of the format that are not known to be safe",
    "descriptor": "its VMDK descriptor is of a kind that may refer to other files",
    "footer": "its VMDK footer contradicts its header",
}
# No disk anybody runs is larger; a header may claim anything up to 2**63.
MOST_VIRTUAL_BYTES = 64 * 2**40
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """``format`` is CloudStack's name."""

    format: str
    virtual_bytes: int


def inspect(path: Path, wanted: str, most_virtual_bytes: int = 0) -> Found:
    """Look at a file that claims to be ``wanted`` ("" accepts any format known here).

    Raises ImageRefused with a sentence that says what it is instead, or what is wrong.
    """
    wanted = wanted.upper()
    if wanted and wanted not in ACCEPTED:
        raise p.ImageRefused(
            f"{wanted} images cannot run on this hypervisor; use {', '.join(ACCEPTED)}."
        )
    _refuse_text(path)
    matched = _matches(path)
    found = _choose(matched, wanted)
    _check_safe(found)
    virtual = _virtual_bytes(found, path)
    most = min(most_virtual_bytes or MOST_VIRTUAL_BYTES, MOST_VIRTUAL_BYTES)
    if virtual > most:
        raise p.ImageRefused(
            f"The image unfolds to {virtual / 2**30:.0f} GiB; the most is {most / 2**30:.0f} GiB."
        )
    return Found(wanted or _NAMES[found.NAME], virtual)


def _matches(path: Path) -> dict[str, fi.FileInspector]:
    with path.open("rb") as file:
        wrapper = fi.InspectWrapper(file)
        try:
            while wrapper.read(_CHUNK) and wrapper.formats is None:
                pass
        finally:
            wrapper.close()
        return {inspector.NAME: inspector for inspector in wrapper.formats or ()}


def _choose(matched: dict[str, fi.FileInspector], wanted: str) -> fi.FileInspector:
    kinds = set(matched)
    if {"iso", "gpt"} == kinds:
        # A hybrid ISO: also written to a USB stick, so it has a partition table.
        kinds = {"iso"}
    if len(kinds) != 1:
        listed = " and ".join(sorted(kinds)) or "nothing known"
        raise p.ImageRefused(f"The file looks like {listed} at once; it is not accepted.")
    kind = kinds.pop()
    accepted = ACCEPTED[wanted] if wanted else tuple(_NAMES)
    if kind not in accepted:
        said = _NAMES.get(kind, kind.upper())
        raise p.ImageRefused(f"The file is a {said} image, not {wanted or 'one known here'}.")
    return matched[kind]


def _check_safe(found: fi.FileInspector) -> None:
    if found.NAME in ("raw", "gpt"):
        return  # No structure of the format can name a file; partition tables are the guest's.
    try:
        found.safety_check()
    except fi.SafetyCheckFailed as error:
        why = "; ".join(sorted(_WHY.get(name, name) for name in error.failures))
        raise p.ImageRefused(f"The {found.NAME} image is not safe: {why}.") from error
    except fi.ImageFormatError as error:
        raise p.ImageRefused(f"The {found.NAME} image is damaged: {error}") from error


def _virtual_bytes(found: fi.FileInspector, path: Path) -> int:
    if found.NAME in ("raw", "gpt", "iso"):
        return path.stat().st_size
    return int(found.virtual_size)


def _refuse_text(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise p.ImageRefused("The file is empty.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<body")):
        raise p.ImageRefused(
            "The address answered with a web page, not an image. Use the link of the file "
            "itself; a page that asks to log in or to accept terms gives such an answer too."
        )
    if start.startswith((b"{", b"[")) and b"\0" not in head:
        raise p.ImageRefused("The address answered with a JSON text, not an image.")
