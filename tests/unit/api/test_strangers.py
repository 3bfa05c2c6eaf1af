"""Rule R1: what belongs to somebody else looks exactly like what does not exist.

Made from the registry: every reference parameter of every command, for each kind of caller.
The root administrator is the control: for it the same object must be found.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from accounts.caller import Caller
from api import dispatch, replies
from api.renderers import JSON
from core.commands import COMMANDS, Access, Command, Param, RoleType
from core.errors import CloudError
from tests import factories
from tests.unit.api.world import World, required_values

pytestmark = pytest.mark.django_db

ROLES = ("User", "DomainAdmin", "ResourceAdmin")

#: What everybody may see by design: what an operator offers to all. Not rows of tenants.
OFFERED_TO_ALL = {
    "infra.Region": "regions are for everybody",
    "infra.OsType": "guest systems are a list for everybody",
    "infra.OsCategory": "guest systems are a list for everybody",
    "network.NetworkOffering": "network offerings are for everybody, as yet",
}


def references() -> Iterator[tuple[str, str]]:
    for name, command in sorted(COMMANDS.items()):
        for param in command.params:
            if param.model is not None and not command.anonymous:
                yield name, param.name


def references_by_role() -> list[tuple[str, str]]:
    """(command, kind of caller), where there is something to ask."""
    found = {(n, kind) for n, p in references() for kind in ROLES if may(kind, n, p)}
    return sorted(found)


def may(kind: str, name: str, parameter: str = "") -> bool:
    """Whether the built-in role has the command, and the parameter is not the owners' only."""
    command = COMMANDS[name]
    hidden = bool(parameter) and command.by_name[parameter].admin_only
    return RoleType(kind) in command.roles and not hidden


class Neighbours:
    """A caller of each role with a world of its own, and a stranger in a sibling domain."""

    def __init__(self) -> None:
        ours, theirs = factories.make_domain(), factories.make_domain()
        self.stranger = World(factories.make_user(domain=theirs).account)
        self.callers: dict[str, Caller] = {}
        self.worlds: dict[str, World] = {}
        for kind in ROLES:
            self.callers[kind] = factories.make_caller(kind, domain=ours)
        self.callers["Admin"] = factories.admin_caller()
        for kind, caller in self.callers.items():
            self.worlds[kind] = World(caller.account)
        for world in (self.stranger, *self.worlds.values()):
            world.fill()


@pytest.fixture(scope="module")
def neighbours(committed):
    with committed():
        return Neighbours()


def outcome(caller: Caller, command: Command, values: dict[str, Any], odd: str) -> tuple[Any, ...]:
    """Code and text, with the odd value taken out of the text."""
    try:
        dispatch.execute(caller, command.name, values)
    except CloudError as error:
        return type(error).__name__, error.code, error.message.replace(odd, "<id>")
    return ("done",)


def said_of(caller: Caller, command: Command, param: Param, world: World, odd: str):
    values = required_values(command, world, but=param.name)
    return outcome(caller, command, {**values, param.name: odd}, odd)


def missing(command: Command, param: Param) -> tuple[str, int, str]:
    return (
        "NoSuchObject",
        431,
        f"Unable to execute API command {command.name.lower()} due to invalid value. Invalid "
        f"parameter {param.name} value=<id> due to incorrect long value format, or entity does "
        "not exist",
    )


def reaches(caller: Caller, param: Param, row: models.Model) -> bool:
    rows = getattr(param.model._default_manager.all(), param.access.value)(caller)
    return rows.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name, kind", references_by_role())
def test_a_stranger_finds_nothing(neighbours, name, kind):
    for param in COMMANDS[name].params:
        if param.model is not None and may(kind, name, param.name):
            finds_nothing(neighbours, COMMANDS[name], param, kind)


def finds_nothing(neighbours, command, param, kind):
    caller, world = neighbours.callers[kind], neighbours.worlds[kind]
    theirs = neighbours.stranger.row(param.model)
    if reaches(caller, param, theirs):
        assert param.model._meta.label in OFFERED_TO_ALL, (
            f"a {kind} reaches a stranger's {param.model._meta.label}"
        )
        return  # nothing to hide
    with CaptureQueriesContext(connection) as queries:
        of_theirs = said_of(caller, command, param, world, str(theirs.uuid))
        of_nothing = said_of(caller, command, param, world, str(uuid.uuid4()))
    assert of_theirs == of_nothing, param.name
    assert of_theirs[0] == "NoSuchObject", param.name
    if all_else_is_reachable(caller, command, param, world):
        assert of_theirs == missing(command, param), param.name
    assert not [q["sql"] for q in queries if writes(q["sql"])], param.name


def can_be_tried(command: Command) -> bool:
    return not (command.reads_only or command.own_transactions or command.anonymous)


@pytest.mark.parametrize(
    "name",
    sorted({n for n, kind in references_by_role() if kind == "User" and can_be_tried(COMMANDS[n])}),
)
def test_a_trial_tells_no_more_of_strangers(neighbours, name):
    """``dryrun=true`` is no way to ask what others have."""
    command, caller = COMMANDS[name], neighbours.callers["User"]
    for param in command.params:
        if param.model is None or not may("User", name, param.name):
            continue
        theirs = neighbours.stranger.row(param.model)
        if reaches(caller, param, theirs):
            continue
        values = required_values(command, neighbours.worlds["User"], but=param.name)
        of_theirs, of_nothing = (
            outcome(caller, command, {**values, param.name: odd, "dryrun": "true"}, odd)
            for odd in (str(theirs.uuid), str(uuid.uuid4()))
        )
        assert of_theirs == of_nothing, param.name
        assert of_theirs[0] == "NoSuchObject", param.name


def all_else_is_reachable(caller, command, param, world) -> bool:
    """False for commands of roles that may not see what the command needs (addHost)."""
    others = [p for p in command.params if p.required and p.model and p is not param]
    return all(reaches(caller, p, world.row(p.model)) for p in others)


@pytest.mark.parametrize("name", sorted({name for name, _ in references()}))
def test_the_root_administrator_finds_it(neighbours, name):
    command = COMMANDS[name]
    caller, world = neighbours.callers["Admin"], neighbours.worlds["Admin"]
    for param in command.params:
        if param.model is not None:
            theirs = str(neighbours.stranger.row(param.model).uuid)
            # What the call did to the row is not for the next parameter to see.
            with transaction.atomic():
                said = said_of(caller, command, param, world, theirs)
                transaction.set_rollback(True)
            assert said != missing(command, param), param.name


def owned_references() -> dict[str, list[str]]:
    """Command → its parameters that take things which a project may own."""
    found: dict[str, list[str]] = {}
    for name, parameter in references():
        label = COMMANDS[name].by_name[parameter].model._meta.label
        if label in OF_PROJECTS and may("User", name, parameter):
            found.setdefault(name, []).append(parameter)
    return found


#: What projects own, as far as commands take it.
OF_PROJECTS = {
    "compute.AffinityGroup", "compute.InstanceGroup", "compute.SecurityGroup",
    "compute.SshKeyPair", "compute.UserData", "compute.VirtualMachine", "network.Network",
    "storage.Snapshot", "storage.Template", "storage.Volume",
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(committed, neighbours):
    """What a project of the stranger's domain owns, and an account there that is in another
    project, with what that project owns."""
    with committed():
        domain = neighbours.stranger.account.domain
        theirs = World(neighbours.stranger["accounts.Project"].account)
        outsider = factories.make_user(domain=domain)
        own = World(factories.make_project(outsider.account).account)
        for label in OF_PROJECTS:
            theirs[label], own[label]
        return theirs, own, outsider


@pytest.mark.parametrize("name", sorted(owned_references()))
def test_a_member_of_another_project_finds_nothing(shared, name):
    theirs, own, outsider = shared
    command, caller = COMMANDS[name], factories.caller_of(outsider)
    others = World(caller.account)
    for parameter in owned_references()[name]:
        param = command.by_name[parameter]
        label = param.model._meta.label
        assert reaches(caller, param, own[label]) or param.access is not Access.OPERATE
        odd, nothing = str(theirs[label].uuid), str(uuid.uuid4())
        of_theirs = said_of(caller, command, param, others, odd)
        assert of_theirs == said_of(caller, command, param, others, nothing), parameter
        assert of_theirs[0] == "NoSuchObject", parameter


# -- lists -------------------------------------------------------------------------------


def lists(*, scoped: bool = False) -> list[str]:
    return sorted(
        n for n, c in COMMANDS.items() if c.listing and (c.listing.scoped or not scoped)
    )


def told(caller: Caller, name: str, **given: Any) -> str:
    """Everything a list says, as the bytes that would go out."""
    caller = replace(caller)  # what it is in is asked anew
    values = {"listall": "true", **required_values(COMMANDS[name], World(caller.account)), **given}
    return JSON.render(replies.of(dispatch.execute(caller, name, values))).decode()


def names_of(world: World) -> dict[str, str]:
    """What would betray a world's rows: their ids, and the name of their account."""
    private = [w for w in world.rows() if w._meta.label not in OFFERED_TO_ALL]
    return {f'"{w.uuid}"': w._meta.label for w in private} | {f'"{world.account.name}"': "account"}


@pytest.mark.parametrize("name, kind", [(n, k) for n in lists() for k in ROLES if may(k, n)])
def test_a_list_tells_nothing_of_a_stranger(neighbours, name, kind):
    caller = neighbours.callers[kind]
    text = told(caller, name)
    assert not {label for secret, label in names_of(neighbours.stranger).items() if secret in text}


@pytest.mark.parametrize("name", lists())
def test_the_root_administrator_is_told_of_it(neighbours, name):
    """The control: the list does show such rows to those who may see them."""
    row = neighbours.stranger.row(COMMANDS[name].listing.model)
    given, shown = ASKED_BY.get(name, _by_id)(row)
    assert shown in told(neighbours.callers["Admin"], name, **given)


def _by_id(row: models.Model) -> tuple[dict[str, str], str]:
    return {"id": str(row.uuid)}, str(row.uuid)


#: Lists that are asked otherwise than by the id of what they list: parameters, and what shows.
ASKED_BY = {
    "listProjectAccounts": lambda row: ({"projectid": str(row.project.uuid)}, str(row.uuid)),
    "listProjectRoles": lambda row: ({"projectid": str(row.project.uuid)}, str(row.uuid)),
    "listProjectRolePermissions": lambda row: (
        {"projectid": str(row.role.project.uuid)}, str(row.uuid),
    ),
    "listRegions": lambda row: ({"id": str(row.number)}, row.name),
    **{
        f"listDedicated{kind}s": lambda row: ({}, "{}")  # the row is about a host
        for kind in ("Zone", "Pod", "Cluster")
    },
    "listDomainChildren": lambda row: ({"id": str(row.parent.uuid)}, str(row.uuid)),
    "listNics": lambda row: ({"virtualmachineid": str(row.machine.uuid)}, str(row.uuid)),
    "listTags": lambda row: ({"key": row.key}, row.key),
    "listTemplates": lambda row: ({"templatefilter": "all"}, str(row.uuid)),
    "listIsos": lambda row: ({"isofilter": "all"}, "{}"),  # the row is a template, no ISO
}


@pytest.mark.parametrize(
    "name, kind", [(n, k) for n in lists(scoped=True) for k in ROLES if may(k, n)]
)
def test_a_strangers_domain_or_account_narrows_no_list(neighbours, name, kind):
    caller, stranger = neighbours.callers[kind], neighbours.stranger.account
    command = COMMANDS[name]
    theirs, nobodys = str(stranger.domain.uuid), str(uuid.uuid4())
    found = outcome(caller, command, {"domainid": theirs}, theirs)
    assert found == missing(command, command.by_name["domainid"])
    assert found == outcome(caller, command, {"domainid": nobodys}, nobodys)
    found = outcome(caller, command, {"account": stranger.name}, stranger.name)
    assert found[:2] == ("InvalidParameter", 431)
    assert found == outcome(caller, command, {"account": "nobody"}, "nobody")


def writes(sql: str) -> bool:
    return sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))
