"""The registry of commands: declared once, served by the query API, pages, shell and tests.

A command is a function whose signature *is* the API::

    @command(roles=USER, event="VM.STOP", response=virtualmachine)
    def stopVirtualMachine(
        caller: Caller,
        id: Annotated[VirtualMachine, Operate, "The virtual machine to stop"],
        forced: Annotated[bool, "Cut the power if the guest does not shut down"] = False,
    ) -> Plan:
        \"\"\"Stops a virtual machine.\"\"\"
        return vms.stop(caller, id, forced=forced)

Parameter names are the wire's (a trailing underscore is dropped: ``from_``). A model class
is a reference: the dispatcher finds the row by uuid among those the caller may see, use or
operate (``Read``, ``Use``, ``Operate``), and a foreign one looks like a missing one. A return
type of ``Plan`` makes the command asynchronous.

A list command narrows rows it is given; the dispatcher adds scope, ids, keyword and pages::

    @listing(VirtualMachine, response=virtualmachine, roles=USER, keyword=("name",))
    def listVirtualMachines(
        caller: Caller,
        rows: QuerySet,
        zoneid: Annotated[Zone | None, Filter("zone"), "Only in this zone"] = None,
    ) -> QuerySet:
"""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.lookups import IContains

from core.responses import Response
from core.steps import Plan


class RoleType(enum.StrEnum):
    """CloudStack's role types, highest first. ``rank`` orders them: 0 is the highest."""

    ADMIN = "Admin"
    RESOURCE_ADMIN = "ResourceAdmin"
    DOMAIN_ADMIN = "DomainAdmin"
    USER = "User"

    @property
    def rank(self) -> int:
        return list(RoleType).index(self)

    @property
    def below(self) -> list[RoleType]:
        """The types that this one may act on."""
        return [t for t in RoleType if t.rank > self.rank]


#: Who may call a command unless the role's own rules say otherwise.
ADMIN = frozenset({RoleType.ADMIN})
RESOURCE_ADMIN = frozenset({RoleType.ADMIN, RoleType.RESOURCE_ADMIN})
DOMAIN_ADMIN = frozenset({RoleType.ADMIN, RoleType.RESOURCE_ADMIN, RoleType.DOMAIN_ADMIN})
USER = frozenset(RoleType)
NOBODY_SIGNED_IN: frozenset[RoleType] = frozenset()  # login, logout, …: no caller needed


class Access(enum.Enum):
    """What the caller wants of a referenced row."""

    READ = "visible_to"
    USE = "usable_by"
    OPERATE = "operable_by"


Read, Use, Operate = Access.READ, Access.USE, Access.OPERATE


@dataclass(frozen=True)
class Filter:
    """A list parameter that simply means ``rows.filter(path=value)`` when it is given."""

    path: str


@dataclass(frozen=True)
class Length:
    """Longest text accepted, in characters (255 unless said otherwise)."""

    maximum: int


@dataclass(frozen=True)
class Between:
    minimum: float | None = None
    maximum: float | None = None


class Uuid(str):
    """A uuid of something that need not be the caller's to see: the command looks it up."""


class OrAll:
    """A reference of a list for which -1 stands for all there are: nothing is left out by it."""


class AdminOnly:
    """Ignored, as CloudStack does, when anybody but a root administrator sends it."""


class Secret:
    """Never logged, never stored with a job."""


class Multiline:
    """Text in which tabs are welcome too (user data, certificates)."""


class Map(list[dict[str, str]]):
    """``name[0].key=…&name[0].value=…`` → ``[{"key": …, "value": …}]``."""


class Details(dict[str, str]):
    """A map parameter whose entries are merged: ``details[0].cpuNumber=2`` → one dict."""


@dataclass(frozen=True)
class Shown:
    """A command's answer that carries something to be seen this once (a private key)."""

    row: models.Model
    once: dict[str, Any]


@dataclass(frozen=True)
class Param:
    name: str
    argument: str
    kind: str  # string, integer, long, float, boolean, date, uuid, list, map
    help: str = ""
    required: bool = False
    default: Any = None
    of: str = ""  # the kind of a list's elements
    model: type[models.Model] | None = None
    access: Access = Access.READ
    filter: str = ""
    max_length: int = 255
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    admin_only: bool = False
    or_all: bool = False
    secret: bool = False
    multiline: bool = False
    merged: bool = False  # a map whose entries are merged


Groups = Callable[[dict[str, Any]], frozenset[str] | None]


#: Columns in which a keyword is looked for, by their paths, or what is computed of columns.
Sought = tuple[str | Combinable, ...]


@dataclass(frozen=True)
class Listing:
    model: type[models.Model]
    keyword: Sought = ()
    order: tuple[str, ...] = ("pk",)
    scoped: bool = False  # takes listall, account, domainid, isrecursive, projectid
    groups: Groups | None = None  # arguments → the detail groups to show (None: all)
    tagged: bool = False  # takes tags
    icons: bool = False  # takes showicon

    def having(self, word: str) -> Q:
        """Rows in which ``word`` stands where keywords are looked for."""
        found = Q()
        for place in self.keyword:
            found |= (
                Q(**{f"{place}__icontains": word})
                if isinstance(place, str)
                else Q(IContains(place, word))
            )
        return found


@dataclass(frozen=True)
class Command:
    name: str
    function: Callable[..., Any]
    params: tuple[Param, ...]
    roles: frozenset[RoleType]
    response: Response | None
    event: str = ""
    help: str = ""
    is_async: bool = False
    listing: Listing | None = None
    post_only: bool = False
    anonymous: bool = False
    own_transactions: bool = False  # opens its own: what it counts must outlive its refusal
    listed: bool = True
    paged: bool = False  # makes its records itself; the dispatcher cuts pages out of them
    by_name: dict[str, Param] = field(default_factory=dict, compare=False)

    @property
    def reads_only(self) -> bool:
        reads = ("list", "get", "query", "find", "is", "explain", "readyFor")
        return self.name.startswith(reads) and not self.event

    @property
    def app(self) -> str:
        return self.function.__module__.split(".")[0]


COMMANDS: dict[str, Command] = {}

#: Answered on the wire because clients cannot do without, and counted nowhere: what they are
#: about is not built.
UNLISTED: dict[str, Command] = {}


def named(name: str) -> Command | None:
    return COMMANDS.get(name) or UNLISTED.get(name)


_SCOPE_PARAMS = (
    Param("account", "account", "string", "Only what this account owns; goes with domainid"),
    Param("domainid", "domainid", "uuid", "Only what belongs to this domain"),
    Param("isrecursive", "isrecursive", "boolean", "With domainid: its subdomains as well"),
    Param("listall", "listall", "boolean", "Everything the caller may see, not only its own"),
    Param("projectid", "projectid", "string", "Only what belongs to this project; -1 for all"),
)
_PAGE_PARAMS = (
    Param("keyword", "keyword", "string", "Only what has this in its name"),
    Param("page", "page", "integer", "Which page, from 1; goes with pagesize"),
    Param("pagesize", "pagesize", "integer", "Rows in a page; -1 for no limit"),
)
_TAGS = Param("tags", "tags", "map", "Only with these tags")
_SHOW_ICON = Param("showicon", "showicon", "boolean", "Show their icons")


def command(
    *,
    roles: frozenset[RoleType] = ADMIN,
    response: Response | None = None,
    event: str = "",
    post_only: bool = False,
    anonymous: bool = False,
    own_transactions: bool = False,
    listed: bool = True,
    paged: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as the command of its own name.

    ``event`` is CloudStack's event type, recorded for each call; a command without one that
    changes something fails a test. ``anonymous`` commands take ``None`` as their caller. One
    that is not ``listed`` is nowhere but on the wire (``UNLISTED``). Of one that is ``paged``,
    which answers a few records it makes itself, the dispatcher shows the page asked for.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(function, include_extras=True)
        params = _params(function, hints, skip=1)
        taken = {p.name for p in params}
        if paged:
            params += tuple(p for p in _PAGE_PARAMS if p.name not in taken)
        _add(
            Command(
                name=function.__name__,
                function=function,
                params=params,
                roles=roles,
                response=response,
                event=event,
                help=inspect.getdoc(function) or "",
                is_async=hints.get("return") is Plan,
                post_only=post_only,
                anonymous=anonymous,
                own_transactions=own_transactions,
                listed=listed,
                paged=paged,
            )
        )
        return function

    return register


def listing(
    model: type[models.Model],
    *,
    response: Response,
    roles: frozenset[RoleType] = USER,
    keyword: Sought = ("name",),
    order: tuple[str, ...] = ("pk",),
    scoped: bool | None = None,
    groups: Groups | None = None,
    tagged: bool = False,
    icons: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function that narrows rows as the list command of its own name.

    ``scoped`` defaults to whether the model has an owner (``OWNER``). ``groups`` says from
    the arguments which detail groups of the response are wanted (``details=min``). ``tagged``
    lists can be narrowed by tags, those with ``icons`` show them on request; the dispatcher
    does both.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        hints = typing.get_type_hints(function, include_extras=True)
        is_scoped = bool(getattr(model, "OWNER", "")) if scoped is None else scoped
        own = _params(function, hints, skip=2)
        taken = {p.name for p in own}
        extra = [Param("id", "id", "uuid", "Only this one", model=model, filter="pk")]
        if not any(p.name == "id" and p.kind == "integer" for p in own):  # a number is no uuid
            extra += [
                Param("ids", "ids", "list", "Only these", of="uuid", model=model, filter="pk")
            ]
        extra += (_SCOPE_PARAMS if is_scoped else ()) + _PAGE_PARAMS
        extra += [_TAGS] * tagged + [_SHOW_ICON] * icons
        _add(
            Command(
                name=function.__name__,
                function=function,
                params=own + tuple(p for p in extra if p.name not in taken),
                roles=roles,
                response=response,
                help=inspect.getdoc(function) or "",
                listing=Listing(model, keyword, order, is_scoped, groups, tagged, icons),
            )
        )
        return function

    return register


def renamed(function: Callable[..., Any], name: str, help: str) -> Callable[..., Any]:
    """The same function by another name, for a second command with the same parameters."""
    made = types.FunctionType(
        function.__code__,
        function.__globals__,
        name,
        function.__defaults__,
        function.__closure__,
    )
    made.__kwdefaults__ = function.__kwdefaults__
    made.__annotations__ = function.__annotations__
    made.__doc__, made.__module__, made.__qualname__ = help, function.__module__, name
    return made


def _add(command: Command) -> None:
    if named(command.name):
        raise ValueError(f"command {command.name} is declared twice")
    if not command.help:
        raise ValueError(f"command {command.name} has no docstring")
    by_name = {p.name: p for p in command.params}
    registry = COMMANDS if command.listed else UNLISTED
    registry[command.name] = replace(command, by_name=by_name)


def _params(
    function: Callable[..., Any], hints: dict[str, Any], *, skip: int
) -> tuple[Param, ...]:
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    return tuple(_param(p, hints[p.name]) for p in parameters)


def _param(parameter: inspect.Parameter, hint: Any) -> Param:
    required = parameter.default is inspect.Parameter.empty
    extras: tuple[Any, ...] = ()
    if typing.get_origin(hint) is Annotated:
        hint, *rest = typing.get_args(hint)
        extras = tuple(rest)
    param = Param(
        name=parameter.name.rstrip("_"),
        argument=parameter.name,
        required=required,
        default=None if required else parameter.default,
        **_kind(_without_none(hint)),
    )
    for extra in extras:
        param = _with_extra(param, extra)
    if not param.help:
        raise ValueError(f"parameter {parameter.name} has no help text")
    return param


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(a for a in typing.get_args(hint) if a is not type(None))
    return hint


_PLAIN = {
    str: "string",
    Uuid: "uuid",
    int: "integer",
    float: "float",
    bool: "boolean",
    datetime: "date",
}


def _kind(hint: Any) -> dict[str, Any]:
    if hint in _PLAIN:
        return {"kind": _PLAIN[hint]}
    if hint is Map:
        return {"kind": "map"}
    if hint is Details:
        return {"kind": "map", "merged": True}
    if typing.get_origin(hint) is list:
        inner = _kind(typing.get_args(hint)[0])
        return {"kind": "list", "of": inner["kind"], "model": inner.get("model")}
    if typing.get_origin(hint) is typing.Literal:
        return {"kind": "string", "choices": typing.get_args(hint)}
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return {"kind": "string", "choices": tuple(str(v) for v in hint)}
    if isinstance(hint, type) and issubclass(hint, models.Model):
        return {"kind": "uuid", "model": hint}
    raise TypeError(f"a command parameter cannot be a {hint!r}")


def _with_extra(param: Param, extra: Any) -> Param:
    if isinstance(extra, str):
        return replace(param, help=extra)
    if isinstance(extra, Access):
        return replace(param, access=extra)
    if isinstance(extra, Filter):
        return replace(param, filter=extra.path)
    if isinstance(extra, Length):
        return replace(param, max_length=extra.maximum)
    if isinstance(extra, Between):
        return replace(param, minimum=extra.minimum, maximum=extra.maximum)
    if extra is AdminOnly:
        return replace(param, admin_only=True)
    if extra is OrAll:
        return replace(param, or_all=True)
    if extra is Secret:
        return replace(param, secret=True)
    if extra is Multiline:
        return replace(param, multiline=True)
    raise TypeError(f"unknown mark {extra!r} on a command parameter")
