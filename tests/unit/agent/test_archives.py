"""Compressed images, honest and hostile."""

import bz2
import gzip
import lzma
import random

import pytest

from agent.images.archives import Unfolding
from agent.protocol import ImageRefused

PLAIN = random.Random(7).randbytes(300_000) + b"\0" * 500_000
MAKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def unfold(data: bytes, step: int = 7919, most: int = 10**7) -> bytes:
    unfolding = Unfolding(most)
    out = b""
    for start in range(0, len(data), step):
        out += b"".join(unfolding.feed(data[start : start + step]))
    return out + b"".join(unfolding.end())


@pytest.mark.parametrize("step", [1, 5, 7919, 10**6])
@pytest.mark.parametrize("kind", MAKERS)
def test_each_kind_unfolds_in_any_pieces(kind, step):
    plain = PLAIN if step > 5 else PLAIN[:3000]
    assert unfold(MAKERS[kind](plain), step) == plain


@pytest.mark.parametrize("kind", MAKERS)
def test_members_that_follow_each_other_are_one_file(kind):
    make = MAKERS[kind]
    assert unfold(make(b"first ") + make(b"second")) == b"first second"


@pytest.mark.parametrize("plain", [b"", b"abc", b"QFI\xfb" + b"x" * 100])
def test_what_is_not_compressed_passes(plain):
    assert unfold(plain, 2) == plain


@pytest.mark.parametrize("kind", MAKERS)
def test_a_bomb_is_stopped_at_the_cap(kind):
    bomb = MAKERS[kind](b"\0" * 50_000_000)
    with pytest.raises(ImageRefused, match="unfolds to more"):
        unfold(bomb, most=1_000_000)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_cut_short_is_damaged(kind):
    whole = MAKERS[kind](PLAIN)
    with pytest.raises(ImageRefused, match="damaged"):
        unfold(whole[: len(whole) // 2])


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_with_a_wrong_byte_is_damaged(kind):
    whole = bytearray(MAKERS[kind](PLAIN))
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(ImageRefused, match="damaged"):
        unfold(bytes(whole))
