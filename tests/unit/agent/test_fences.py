"""Fences survive the death of the agent, also in the middle of a line."""

import pytest

from agent.fences import FenceBook
from agent.protocol import StaleFence
from agent.tasks import unhurried


def admit(book: FenceBook, **fences: int) -> None:
    with book.admitted(fences, unhurried()):
        pass


def test_a_restart_does_not_forget(tmp_path):
    book = FenceBook(tmp_path / "fences")
    admit(book, a=3, b=1)
    admit(book, a=5)
    again = FenceBook(tmp_path / "fences")
    assert (again.highest("a"), again.highest("b"), again.highest("c")) == (5, 1, 0)
    with pytest.raises(StaleFence):
        admit(again, a=4)


def test_a_line_cut_short_by_a_crash_is_skipped_and_the_next_is_whole(tmp_path):
    path = tmp_path / "fences"
    path.write_text('["a", 3]\n["b", 1')
    book = FenceBook(path)
    assert (book.highest("a"), book.highest("b")) == (3, 0)
    admit(book, c=2)
    assert FenceBook(path).highest("c") == 2


def test_a_long_file_is_rewritten_with_the_highest_only(tmp_path, monkeypatch):
    monkeypatch.setattr("agent.fences._COMPACT_AFTER_LINES", 10)
    path = tmp_path / "fences"
    book = FenceBook(path)
    for number in range(1, 31):
        admit(book, a=number)
    book.close()
    assert FenceBook(path).highest("a") == 30
    assert len(path.read_text().splitlines()) == 1


def test_equal_numbers_may_work_at_once(tmp_path):
    book = FenceBook(tmp_path / "fences")
    with book.admitted({"a": 1}, unhurried()), book.admitted({"a": 1}, unhurried()):
        assert book.highest("a") == 1
