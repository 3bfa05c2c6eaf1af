"""Images in a secondary store: a file, and beside it what is known of it.

The format is written down when an image is made or accepted, and never guessed afterwards:
a raw image's bytes are a guest's, and may look like a qcow2 header that names any file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from agent import names
from agent import protocol as p
from agent.images import inspector
from agent.storage import headers
from agent.storage.placing import remove_parts, whole_file
from agent.tasks import Task

SUFFIX = ".about.json"
_CHUNK = 4 * 2**20


@dataclass(frozen=True, slots=True)
class StoredImage:
    path: Path
    info: p.ImageInfo


def path_of(image: p.StorePath) -> Path:
    return names.file_under(image.store.path, image.name)


def find(image: p.StorePath) -> StoredImage:
    """Raises NoSuchVolume, ImageRefused for a file of unknown origin that is not safe."""
    path = path_of(image)
    if not path.is_file():
        raise p.NoSuchVolume(f"Image {image.name} is not in store {image.store.path}.")
    about = _about(path)
    try:
        info = p.from_wire(p.ImageInfo, json.loads(about.read_text()))
    except (OSError, ValueError, TypeError):
        # Put there by hand: looked at as if it came from outside.
        found = inspector.inspect(path, "")
        info = p.ImageInfo(found.virtual_bytes, headers.physical_bytes(path), found.format, "")
    return StoredImage(path, info)


def present(image: p.StorePath) -> p.ImageInfo | None:
    """What is known of a finished image, or None: for repeats of a finished copy."""
    path = path_of(image)
    if not (path.is_file() and _about(path).is_file()):
        return None
    return find(image).info


def record(final: Path, part: Path, image_format: str, checksum: str) -> p.ImageInfo:
    """Write down what ``part``, about to become ``final``, is."""
    qemu_format = "qcow2" if image_format == "QCOW2" else "raw"
    virtual = headers.read(part, qemu_format).virtual_bytes
    info = p.ImageInfo(virtual, headers.physical_bytes(part), image_format, checksum)
    write_about(final, info)
    return info


def write_about(final: Path, info: p.ImageInfo) -> None:
    with whole_file(_about(final)) as part:
        part.write_text(json.dumps(p.to_wire(info)))


def delete(image: p.StorePath) -> None:
    """The file first: an about without a file is no image."""
    path = path_of(image)
    remove_parts(path)
    path.unlink(missing_ok=True)
    _about(path).unlink(missing_ok=True)
    _prune(path.parent, Path(image.store.path))


def copy_bytes(source: Path, part: Path, task: Task) -> None:
    """A file again, its holes left holes."""
    size = source.stat().st_size
    done = 0
    with source.open("rb") as old, part.open("wb") as new:
        while chunk := old.read(_CHUNK):
            if chunk.count(0) == len(chunk):
                new.seek(len(chunk), 1)
            else:
                new.write(chunk)
            done += len(chunk)
            task(100.0 * done / max(size, 1))
        new.truncate(size)


def sha512(path: Path, task: Task) -> str:
    digest = hashlib.sha512()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            task.check()
            digest.update(chunk)
    return "{SHA-512}" + digest.hexdigest()


def _about(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def _prune(folder: Path, root: Path) -> None:
    """Empty folders between an image and its store go with it."""
    while folder != root and root in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
