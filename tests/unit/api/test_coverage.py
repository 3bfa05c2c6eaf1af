"""The account of what is there and what is left."""

from api import coverage
from core.commands import COMMANDS


def test_every_command_is_in_one_area_and_what_is_built_is_said_so():
    entries = coverage.entries()
    assert len({e.name for e in entries}) == len(entries) > 900
    assert {e.name for e in entries if e.built} == set(COMMANDS)


def test_most_of_what_clients_use_is_found_in_an_area():
    other = [e.name for e in coverage.entries() if e.area == "Other" and e.score]
    assert len(other) < 10, other


def test_a_plugins_command_that_is_built_is_counted_where_it_belongs():
    assert coverage.area_of("listNoSuchThings", "some/plugin").startswith("Plugins")
    assert coverage.area_of("listZones") == "Zones, pods and clusters"
