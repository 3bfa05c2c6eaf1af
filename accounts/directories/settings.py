"""What the entries of a directory look like, under CloudStack's names. Domains may differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

from accounts.models import Domain
from core.config import Scope, Setting
from core.errors import InvalidParameter

_SCOPES = (Scope.GLOBAL, Scope.DOMAIN)


def _text(name: str, default: str, help_text: str, *, secret: bool = False) -> Setting[str]:
    return Setting(
        f"ldap.{name}", default, help_text, scopes=_SCOPES, category="Authentication",
        secret=secret, house=True,
    )  # fmt: skip


BASE = _text("basedn", "", "Where in the directory the search for users and groups begins.")
PRINCIPAL = _text(
    "bind.principal", "", "Whose entry the portal searches as; empty: anonymously."
)
PASSWORD = _text("bind.password", "", "The password of that entry.", secret=True)
USERNAME = _text("username.attribute", "uid", "The attribute with the name to sign in with.")
EMAIL = _text("email.attribute", "mail", "The attribute with the e-mail address.")
FIRSTNAME = _text("firstname.attribute", "givenname", "The attribute with the first name.")
LASTNAME = _text("lastname.attribute", "sn", "The attribute with the last name.")
USER_CLASS = _text("user.object", "inetOrgPerson", "The object class of users.")
GROUP_CLASS = _text("group.object", "groupOfUniqueNames", "The object class of groups.")
MEMBER = _text(
    "group.user.uniquemember", "uniquemember", "The attribute of a group that names its members."
)
ONLY_GROUP = _text(
    "search.group.principle", "", "Only members of this group are users; empty: everybody."
)
NESTED = Setting(
    "ldap.nested.groups.enable", True, "Whether members of a group in a group are its members.",
    scopes=_SCOPES, category="Authentication",
)  # fmt: skip
TIMEOUT_MS = Setting(
    "ldap.read.timeout", 1000, "Milliseconds to wait for an answer of the directory.",
    scopes=_SCOPES, category="Authentication", minimum=100, maximum=30000,
)  # fmt: skip
PAGE = Setting(
    "ldap.request.page.size", 1000, "Entries asked for at a time.",
    scopes=_SCOPES, category="Authentication", minimum=1, maximum=10000,
)  # fmt: skip

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9.;-]*")


@dataclass(frozen=True)
class Shape:
    """A domain's directory: where it begins and what its entries look like."""

    base: str
    username: str
    email: str
    firstname: str
    lastname: str
    user_class: str
    group_class: str
    member: str
    only_group: str
    nested: bool
    page: int

    @classmethod
    def of(cls, domain: Domain | None) -> Shape:
        """Raises InvalidParameter for what cannot be the name of an attribute or a class."""
        base = BASE.get(domain)
        if not base:
            raise InvalidParameter("Set ldap.basedn first: where the search for users begins.")
        return cls(
            base=base,
            username=_word(USERNAME, domain),
            email=_word(EMAIL, domain),
            firstname=_word(FIRSTNAME, domain),
            lastname=_word(LASTNAME, domain),
            user_class=_word(USER_CLASS, domain),
            group_class=_word(GROUP_CLASS, domain),
            member=_word(MEMBER, domain),
            only_group=ONLY_GROUP.get(domain),
            nested=NESTED.get(domain),
            page=PAGE.get(domain),
        )


def _word(setting: Setting[str], domain: Domain | None) -> str:
    text = setting.get(domain)
    if not _WORD.fullmatch(text):
        raise InvalidParameter(f"{setting.name} is “{text}”, which is no name of LDAP's.")
    return text
