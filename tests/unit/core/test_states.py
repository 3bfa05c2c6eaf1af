import pytest
from django.db import connection, models

from core.errors import NotAllowedInState
from core.states import Stateful

pytestmark = pytest.mark.django_db(transaction=True)


class Door(Stateful):
    """A thing with a state, made for these tests only."""

    KIND = "Door"
    TRANSITIONS = {("open", "CLOSE"): "closed", ("closed", "OPEN"): "open"}
    state = models.CharField(max_length=10, default="open")
    touched = models.IntegerField(default=0)

    class Meta:
        app_label = "core"

    def __str__(self) -> str:
        return "front"


@pytest.fixture
def door():
    with connection.schema_editor() as editor:
        editor.create_model(Door)
    yield Door.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Door)


def test_a_state_moves_along_its_table_with_what_goes_along(door):
    door.apply("CLOSE", touched=3)
    assert (door.state, door.touched) == ("closed", 3)
    assert Door.objects.get() == door
    assert Door.objects.get().touched == 3


def test_what_the_table_lacks_is_refused_in_a_sentence(door):
    with pytest.raises(NotAllowedInState, match="Door front is open; it cannot open now."):
        door.apply("OPEN")
    assert not door.can("OPEN")


def test_of_two_who_saw_the_same_state_one_moves_it(door):
    other = Door.objects.get()
    door.apply("CLOSE")
    with pytest.raises(NotAllowedInState, match="is closed"):
        other.apply("CLOSE")
    assert other.state == "closed"
