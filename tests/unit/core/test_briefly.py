"""Large sums are made anew every few seconds, small ones each time."""

from __future__ import annotations

import itertools

import pytest

from core import briefly


@pytest.fixture(autouse=True)
def nothing_kept():
    briefly.forget()
    yield
    briefly.forget()


def sums(rows: int):
    """A sum that is another one whenever it is made."""
    number = itertools.count()
    return lambda: (rows, next(number))


def test_a_sum_over_few_rows_is_always_the_present_one():
    make = sums(briefly.MANY - 1)
    assert [briefly.kept("few", make) for _ in range(3)] == [0, 1, 2]


def test_a_sum_over_many_rows_stays_for_a_moment(monkeypatch):
    make = sums(briefly.MANY)
    assert [briefly.kept("many", make) for _ in range(3)] == [0, 0, 0]
    assert briefly.kept("others", sums(briefly.MANY)) == 0
    monkeypatch.setattr(briefly.time, "monotonic", lambda: 1e9)
    assert briefly.kept("many", make) == 1
    assert len(briefly._kept) == 1  # what is over is not kept
