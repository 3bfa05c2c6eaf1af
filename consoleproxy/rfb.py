"""The opening of VNC's protocol, RFC 6143, section 7.1: a screen's password stays on this side.

The hypervisor guards each screen with a password of its own. Here that door is opened, and the
browser, whose ticket was checked already, is then let in without one. What follows the opening
is carried unread.

``sign_in`` and ``welcome`` are generators that do no input or output themselves: they yield a
number to get so many bytes, or bytes to send them. So the portal's relay and the gateway's
plugin, which has threads and no Django, drive the same code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

VERSION = b"RFB 003.008\n"
OPEN, PASSWORD = 1, 2  # security types

Opening = Generator[int | bytes, bytes, None]
AsyncRead = Callable[[int], Awaitable[bytes]]
AsyncWrite = Callable[[bytes], Awaitable[object]]


class Failed(OSError):
    """This end does not speak VNC as we know it, or did not take the password."""


def sign_in(password: str) -> Opening:
    """The client's half, towards the hypervisor; ends where ClientInit would be sent."""
    version = yield 12
    if not version.startswith(b"RFB ") or version < VERSION:
        raise Failed(f"the screen speaks {version!r}, not {VERSION!r}")
    yield VERSION
    count = (yield 1)[0]
    if not count:
        raise Failed(f"the screen refused: {(yield from _reason())}")
    offered = yield count
    if OPEN in offered:
        yield bytes([OPEN])
    elif PASSWORD in offered and password:
        yield bytes([PASSWORD])
        yield answer_to((yield 16), password)
    else:
        raise Failed(f"the screen wants one of {list(offered)} and there is no password for it")
    if (yield 4) != b"\0\0\0\0":
        raise Failed(f"the screen refused: {(yield from _reason())}")


def welcome() -> Opening:
    """The server's half, towards the browser: no password, and in."""
    yield VERSION
    if (yield 12) != VERSION:
        raise Failed("the browser speaks another version than noVNC does")
    yield bytes([1, OPEN])
    if (yield 1)[0] != OPEN:
        raise Failed("the browser chose a way in that was not offered")
    yield b"\0\0\0\0"


def answer_to(challenge: bytes, password: str) -> bytes:
    """DES with the password's first 8 bytes, each with its bits in reverse, as VNC has it."""
    key = password.encode("latin-1", "replace")[:8].ljust(8, b"\0")
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    # One DES is three with the same key.
    encryptor = Cipher(TripleDES(mirrored * 3), modes.ECB()).encryptor()
    return encryptor.update(challenge) + encryptor.finalize()


def drive(opening: Opening, read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    """With blocking input and output; ``read`` returns exactly as much as asked for."""
    wish = next(opening)
    try:
        while True:
            if isinstance(wish, int):
                wish = opening.send(read(wish))
            else:
                write(wish)
                wish = next(opening)
    except StopIteration:
        return


async def follow(opening: Opening, read: AsyncRead, write: AsyncWrite) -> None:
    """The same as ``drive``, for an event loop."""
    wish = next(opening)
    try:
        while True:
            if isinstance(wish, int):
                wish = opening.send(await read(wish))
            else:
                await write(wish)
                wish = next(opening)
    except StopIteration:
        return


def _reason() -> Generator[int | bytes, bytes, str]:
    length = int.from_bytes((yield 4), "big")
    return (yield min(length, 1000)).decode("latin-1") if length else "no reason given"
