"""``projectid``, from the registry: taken wherever CloudStack takes it, honoured by every list,
and never a way around a project role or a suspended project."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Project, ProjectMember
from accounts.services.membership import LETS_GO
from api import dispatch
from core.commands import COMMANDS, RoleType
from core.errors import NotAllowedInState, PermissionDenied
from tests import factories
from tests.unit.api.test_reference import REFERENCE, known
from tests.unit.api.world import World, required_values

pytestmark = pytest.mark.django_db


def takes_it(name: str) -> bool:
    return any(p["name"].lower() == "projectid" for p in REFERENCE["commands"][name]["params"])


THERE = [name for name in known() if COMMANDS[name].listed and takes_it(name)]
LISTS = [
    name for name in THERE
    if RoleType.USER in COMMANDS[name].roles
    and COMMANDS[name].listing and COMMANDS[name].listing.scoped
    and name != "listProjectInvitations"  # to a project, not of one
]  # fmt: skip
#: Those that members send about the project's things.
CHANGES = [
    name for name in THERE
    if RoleType.USER in COMMANDS[name].roles and not COMMANDS[name].reads_only
    and name != "updateProjectInvitation"  # asked by who is in no project yet
]  # fmt: skip
#: What is asked for in words before anybody looks whose it would be.
GO_TOGETHER = {
    "createTemplate": [("volumeid", "storage.Volume")],
    "registerIso": [("ostypeid", "infra.OsType")],
}
#: Whoever may not stay may go, and a role is changed by administrators, whom none binds.
_PEOPLE = {name for name in CHANGES if "Project" in name}


@pytest.mark.parametrize("name", THERE)
def test_what_takes_a_project_there_takes_one_here(name):
    assert "projectid" in COMMANDS[name].by_name


class Scene:
    """A member with a row of everything of its own, in a project that has one as well."""

    def __init__(self) -> None:
        domain = factories.make_domain()
        self.owner = factories.make_caller(domain=domain)
        self.user = factories.make_user(domain=domain)
        self.project = factories.make_project(self.owner.account, self.user.account)
        self.own, self.shared = World(self.user.account), World(self.project.account)
        self.shared._rows["accounts.Project"] = self.project
        for name in LISTS:
            for world in (self.own, self.shared):
                world.row(COMMANDS[name].listing.model)
        for name in CHANGES:
            required_values(COMMANDS[name], self.shared)
        for label in ("storage.DiskOffering", "compute.ServiceOffering"):
            self.own[label]
        self.shared["infra.OsType"]
        for world in (self.own, self.shared):
            world.iso = factories.make_template(
                world.account, zone=world["infra.Zone"], format="ISO"
            )

    def ask(self, name: str, /, **given: Any) -> dispatch.Outcome:
        """As the member, at a request of its own."""
        return dispatch.execute(factories.caller_of(self.user), name, given)


@pytest.fixture(scope="module")
def scene(committed):
    with committed():
        return Scene()


def listed(scene: Scene, name: str, /, **given: str) -> set[str]:
    if "templatefilter" in COMMANDS[name].by_name or "isofilter" in COMMANDS[name].by_name:
        given |= {"templatefilter": "self", "isofilter": "self"}
    wanted = "key" if name == "listTags" else "id"
    return {
        str(record.get(wanted, record.get("name"))) for record in scene.ask(name, **given).records
    }


def shown(world: World, name: str) -> str:
    if name == "listIsos":
        return str(world.iso.uuid)
    row = world.row(COMMANDS[name].listing.model)
    return row.key if name == "listTags" else str(row.uuid)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_the_projects_things_where_it_is_named_and_ones_own_else(scene, name):
    own, shared = shown(scene.own, name), shown(scene.shared, name)
    for asked in (str(scene.project.uuid), "-1"):
        found = listed(scene, name, projectid=asked)
        assert shared in found, asked
        assert own not in found, asked
    for given in ({}, {"listall": "true"}):
        found = listed(scene, name, **given)
        assert own in found
        assert shared not in found


@pytest.mark.parametrize("name", ["listServiceOfferings", "listDiskOfferings"])
def test_any_project_leaves_no_offering_out(scene, name):
    everything = listed(scene, name)
    assert everything
    assert listed(scene, name, projectid="-1") == everything


def values(scene: Scene, name: str) -> dict[str, Any]:
    given = required_values(COMMANDS[name], scene.shared)
    also = {param: str(scene.shared[label].uuid) for param, label in GO_TOGETHER.get(name, ())}
    return {**given, **also, "projectid": str(scene.project.uuid)}


@pytest.mark.parametrize("name", CHANGES)
def test_a_project_role_forbids_every_change_for_the_project(scene, name):
    role = scene.project.roles.create(name=factories.unique("nothing"))
    role.rules.create(rule="*", allow=False, sort_order=0)
    ProjectMember.objects.filter(account=scene.user.account).update(role=role)
    with pytest.raises(PermissionDenied, match=f"does not allow {name}"):
        scene.ask(name, **values(scene, name))


@pytest.mark.parametrize(
    "name", [n for n in CHANGES if n not in _PEOPLE and not n.startswith(LETS_GO)]
)
def test_a_suspended_project_takes_nothing(scene, name):
    Project.objects.filter(pk=scene.project.pk).update(state=Project.SUSPENDED)
    with pytest.raises(NotAllowedInState, match="is suspended"):
        scene.ask(name, **values(scene, name))
