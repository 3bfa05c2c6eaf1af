"""Users and groups of a directory. Whatever somebody typed is escaped before it is a filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import ldap
from ldap.dn import str2dn
from ldap.filter import escape_filter_chars, filter_format

from accounts.directories.connection import Directory, Entry
from accounts.directories.settings import Shape
from core.errors import InvalidParameter

#: Groups in groups in groups: further than this nobody nests them on purpose.
_DEPTH = 10


@dataclass(frozen=True)
class Person:
    """An entry of a user. ``principal`` is its distinguished name."""

    principal: str
    username: str
    firstname: str
    lastname: str
    email: str


def people(
    directory: Directory, shape: Shape, *, keyword: str = "", base: str = ""
) -> Iterator[Person]:
    """Those whose name or address has ``keyword`` in it; ``base`` narrows it to a branch."""
    wanted = ""
    if keyword:
        fields = (shape.username, shape.email, shape.firstname, shape.lastname)
        like = escape_filter_chars(keyword)
        wanted = "(|" + "".join(f"({name}=*{like}*)" for name in fields) + ")"
    yield from _matching(directory, shape, wanted, base or shape.base)


def person(directory: Directory, shape: Shape, username: str) -> Person | None:
    """The one of this name, if there is exactly one."""
    wanted = filter_format(f"({shape.username}=%s)", [username])
    found = list(_matching(directory, shape, wanted, shape.base))
    return found[0] if len(found) == 1 else None


def members(directory: Directory, shape: Shape, group: str) -> Iterator[Person]:
    """The members of a group, of groups in it too where those count."""
    wanted = normal(group_name(directory, shape, group))
    for one in people(directory, shape):
        if wanted in groups_of(directory, shape, one.principal):
            yield one


def _matching(directory: Directory, shape: Shape, wanted: str, base: str) -> Iterator[Person]:
    text = f"(&(objectClass={shape.user_class}){wanted})"
    names = [shape.username, shape.firstname, shape.lastname, shape.email]
    only = normal(group_name(directory, shape, shape.only_group)) if shape.only_group else ""
    for entry in directory.search(base, text, names):
        found = _person(entry, shape)
        if found is None:
            continue
        if only and only not in groups_of(directory, shape, found.principal):
            continue
        yield found


def _person(entry: Entry, shape: Shape) -> Person | None:
    """None for an entry without a name to sign in with."""
    principal, values = entry

    def first(name: str) -> str:
        found = values.get(name.lower()) or [b""]
        return found[0].decode(errors="replace").strip()[:255]

    username = first(shape.username)
    if not username:
        return None
    return Person(
        principal, username, first(shape.firstname), first(shape.lastname), first(shape.email)
    )


def group_name(directory: Directory, shape: Shape, text: str) -> str:
    """The distinguished name of a group: as it was given, or found by its common name."""
    if "=" in text:
        normal(text)
        return text
    wanted = filter_format(f"(&(objectClass={shape.group_class})(cn=%s))", [text])
    found = [name for name, _values in directory.search(shape.base, wanted, ["cn"])]
    if len(found) != 1:
        raise InvalidParameter(f"The directory has {len(found)} groups called {text}, not one.")
    return found[0]


def groups_of(directory: Directory, shape: Shape, principal: str) -> set[str]:
    """Normal names of the groups an entry is in, by whichever way."""
    found: set[str] = set()
    asked = [principal]
    for _level in range(_DEPTH if shape.nested else 1):
        following = []
        for name in asked:
            wanted = filter_format(
                f"(&(objectClass={shape.group_class})({shape.member}=%s))", [name]
            )
            for group, _values in directory.search(shape.base, wanted, ["cn"]):
                if normal(group) not in found:
                    found.add(normal(group))
                    following.append(group)
        if not following:
            break
        asked = following
    return found


def is_below(principal: str, unit: str) -> bool:
    """Whether an entry lies in an organisational unit, or in one in it."""
    return normal(principal).endswith(f",{normal(unit)}")


def normal(name: str) -> str:
    """A distinguished name as all its spellings have it. Raises InvalidParameter."""
    try:
        parts = str2dn(name)
    except ldap.DECODING_ERROR:
        raise InvalidParameter(f"“{name}” is no distinguished name of LDAP's.") from None
    return ",".join(
        "+".join(sorted(f"{attribute.lower()}={escape(value)}" for attribute, value, _f in part))
        for part in parts
    )


def escape(value: str) -> str:
    """Values compare without regard to case and repeated blanks, as nearly all of them do."""
    return " ".join(value.split()).casefold().replace("\\", "\\5c").replace(",", "\\2c")
