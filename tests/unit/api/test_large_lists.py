"""Lists of large tables: what a page reads does not follow the table, or follows an index.

Judged by the plan that SQLite makes and by what is asked, not by the clock.
"""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, ResourceTag, User
from api import dispatch, paging, positions
from compute.models import VirtualMachine
from compute.services.assigning import assign_volume
from jobs.models import AsyncJob
from network.models import PublicIp
from network.services import public_ips
from storage.models import Template, Volume
from tests import factories

pytestmark = pytest.mark.django_db

#: What replies call a row by.
KEY = {AsyncJob: "jobid", ResourceTag: "value"}


@pytest.fixture(autouse=True)
def clean():
    positions.forget()
    yield
    positions.forget()


def make(model, account):
    if model is Template:
        return factories.make_template(account)
    if model is PublicIp:
        return factories.make_public_ip(account)
    if model is AsyncJob:
        return AsyncJob.objects.create(
            account=account, command="startVirtualMachine", plan="", subject={},
            correlation_id=str(uuid.uuid4()),
        )  # fmt: skip
    return ResourceTag.objects.create(
        account=account, resource_type="UserVm", resource_uuid=uuid.uuid4(), key="team",
        value=uuid.uuid4().hex,
    )  # fmt: skip


def asked(name: str, page: int = 1, size: int = 3, **given):
    return dispatch.execute(
        factories.admin_caller(), name,
        {"listall": "true", "page": str(page), "pagesize": str(size), **given},
    )  # fmt: skip


def sent_by(name: str, **given) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        asked(name, **given)
    return [q["sql"] for q in queries]


def plans(name: str, model, **given) -> list[str]:
    """How SQLite finds keys of a page, and counts, when a list is asked."""
    table, found = model._meta.db_table, []
    starts = (f'SELECT "{table}"."id" AS "pk" FROM', "SELECT COUNT(*)")
    for sql in sent_by(name, **given):
        if sql.startswith(starts) and table in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                found.append("; ".join(row[3] for row in cursor.fetchall()))
    return found


@pytest.mark.parametrize("name, model", [("listAccounts", Account), ("listUsers", User)])
def test_people_are_counted_and_paged_by_a_census(monkeypatch, name, model):
    monkeypatch.setattr(positions, "LARGE", 5)
    for _ in range(12):
        factories.make_user()
    project = factories.make_project(factories.make_account())
    before = asked(name, page=2)  # learns that the table is large
    assert any("COUNT(*)" in sql for sql in sent_by(name, page=2)) is False
    assert asked(name, page=2).records == before.records
    assert asked(name, page=2).count == before.count == model.objects.filter(model.LISTED).count()
    names = {r.get("name") or r["username"] for r in asked(name, size=500).records}
    assert not names & {"system", project.account.name}


@pytest.mark.parametrize("name, model, index", [
    ("listAsyncJobs", AsyncJob, "job_listed"),
    ("listTags", ResourceTag, "tag_listed"),
    ("listPublicIpAddresses", PublicIp, "public_ip_listed"),
])  # fmt: skip
def test_what_projects_own_is_left_out_along_an_index(name, model, index):
    if connection.vendor != "sqlite":
        return
    account = factories.make_account()
    factories.make_project(account)
    for _ in range(5):
        make(model, account)
    found = plans(name, model)
    assert len(found) == 2
    assert any(f"COVERING INDEX {index}" in plan for plan in found), found
    assert not any("accounts_account" in plan for plan in found), found


def test_templates_are_neither_sorted_nor_joined(monkeypatch):
    if connection.vendor != "sqlite":
        return
    monkeypatch.setattr(paging, "FEW", 1)
    account = factories.make_account()
    factories.make_project(account)
    for _ in range(5):
        make(Template, account)
    found = plans("listTemplates", Template, page=2, size=2, templatefilter="all")
    assert len(found) == 3  # are they few, how many, which
    for plan in found:
        assert plan == "SEARCH storage_template USING COVERING INDEX template_by_kind " \
                       "(kind=? AND removed=?)"  # fmt: skip


@pytest.mark.parametrize("name, model, given", [
    ("listAsyncJobs", AsyncJob, {}),
    ("listTags", ResourceTag, {}),
    ("listPublicIpAddresses", PublicIp, {}),
    ("listTemplates", Template, {"templatefilter": "all"}),
])  # fmt: skip
def test_what_a_project_owns_is_shown_with_it_only(name, model, given):
    account = factories.make_account()
    project = factories.make_project(account)
    own, shared = make(model, account), make(model, project.account)

    def listed(**more) -> set[str]:
        found = asked(name, size=500, **given, **more).records
        return {str(r[KEY.get(model, "id")]) for r in found}

    def known_as(row) -> str:
        return row.value if model is ResourceTag else str(row.uuid)

    assert known_as(own) in listed()
    assert known_as(shared) not in listed()
    assert known_as(shared) in listed(projectid=str(project.uuid))


def test_machines_of_all_projects_are_found_by_their_mark():
    account = factories.make_account()
    shared = factories.make_vm(account=factories.make_project(account).account)
    factories.make_vm(account=account)
    found = asked("listVirtualMachines", projectid="-1")
    assert [r["id"] for r in found.records] == [shared.uuid]
    if connection.vendor == "sqlite":
        (plan,) = plans("listVirtualMachines", VirtualMachine, projectid="-1")
        assert "vm_of_project (removed=? AND of_project=?)" in plan


def test_tags_go_to_a_project_with_what_they_are_on():
    account = factories.make_account()
    project = factories.make_project(account)
    disk = Volume.objects.create(
        account=account, zone=factories.make_zone(), name="disk", size_bytes=1, state="Ready"
    )
    tag = ResourceTag.objects.create(
        account=account, resource_type="Volume", resource_uuid=disk.uuid, key="team", value="red"
    )
    assign_volume(disk, project.account)
    tag.refresh_from_db()
    assert tag.of_project
    assert asked("listTags").records == []
    assert len(asked("listTags", projectid=str(project.uuid)).records) == 1


def test_an_address_that_a_project_gave_back_is_nobodys():
    project = factories.make_project(factories.make_account())
    row = factories.make_public_ip(project.account)
    assert row.of_project
    public_ips.release(row)
    row.refresh_from_db()
    assert not row.of_project
