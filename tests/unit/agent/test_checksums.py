"""Checksums as CloudStack writes them."""

import hashlib

import pytest

from agent.images import checksums
from agent.protocol import ImageRefused

DATA = b"an image"


@pytest.mark.parametrize("label, name", checksums.ALGORITHMS.items())
def test_each_algorithm_labelled_bare_and_in_other_spellings(label, name):
    digits = hashlib.new(name, DATA).hexdigest()
    labels = ("", f"{{{label}}}", f"{{{label.lower()}}}", f"{{{label.replace('-', '')}}}")
    for written in (*(before + digits for before in labels), digits.upper()):
        checksum = checksums.parse(written)
        digest = checksum.begin()
        digest.update(DATA)
        assert checksum.verify(digest) == f"{{{label}}}{digits}"


def test_another_files_checksum_is_refused_with_both():
    checksum = checksums.parse("{MD5}" + "0" * 32)
    digest = checksum.begin()
    digest.update(DATA)
    with pytest.raises(ImageRefused, match=hashlib.md5(DATA).hexdigest()):
        checksum.verify(digest)


def test_without_one_the_answer_is_sha_512():
    checksum = checksums.parse(" ")
    digest = checksum.begin()
    digest.update(DATA)
    assert checksum.verify(digest) == "{SHA-512}" + hashlib.sha512(DATA).hexdigest()


@pytest.mark.parametrize(
    "written", ["{MD5}abc", "{SHA-256}" + "0" * 32, "{CRC}00", "xyz", "0" * 33]
)
def test_what_is_no_checksum_is_refused(written):
    with pytest.raises(ImageRefused):
        checksums.parse(written)
