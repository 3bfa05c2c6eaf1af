"""The zone wizard: defaults that will do, each value tried, a zone built, resumed, discarded."""

import pytest

from frontend.zones import defaults, jobs, parts, trial
from frontend.zones.fields import ADVANCED, KINDS
from frontend.zones.models import ZoneDraft
from infra.models import Cluster, Host, Pod, Zone
from jobs.models import AsyncJob
from jobs.worker import run_everything
from network.models import Network, PhysicalNetwork
from storage.models import ImageStore, StoragePool
from tests.factories import admin_caller, make_zone

pytestmark = pytest.mark.django_db

EVERYTHING = (Zone, PhysicalNetwork, Pod, Cluster, Host, StoragePool, ImageStore, Network)


def make_draft(kind=ADVANCED, **values):
    admin = admin_caller()
    return ZoneDraft.objects.create(
        kind=kind.key, values={**defaults.values(kind), **values}, user=admin.user
    )


def problems(draft):
    return [(p.field, p.message) for p in trial.problems(admin_caller(), draft)]


def there():
    return {model.__name__: model.objects.count() for model in EVERYTHING}


def build(draft):
    jobs.launch(admin_caller(), draft)
    finish()
    draft.refresh_from_db()
    return draft


def finish():
    """Steps that wait are due half a second later."""
    for _ in range(200):
        run_everything()
        if not AsyncJob.objects.filter(status=0).exists():
            return
        AsyncJob.objects.filter(status=0).update(due="2020-01-01T00:00:00Z")
    raise AssertionError(list(AsyncJob.objects.filter(status=0).values_list("command", "note")))


every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.key)


@every_kind
def test_the_defaults_will_do_and_trying_them_leaves_nothing(kind, world):
    before = there()
    draft = make_draft(kind)
    assert problems(draft) == []
    assert there() == before
    assert not AsyncJob.objects.exists()


@every_kind
def test_a_zone_is_built_from_the_defaults(kind, world):
    draft = build(make_draft(kind))
    assert draft.refused == {}
    assert draft.finished
    assert draft.removed
    zone = Zone.objects.get()
    assert (zone.network_type, zone.allocation_state) == (kind.zone["networktype"], "Enabled")
    assert zone.security_groups_enabled is kind.is_flat
    assert (Host.objects.get().status, StoragePool.objects.get().state) == ("Up", "Up")
    assert [e["part"] for e in draft.made] == [p.key for p in parts.of(draft)]
    assert all(jobs.seconds_of(e) is not None for e in draft.made)


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("name", "taken", "already a zone named taken"),
        ("dns1", "8.8.8", "not an IP address"),
        ("podnetmask", "255.0.255.0", "no IPv4 network"),
        ("podstartip", "10.1.2.3", "does not lie in"),
        ("hosts", "http://", "names no machine"),
        ("poolurl", "ftp://x/y", "not the address of a storage pool"),
        ("range1", "9-5000", "5000"),
        ("clustername", "", "needed"),
    ],
)
def test_a_wrong_value_is_named_at_its_field(world, field, value, said):
    make_zone(name="taken")
    found = problems(make_draft(**{field: value}))
    assert [f for f, message in found if said in message] == [field], found


def test_each_wrong_value_is_found_also_behind_another(world):
    draft = make_draft(dns1="1.2.3", internaldns1="x", podgateway="y", poolurl="z")
    assert [f for f, _ in problems(draft)] == ["dns1", "internaldns1", "podgateway", "poolurl"]


def test_a_second_zone_gets_names_and_subnets_of_its_own(world):
    first = make_draft()
    build(first)
    second = make_draft()
    assert problems(second) == []
    for name in ("name", "podname", "podgateway", "hosts", "poolname", "poolurl"):
        assert second.values[name] != first.values[name], name


def test_a_refusal_is_kept_and_after_mending_it_goes_on_from_there(world):
    draft = build(make_draft(poolurl="ftp://nowhere/x"))
    assert draft.refused["part"] == "pool"
    assert "ftp://nowhere/x" in draft.refused["message"]
    made = [e["id"] for e in draft.made]

    draft.values["poolurl"] = "nfs://10.0.0.1/p9"
    draft.save()
    build(draft)
    assert (draft.refused, bool(draft.finished)) == ({}, True)
    assert [e["id"] for e in draft.made][: len(made)] == made
    assert Zone.objects.count() == 1


def test_discarding_takes_away_what_was_made_and_nothing_else(world):
    keeper = make_zone()
    before = there()
    draft = build(make_draft(poolurl="ftp://nowhere/x"))
    assert there() != before
    jobs.discard(admin_caller(), draft)
    finish()
    draft.refresh_from_db()
    assert draft.removed
    assert not draft.finished
    assert there() == before
    assert Zone.objects.get() == keeper


def test_a_worker_that_died_behind_a_command_does_not_make_it_twice(world, monkeypatch):
    draft = make_draft()
    jobs.launch(admin_caller(), draft)
    real, calls = jobs._make, []

    def dying(caller, row, part):
        entry = real(caller, row, part)
        calls.append(part.key)
        if len(calls) == 3:
            raise SystemExit
        return entry

    monkeypatch.setattr(jobs, "_make", dying)
    with pytest.raises(SystemExit):
        run_everything()
    AsyncJob.objects.update(worker=None, due="2020-01-01T00:00:00Z")
    monkeypatch.setattr(jobs, "_make", real)
    finish()
    draft.refresh_from_db()
    assert draft.finished
    assert Zone.objects.count() == PhysicalNetwork.objects.count() == 1


# -- the pages -------------------------------------------------------------------------------


def test_choosing_a_kind_makes_a_draft_that_the_list_of_zones_shows(administrator, world):
    reply = administrator.post("/zones/wizard", {"kind": "basic"})
    assert reply.status_code == 303
    page = administrator.page(reply["Location"])
    assert 'name="guestgateway"' in page
    assert "publicgateway" not in page
    assert "Unfinished zones" in administrator.page("/zones")


def test_what_is_typed_is_kept_and_answered_at_its_field(administrator, world):
    draft = make_draft()
    reply = administrator.post(
        f"/zones/wizard/{draft.uuid}/check", {**draft.values, "dns1": "nonsense"},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    text = reply.content.decode()
    draft.refresh_from_db()
    assert draft.values["dns1"] == "nonsense"
    assert 'id="e-dns1" hx-swap-oob="true">DNS server 1 is not an IP address' in text


def test_a_wrong_value_is_not_launched(administrator, world):
    draft = make_draft()
    reply = administrator.post(f"/zones/wizard/{draft.uuid}", {**draft.values, "podname": ""})
    assert reply.status_code == 422
    assert not AsyncJob.objects.exists()


def test_the_page_shows_progress_and_then_the_zone(administrator, world):
    draft = make_draft()
    url = f"/zones/wizard/{draft.uuid}"
    assert administrator.post(url, draft.values).status_code == 303
    assert 'data-live-page="zonedraft' in administrator.page(url)
    finish()
    assert "/zones/" + str(Zone.objects.get().uuid) in administrator.fragment(f"{url}/progress")


def test_a_zone_of_which_nothing_exists_is_forgotten_at_once(administrator, world):
    draft = make_draft()
    assert administrator.post(f"/zones/wizard/{draft.uuid}/discard")["Location"] == "/zones"
    assert not ZoneDraft.objects.exists()


def test_it_is_for_root_administrators(tenant, world):
    draft = make_draft()
    for path in ("/zones/wizard", f"/zones/wizard/{draft.uuid}"):
        tenant.page(path, status=404)


@every_kind
def test_every_part_points_at_fields_of_its_kind(kind):
    known = {f.name for f in kind.fields}
    values = {**defaults.values(kind), "storagestartip": "10.0.0.1", "range1": "100-200"}
    groups = {g.key for g in kind.groups}
    for part in parts.parts(kind, values):
        assert part.group in groups
        assert set(part.at.values()) <= known | {"guestcidraddress", "guestvlan"}
        assert set(part.at) <= set(parts.COMMANDS[part.command].by_name), part.key


@every_kind
def test_fields_have_one_name_each(kind):
    names = [f.name for f in kind.fields]
    assert len(names) == len(set(names))
