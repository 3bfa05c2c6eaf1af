"""How a section of the pages is declared: what its list shows, its details hold, and what can
be done. Drawn by a handful of generic templates, so that forty resources look and act alike.

Names are the wire's: ``field`` is a name in the command's reply, ``param`` one of its
parameters. What a command does not (yet) offer is left out of the page, never drawn broken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import Model

from core.commands import COMMANDS, Command

Record = Mapping[str, Any]
#: A text, or gettext's lazy one.
Text = Any


@dataclass(frozen=True)
class Column:
    """One fact about a thing, as a column of its list or a line of its details.

    ``kind`` says how it is drawn (see ``frontend.cells``). ``to`` names the section that the
    value belongs to and ``by`` the field with its id (default: ``field`` with its ending
    ``name`` turned into ``id``). ``shown`` False: only when chosen in the column chooser.
    """

    field: str
    label: Text
    kind: str = "text"
    to: str = ""
    by: str = ""
    shown: bool = True
    make: Callable[[Record], Any] | None = None

    @property
    def id_field(self) -> str:
        if self.by:
            return self.by
        return (self.field[:-4] if self.field.endswith("name") else self.field) + "id"

    def value(self, record: Record) -> Any:
        return self.make(record) if self.make else record.get(self.field)


@dataclass(frozen=True)
class Filter:
    """A token one can narrow a list by: a parameter of the list command.

    ``choices`` are its possible values; ``section`` names the section whose things they are.
    """

    param: str
    label: Text
    choices: tuple[tuple[str, Text], ...] = ()
    section: str = ""


@dataclass(frozen=True)
class F:
    """A field of a form, where the parameter's own declaration does not say it all."""

    param: str
    label: Text = ""
    help: Text = ""
    widget: str = ""  # textarea, password, radio, hidden, pairs, select, checkbox, file
    initial: Any = None  # a value, or a function that gives it to the reader
    source: str = ""  # the field of the record that holds today's value
    section: str = ""  # where the picker finds its choices
    among: Mapping[str, str] = field(default_factory=dict)  # parameters of the picker's list
    among_of_users: Mapping[str, str] = field(default_factory=dict)  # and of it for all but root
    choices: tuple[tuple[str, Text], ...] = ()
    required: bool = False
    placeholder: str = ""
    keep: Callable[[Any, Record], bool] | None = None  # of reader and choice: is it offered?
    admin: bool = False  # shown to administrators only
    needs: str = ""  # a command: shown to those who may use it


@dataclass(frozen=True)
class Form:
    """Fields in order; ``more`` are folded away; ``fixed`` are sent along unseen."""

    fields: tuple[F | str, ...] = ()
    more: tuple[F | str, ...] = ()
    fixed: Mapping[str, str] = field(default_factory=dict)
    prefill: bool = False  # start from today's values of the record

    def every(self) -> list[F]:
        return [f if isinstance(f, F) else F(f) for f in (*self.fields, *self.more)]


@dataclass(frozen=True)
class Action:
    """A button: a command done to one thing (or to several, when ``bulk``).

    It is shown to those whose role may use the command, and greyed out with its reason when
    the thing's state has no such move: ``event`` names the row of the model's TRANSITIONS,
    ``states`` lists the states instead, ``unless`` answers with a reason or "".
    """

    command: str
    label: Text
    icon: str = "player-play"
    param: str = "id"
    source: str = "id"  # the field of the record that goes to ``param``; "-": the form has it
    sends: Mapping[str, str] = field(default_factory=dict)  # further: parameter → field
    event: str = ""
    states: tuple[str, ...] = ()
    unless: Callable[[Record], Text] | None = None
    danger: bool = False
    primary: bool = False
    bulk: bool = False
    form: Form | None = None
    ask: Text = ""  # what will happen, in a sentence, before it does
    url: str = ""  # a page of its own instead of the drawer; {field}s are filled in
    key: str = ""  # tells two actions with one command apart
    admin: bool = False
    hidden: bool = False  # reached from within a tab, not from the menus
    operates: bool = False  # for those who may act on the thing, though ``param`` is not its id

    @property
    def spec(self) -> Command | None:
        return COMMANDS.get(self.command)

    @property
    def name(self) -> str:
        return f"{self.command}.{self.key}" if self.key else self.command

    @property
    def asks(self) -> bool:
        """Whether a drawer opens first."""
        return bool(self.danger or self.ask or (self.form and self.form.fields))

    @cached_property
    def allowed_states(self) -> tuple[str, ...]:
        """The states it can be done in; empty: any."""
        spec = self.spec
        param = spec.by_name.get(self.param) if spec else None
        if self.event and param and param.model is not None:
            table = getattr(param.model, "TRANSITIONS", {})
            return tuple(str(state) for state, event in table if str(event) == self.event)
        return self.states


@dataclass(frozen=True)
class Related:
    """A tab that shows another section's list, narrowed to this thing.

    ``param`` of that list gets this record's ``field``.
    """

    section: str
    param: str
    field: str = "id"
    label: Text = ""
    key: str = ""
    preset: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # for its create form: param → field
    also: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # further list parameters: param → field
    admin: bool = False
    operates: bool = False  # only who may act on the thing is offered to make more in it
    closed: bool = False  # nothing is made from here: it would not belong to the thing
    when: Callable[[Record], bool] | None = None


@dataclass(frozen=True)
class Tab:
    """A tab with a template of its own; ``load(request, record)`` gives what it draws."""

    key: str
    label: Text
    template: str
    load: Callable[[Any, Record], Mapping[str, Any]] | None = None
    needs: str = ""  # a command the caller must be able to use
    when: Callable[[Record], bool] | None = None
    operates: bool = False  # for those who may act on the thing, not all who see it


@dataclass(frozen=True)
class Facts:
    title: Text
    lines: tuple[Column, ...]


@dataclass(frozen=True)
class Section:
    """A kind of thing. ``key`` is its place in the address, ``list`` the command behind it."""

    key: str
    title: Text
    one: Text
    icon: str
    list: str
    columns: tuple[Column, ...]
    about: Text = ""  # what this is for, on an empty page
    about_of_root: Text = ""  # and what a root administrator does first
    base: Mapping[str, str] = field(default_factory=dict)
    base_of_users: Mapping[str, str] = field(default_factory=dict)  # wins, for all but root
    filters: tuple[Filter, ...] = ()
    facts: tuple[Facts, ...] = ()
    actions: tuple[Action, ...] = ()
    create: tuple[Action, ...] = ()
    tabs: tuple[Related | Tab, ...] = ()
    name_field: str = "name"
    title_of: Callable[[Record], str] | None = None  # where one field does not name the thing
    state_field: str = "state"
    id_param: str = "id"
    sort: str = ""
    groups: frozenset[str] = frozenset()  # of the reply, beside those of the columns shown
    admin: bool = False
    rulers: bool = False  # for those who rule more than one account
    has_detail: bool = True
    resource_type: str = ""  # CloudStack's name of the kind, for events and tags
    card: str = ""  # a template drawn at the top of the details
    banner: str = ""  # and one at the top of the list
    above: str = ""  # and one right above it, drawn anew with it
    picks: Mapping[str, str] = field(default_factory=dict)  # further parameters when picking
    detail: Mapping[str, str] = field(default_factory=dict)  # further parameters of the details

    @property
    def spec(self) -> Command | None:
        return COMMANDS.get(self.list)

    @property
    def model(self) -> type[Model] | None:
        spec = self.spec
        return spec.listing.model if spec and spec.listing else None

    @property
    def kind(self) -> str:
        """The name under which core.live tells of its changes."""
        return (self.model._meta.model_name or "") if self.model else ""

    @property
    def is_scoped(self) -> bool:
        spec = self.spec
        return bool(spec and "listall" in spec.by_name)

    def name_of(self, record: Record) -> str:
        if self.title_of is not None:
            return self.title_of(record)
        return str(record.get(self.name_field) or record.get("name") or record.get("id") or "")

    def fields(self, *, of_root: bool = True) -> frozenset[str]:
        """Names in the reply, as declared; empty when the command fills it itself. Without
        ``of_root`` those that only root administrators are told are left out."""
        spec = self.spec
        if spec is None or spec.response is None:
            return frozenset()
        return frozenset(f.name for f in spec.response.fields if of_root or not f.admin_only)

    def known(self, columns: tuple[Column, ...], *, of_root: bool = True) -> list[Column]:
        """Those columns whose facts the reply holds, for root administrators or for others."""
        names, every = self.fields(of_root=of_root), self.fields()
        return [
            c for c in columns
            if not every or c.field in names or (c.make and c.field not in every)
        ]  # fmt: skip

    def groups_for(self, columns: Iterable[Column]) -> frozenset[str]:
        """The detail groups of the reply that these columns need; no others are asked for."""
        spec = self.spec
        if spec is None or spec.response is None:
            return self.groups
        names = {c.field for c in columns} | {c.id_field for c in columns if c.to}
        found = {f.group for f in spec.response.fields if f.group and f.name in names}
        return self.groups | found

    def sortable_fields(self) -> set[str]:
        spec = self.spec
        if spec is None or spec.response is None or spec.listing is None:
            return set()
        return {f.name for f in spec.response.fields if f.source}

    def action(self, name: str) -> Action | None:
        """By name: the command, or ``command.key`` where one command makes two buttons."""
        return next((a for a in self.actions if a.name == name), None)
