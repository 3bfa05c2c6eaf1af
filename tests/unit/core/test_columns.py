"""Columns hold what ``values_list`` would have read."""

import uuid

import pytest

from accounts.models import Account, Session, User
from accounts.services import sessions
from core.columns import Keys, Uuids, columns, columns_of, keys_first, uuids_of
from infra.models import Host
from tests import factories

pytestmark = pytest.mark.django_db

PATHS = (
    "pk", "uuid", "created", "removed", "alive", "username", "account__uuid", "account__details",
    "account__domain__uuid", "account__domain__parent__uuid", "account__role__is_default",
)  # fmt: skip


@pytest.fixture
def users():
    for _ in range(3):
        account = factories.make_account(domain=factories.make_domain())
        account.details = {"colour": "rot", "名": [1, None]}
        account.save()
        factories.make_user(account=account)
    return User.objects.order_by("-pk")


def test_columns_are_values_turned_on_their_side(users):
    wanted = list(users.values_list(*PATHS))
    assert list(zip(*columns(users, PATHS), strict=True)) == wanted
    keys = list(users.values_list("pk", flat=True))
    assert list(zip(*columns_of(User, keys, PATHS), strict=True)) == wanted


def test_ids_are_real_uuids(users):
    (found,) = columns(users[:1], ["uuid"])
    made = found[0]
    assert isinstance(made, uuid.UUID)
    assert made == users[0].uuid
    assert (str(made), hash(made), made.hex) == (
        str(users[0].uuid), hash(users[0].uuid), users[0].uuid.hex,
    )  # fmt: skip
    assert made.is_safe is uuid.SafeUUID.unknown


def test_lists_in_json_are_read(users):
    factories.make_host(tags=["ssd", "gpu"])
    assert columns(Host.objects.all(), ["pk", "tags"])[1] == [["ssd", "gpu"]]


def test_rows_come_in_the_order_of_their_keys(users):
    keys = list(users.values_list("pk", flat=True))
    mixed = [keys[2], keys[0], keys[1]]
    assert list(columns_of(User, mixed, ["pk", "username"])[0]) == mixed


def test_keys_that_are_gone_are_left_out(users):
    keys = [users[0].pk, 999_999_999]
    assert list(columns_of(User, keys, ["pk"])[0]) == keys[:1]


def test_no_rows_are_empty_columns(users):
    assert columns(User.objects.none(), ["pk", "uuid"]) == [(), ()]
    assert columns(User.objects.filter(pk=-1), ["pk", "uuid"]) == [(), ()]
    assert columns_of(User, [], ["pk", "uuid"]) == [(), ()]


def test_keys_filter_as_a_list_of_them_does(users):
    keys = [u.pk for u in users[:2]]
    for path in ("pk__in", "id__in"):
        assert set(User.objects.filter(**{path: Keys(keys)})) == set(users[:2])
    signed_in = sessions.start(users[0]).session
    assert list(Session.objects.filter(user__in=Keys(keys))) == [signed_in]
    accounts = Account.objects.filter(users__in=Keys(keys)).exclude(pk__in=Keys([]))
    assert accounts.count() == 2
    assert not User.objects.filter(pk__in=Keys([])).exists()
    assert User.objects.exclude(pk__in=Keys([])).count() == User.objects.count()


def test_uuids_filter_as_a_list_of_them_does(users, django_assert_num_queries):
    keys = [u.pk for u in users[:2]]
    wanted = {u.uuid: u.pk for u in users[:2]}
    assert uuids_of(User, keys) == wanted
    assert set(User.objects.filter(uuid__in=Uuids(wanted))) == set(users[:2])
    assert not User.objects.filter(uuid__in=Uuids([])).exists()
    assert User.objects.exclude(uuid__in=Uuids([])).count() == User.objects.count()
    read = Keys(keys, {"uuid": list(wanted)})
    with django_assert_num_queries(0):
        assert uuids_of(User, read) == wanted


def test_keys_are_a_sequence_of_whole_numbers():
    keys = Keys(["3", 1])
    assert (list(keys), len(keys), keys[0], 1 in keys, keys == [3, 1]) == ([3, 1], 2, 3, True, True)
    assert not Keys([])
    with pytest.raises(ValueError):
        Keys(["1); DROP TABLE accounts_user"])


def test_mariadb_begins_with_the_rows_that_are_asked_for():
    asked = "SELECT a.id, (SELECT 1) FROM a INNER JOIN b ON b.id = a.b_id WHERE a.id IN (1)"
    assert keys_first(asked, "mysql") == asked.replace("SELECT a", "SELECT STRAIGHT_JOIN a")
    assert keys_first(asked, "sqlite") == asked
