"""What tenants are told of the house."""

import pytest

from core.discretion import without_paths


@pytest.mark.parametrize(
    "text, shown",
    [
        ("qemu-img: /srv/pool-1/ab.qcow2: full", "qemu-img: …/ab.qcow2: full"),
        ("'/var/lib/cloud/primary/x' is missing", "'…/x' is missing"),
        ("see https://mirror.example/debian/x.qcow2", "see https://mirror.example/debian/x.qcow2"),
        ("read and/or write", "read and/or write"),
        ("network 10.0.0.0/8 is full", "network 10.0.0.0/8 is full"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_folders_of_hosts_are_not_told(text, shown):
    assert without_paths(text) == shown
