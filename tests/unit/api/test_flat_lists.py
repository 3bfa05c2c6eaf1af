"""Lists that commands make themselves have pages like all others."""

import pytest

from api import dispatch, wire
from core.commands import COMMANDS
from core.errors import InvalidParameter
from tests import factories

pytestmark = pytest.mark.django_db

PAGED = sorted(n for n, c in COMMANDS.items() if c.paged)


def ask(command, **given):
    return dispatch.execute(factories.caller_of(factories.admin()), command, given)


def test_they_are_cut_and_counted():
    whole = ask("listResourceLimits")
    assert whole.count == len(whole.records) > 5
    second = ask("listResourceLimits", page="2", pagesize="3")
    assert second.records == whole.records[3:6]
    assert second.count == whole.count
    assert ask("listResourceLimits", page="99", pagesize="3").records == []
    assert len(ask("listResourceLimits", pagesize="-1").records) == whole.count


def test_they_are_found_by_their_names():
    found = ask("listAffinityGroupTypes", keyword="ANTI")
    assert found.count == len(found.records) > 0
    assert all("anti" in r["type"] for r in found.records)
    assert ask("listStorageProviders", type="primary", keyword="nothing").records == []


@pytest.mark.parametrize("given", [{"page": "1"}, {"pagesize": "5"},
                                   {"page": "1", "pagesize": "501"}])  # fmt: skip
def test_pages_are_checked_as_anywhere(given):
    with pytest.raises(InvalidParameter):
        ask("listAffinityGroupTypes", **given)


@pytest.mark.parametrize("name", PAGED)
def test_every_paged_list_is_one_and_says_so(name):
    assert wire.shape(name).is_list
    assert {"keyword", "page", "pagesize"} <= set(COMMANDS[name].by_name)
