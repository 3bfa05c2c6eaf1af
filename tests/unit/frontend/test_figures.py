"""Numbers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from frontend import figures, tabs
from frontend.views.lists import plain

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "count, text",
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1 KiB"), (1.5 * 2**30, "1.5 GiB"), (2**40, "1 TiB")],
)
def test_bytes_are_shown_in_the_unit_that_leaves_few_figures(count, text):
    assert figures.size(count) == text


def test_memory_speed_and_shares():
    assert figures.memory(4096) == "4 GiB"
    assert figures.frequency(500) == "500 MHz"
    assert figures.frequency(2400) == "2.4 GHz"
    assert figures.share(1, 3) == 33
    assert figures.share(1, 0) == 0
    assert figures.limit("Unlimited") == figures.limit(-1) == "No limit"


@pytest.mark.parametrize(
    "seconds, text",
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7200, "2 hours"), (259200, "3 days")],
)
def test_durations_are_shown_in_the_largest_unit(seconds, text):
    assert figures.duration(seconds) == text


def test_totals_become_rates_and_a_restart_is_not_a_fall():
    at = [NOON + timedelta(seconds=10 * i) for i in range(4)]
    points = list(zip(at, [0.0, 100.0, 20.0, 20.0], strict=True))
    assert [value for _at, value in tabs.rates(points)] == [10.0, 2.0, 0.0]


def test_a_limit_of_nothing_is_full_and_no_limit_is_empty():
    lines = tabs.quota_lines({"vmtotal": 0, "vmlimit": "0", "cputotal": 4, "cpulimit": "Unlimited"})
    assert [(line["stem"], line["percent"]) for line in lines] == [("vm", 100), ("cpu", 0)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-cmd", "@sum", "\tx"])
def test_what_a_spreadsheet_would_run_is_text(text):
    assert plain(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+49.5", "web", ""])
def test_numbers_and_words_stay_as_they_are(text):
    assert plain(text) == text


@pytest.mark.parametrize(
    "told, shown",
    [("4.56%", "5 %"), ("0.00%", "0 %"), ("0.2%", "< 1 %"), ("97 %", "97 %"), (None, "")],
)
def test_shares_are_whole(told, shown):
    assert figures.percent(told) == shown


@pytest.mark.parametrize(
    "told, shown",
    [
        ("3072.00 GB", "3 TiB"), ("1.94 GiB", "1.9 GiB"), ("1843.20 Ghz", "1,843.2 GHz"),
        ("0.5 GHz", "500 MHz"), ("1 / 2", "1 / 2"), ("none", "none"),
    ],
)  # fmt: skip
def test_figures_that_come_as_texts_are_told_in_the_pages_units(told, shown):
    assert figures.reworded(told) == shown
