"""Which texts clients sign, and that nothing else passes."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cs.client import CloudStack
from libcloud.common.cloudstack import CloudStackConnection

from api import signature

SECRET = "SECRET-1"
LIST_ZONES = {"command": "listZones", "response": "json", "apiKey": "KEY-1"}
CREATE_TAGS = {
    "command": "createTags",
    "apiKey": "KEY-1",
    "expires": "2030-01-01T00:00:00+0000",
    "resourceIds": "a,b",
    "resourceType": "UserVm",
    "response": "json",
    "signatureVersion": "3",
    "tags[0].key": "My Key",
    "tags[0].value": "a*b~c+é",
}
HARD = {
    **LIST_ZONES,
    "Zebra": "1",
    "ant": "2",
    "name": "~[]*+ /&=%é机器",
    "details[0].cpuNumber": "2",
}


@pytest.mark.parametrize(
    "params, wanted",
    [
        (LIST_ZONES, "Am8VDJnbZlsq7/EhoJUgTArlnBM="),
        (CREATE_TAGS, "RCeNKfvw1+kaSGLyZbMedl3RM6I="),
    ],
)
def test_the_published_vectors(params, wanted):
    assert signature.signature_of(SECRET, params) == wanted
    assert signature.is_genuine(SECRET, params, wanted)


def test_the_text_is_sorted_by_raw_name_and_lower_cased():
    text = next(signature.texts({"b": "B C", "A": "Ü", "signature": "x"}))
    assert text == "a=%c3%9c&b=b%20c"


def test_what_cs_signs_is_genuine():
    params = dict(HARD)
    CloudStack(endpoint="http://x", key="KEY-1", secret=SECRET)._sign(params)
    assert signature.is_genuine(SECRET, params, params["signature"])


def test_what_libcloud_signs_is_genuine():
    connection = CloudStackConnection.__new__(CloudStackConnection)
    connection.key = SECRET
    sent = connection._make_signature(HARD).decode()
    assert signature.is_genuine(SECRET, HARD, sent)


@pytest.mark.parametrize("bare", ["", "~", "[]", "~[]", "%", "~%", "~[]%"])
@pytest.mark.parametrize("order", [lambda pair: pair, lambda pair: pair[0].lower()])
def test_every_known_way_to_encode_and_sort_is_genuine(bare, order):
    pairs = sorted(HARD.items(), key=order)
    text = "&".join(f"{k}={signature.encoded(v, bare=bare)}" for k, v in pairs).lower()
    made = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), hashlib.sha1)).decode()
    assert signature.is_genuine(SECRET, HARD, made)


def test_a_plus_that_arrived_as_a_blank_is_forgiven():
    made = signature.signature_of(SECRET, CREATE_TAGS)
    assert "+" in made
    assert signature.is_genuine(SECRET, CREATE_TAGS, made.replace("+", " "))


@pytest.mark.parametrize(
    "change",
    [
        {"command": "deleteZone"},
        {"name": "other"},
        {"extra": "1"},
        {"apiKey": "KEY-2"},
    ],
)
def test_any_change_of_the_parameters_breaks_the_signature(change):
    made = signature.signature_of(SECRET, HARD)
    assert not signature.is_genuine(SECRET, {**HARD, **change}, made)


def test_a_missing_parameter_breaks_the_signature():
    made = signature.signature_of(SECRET, HARD)
    assert not signature.is_genuine(SECRET, LIST_ZONES, made)


@pytest.mark.parametrize("made", ["", "x", "é", "\udcff", "A" * 10_000])
def test_rubbish_is_no_signature(made):
    assert not signature.is_genuine(SECRET, LIST_ZONES, made)


def test_the_wrong_secret_is_no_good():
    made = signature.signature_of("SECRET-2", LIST_ZONES)
    assert not signature.is_genuine(SECRET, LIST_ZONES, made)


def test_one_name_cannot_pass_for_several_parameters():
    """Names are signed as they are: ``a=1&b`` = 2 would read like two parameters."""
    honest = {"a": "1", "b": "2"}
    forged = {"a=1&b": "2"}
    made = signature.signature_of(SECRET, honest)
    assert next(signature.texts(honest)) == next(signature.texts(forged))
    assert not signature.is_genuine(SECRET, forged, made)


def _in(minutes: int, form: str) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime(form)


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%S+0000", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S 0000"]
)
def test_expiry_in_the_forms_clients_write(form):
    assert signature.is_current(_in(10, form))
    assert not signature.is_current(_in(-1, form))


@pytest.mark.parametrize("text", ["", "soon", "2030-13-45T99:99:99+0000", "9" * 40])
def test_an_expiry_that_is_no_date_has_passed(text):
    assert not signature.is_current(text)
