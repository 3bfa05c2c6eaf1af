"""Units, secrets, settings, plans: what the rest stands on."""

import pytest
from django.test import override_settings

from core import config, units, vault
from core.config import Setting
from core.errors import InvalidParameter
from core.steps import Later, Step, call


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1610612736, "1.5 GiB"),
        (5 * 2**50, "5120 TiB"),
    ],
)
def test_sizes_are_said_as_people_say_them(size_bytes, text):
    assert units.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (59, "59 s"), (95, "1 min 35 s"), (3700, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_times_are_said_as_people_say_them(seconds, text):
    assert units.duration(seconds) == text


def test_gb_are_rounded_up():
    assert [units.gb(n) for n in (0, 1, 2**30, 2**30 + 1)] == [0, 1, 1, 2]


def test_what_is_sealed_opens_with_the_same_key_only():
    sealed = vault.seal("héllo")
    assert "llo" not in sealed
    assert vault.unseal(sealed) == "héllo"
    other = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    with override_settings(SECRETS_KEY=other), pytest.raises(ValueError, match="key file"):
        vault.unseal(sealed)


def test_generated_passwords_have_nothing_that_people_confuse():
    made = {vault.password() for _ in range(50)}
    assert len(made) == 50
    assert not set("".join(made)) & set("0O1lIio")


@pytest.fixture
def setting():
    name = "test.only.number"
    yield Setting(name, 5, "A number.", minimum=1, maximum=10)
    del config.SETTINGS[name]


@pytest.mark.parametrize("text", ["", "five", "0", "11", "5.5"])
def test_a_setting_refuses_what_it_cannot_be(setting, text):
    with pytest.raises(InvalidParameter, match="test.only.number must be"):
        setting.parse(text)


def test_a_setting_is_declared_once(setting):
    with pytest.raises(ValueError, match="declared twice"):
        Setting(setting.name, 1, "Again.")


def test_steps_take_what_they_name():
    def step(volume, run):
        return volume, run

    assert call(step, "run", {"volume": 1, "other": 2}) == (1, "run")
    assert call(lambda: "nothing", "run", {"volume": 1}) == "nothing"


def test_a_step_is_called_by_its_words():
    def make_disk():
        pass

    assert Step(make_disk).title == "make disk"
    assert Step(make_disk, label="Make the root disk").title == "Make the root disk"


def test_waiting_says_for_how_long_and_why():
    later = Later(2, "Waits for the host.")
    assert (later.seconds, later.note, str(later)) == (2, "Waits for the host.", later.note)
