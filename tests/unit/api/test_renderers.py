"""Replies as bytes, in both forms."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from defusedxml import ElementTree

from api.renderers import JSON, XML, wire_date

WHEN = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ID = uuid.UUID("5b0a7b9e-6f6e-4f6c-9b1e-0d6d0f0e1a2b")


def test_dates_have_no_colon_in_the_offset():
    assert wire_date(WHEN) == "2030-01-02T03:04:05+0000"


def test_dates_of_other_zones_are_told_in_utc():
    there = WHEN.astimezone(timezone(timedelta(hours=8)))
    assert wire_date(there) == "2030-01-02T03:04:05+0000"


def test_json_writes_python_values_as_clients_expect_them():
    out = orjson.loads(JSON.render({"r": {"id": ID, "at": WHEN, "ok": True, "n": 2**40}}))
    assert out == {"r": {"id": str(ID), "at": "2030-01-02T03:04:05+0000", "ok": True, "n": 2**40}}


def test_json_survives_what_it_cannot_hold():
    out = orjson.loads(JSON.render({"r": {"broken": "a\udcffb", "huge": 2**70}}))
    assert out["r"]["huge"] == float(2**70)
    assert out["r"]["broken"].startswith("a")


def test_xml_repeats_elements_of_a_list_without_a_wrapper():
    text = XML.render({"listzonesresponse": {"count": 2, "zone": [{"id": 1}, {"id": 2}]}})
    assert text.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><listzonesresponse><count>2</count>'
        "<zone><id>1</id></zone><zone><id>2</id></zone></listzonesresponse>"
    )


def test_xml_names_the_version_for_those_who_may_know():
    text = XML.render({"r": {}}, None, {"version": "4.22.0.0"})
    assert b'<r cloud-stack-version="4.22.0.0"></r>' in text


@pytest.mark.parametrize(
    "value, read",
    [
        ("<b>&\"'", "<b>&\"'"),
        ("名字 ☁", "名字 ☁"),
        ("bell\x07 and \x00", "bell� and �"),
        (True, "true"),
        (WHEN, "2030-01-02T03:04:05+0000"),
        (ID, str(ID)),
        (1.5, "1.5"),
    ],
)
def test_xml_values_can_be_read_back(value, read):
    root = ElementTree.fromstring(XML.render({"r": {"name": value}}).decode())
    assert root.find("name").text == read


def test_xml_keys_that_are_no_names_become_entries():
    root = ElementTree.fromstring(XML.render({"r": {"details": {"a b<": "1"}}}).decode())
    entry = root.find("details/entry")
    assert (entry.get("name"), entry.text) == ("a b<", "1")
