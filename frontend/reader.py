"""The person at the page: who, what they may do, and the scope they have chosen to act in."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.caller import Caller
from accounts.models import Project, ProjectInvitation
from accounts.services import invitations, membership, roles
from api.dispatch import Outcome, execute
from compute.services import machines
from core.commands import COMMANDS
from core.errors import CloudError
from frontend.models import Preference
from frontend.sections import SECTIONS
from frontend.sections.base import Column, Record, Section

SCOPE_COOKIE = "scope"
#: Commands that a setting keeps from some, whatever their role says.
_BY_SETTING = {
    "expungeVirtualMachine": machines.may_expunge,
    "recoverVirtualMachine": machines.may_expunge,
}
#: What nobody may do to the user, or the account, that does it.
_NOT_TO_ONESELF = frozenset({
    "deleteUser", "disableUser", "lockUser", "moveUser",
    "deleteAccount", "disableAccount", "lockAccount",
})  # fmt: skip
_UUID = 36  # characters


class Reader:
    """One request's reader. Everything asked of the cloud goes through ``run``."""

    def __init__(self, request: HttpRequest, caller: Caller) -> None:
        self.request = request
        self.caller = caller
        self._may: dict[str, bool] = {}
        self._project: Project | None = None
        self._projects: dict[str, Project | None] = {}

    @property
    def is_admin(self) -> bool:
        return self.caller.is_root_admin

    @property
    def rules(self) -> bool:
        """Rules more than one account."""
        return self.caller.is_domain_admin

    def may(self, command: str) -> bool:
        if command not in self._may:
            spec = COMMANDS.get(command)
            allowed = _BY_SETTING.get(command, lambda caller: True)
            self._may[command] = (
                spec is not None and roles.may_use(self.caller, spec) and allowed(self.caller)
            )
        return self._may[command]

    def sees(self, section: Section) -> bool:
        if (section.admin and not self.is_admin) or (section.rulers and not self.rules):
            return False
        return self.may(section.list)

    def sees_key(self, key: str) -> bool:
        return self.sees(SECTIONS[key])

    def reaches(self, column: Column, record: Record) -> bool:
        """Whether there is a page for this reader behind what the column names. Of domains, only
        those at or below its own: the cloud's templates are of one above."""
        if not self.sees_key(column.to):
            return False
        if column.to != "domains" or self.is_admin:
            return True
        path = record.get("domainpath") or ""
        if column.id_field == "parentdomainid":
            path = str(record.get("path", "")).rpartition("/")[0]
        mine = self.caller.domain.name_path
        return not path or path == mine or str(path).startswith(f"{mine}/")

    def operable(self, section: Section, uuids: list[str]) -> set[str]:
        """Which of these things one may act on; a public template is seen, not changed."""
        model = section.model
        if model is None:
            return set(uuids)
        proper = [u for u in uuids if len(u) == _UUID]
        rows = model._default_manager.all().operable_by(self.caller).filter(uuid__in=proper)
        found = {str(u) for u in rows.values_list("uuid", flat=True)}
        # A region is known by its number; who may act on it is for the command to say.
        return found | (set(uuids) - set(proper))

    def operates(self, section: Section, record: Record) -> bool:
        return self.is_admin or bool(self.operable(section, [str(record.get("id", ""))]))

    def run(self, command: str, params: Mapping[str, Any] | None = None, **more: Any) -> Outcome:
        return execute(self.caller, command, params or {}, **more)

    # -- scope -------------------------------------------------------------------------

    @functools.cached_property
    def scope(self) -> dict[str, str]:
        """``{}``: all one may see; else ``domainid`` and perhaps ``account``, or ``projectid``."""
        kind, _, rest = unquote(self.request.COOKIES.get(SCOPE_COOKIE, "")).partition(":")
        if kind == "project":
            self._project = self._visible_project(rest)
            return {"projectid": str(self._project.uuid)} if self._project else {}
        if not self.rules:
            return {}
        domain, _, account = rest.partition(":")
        if kind == "domain" and domain:
            return {"domainid": domain}
        if kind == "account" and domain and account:
            return {"domainid": domain, "account": account}
        return {}

    def scope_params(self) -> dict[str, str]:
        """The chosen scope in the words of a list command."""
        if "account" in self.scope or "projectid" in self.scope:
            return dict(self.scope)
        if self.scope:
            return {**self.scope, "isrecursive": "true"}
        return {"listall": "true"}

    @functools.cached_property
    def scope_name(self) -> str:
        """“ROOT / 研发 / dev”: where one acts."""
        if not self.scope:
            return ""
        if self.project is not None:
            return f"{self.project.domain.name_path.replace('/', ' / ')} / {self.project.name}"
        try:
            domain = self.run("listDomains", {"id": self.scope["domainid"], "listall": "true"})
        except CloudError:
            return ""
        found = domain.records or []
        path = str(found[0].get("path", "")) if found else ""
        parts = [p for p in path.split("/") if p]
        return " / ".join([*parts, *filter(None, [self.scope.get("account")])])

    @property
    def project(self) -> Project | None:
        """The project one acts in."""
        return self._project if "projectid" in self.scope else None

    def act_in(self, record: Record | None) -> None:
        """For this request, in the project that the thing belongs to: what it is joined with
        is the project's too."""
        uuid = str((record or {}).get("projectid") or "")
        if not uuid or uuid == self.scope.get("projectid"):
            return
        found = self._visible_project(uuid)
        if found is not None:
            self._project = found
            self.__dict__["scope"] = {"projectid": uuid}
            self.__dict__.pop("scope_name", None)

    def act_for(self, given: Mapping[str, str]) -> None:
        """For this request, in the project or for the account that a form was opened for."""
        self.act_in(given)
        account, domain = given.get("account", ""), given.get("domainid", "")
        if self.rules and account and domain and "projectid" not in self.scope:
            self.__dict__["scope"] = {"domainid": domain, "account": account}
            self.__dict__.pop("scope_name", None)

    def barred(self, command: str, record: Record) -> str:
        """Why this reader may not do it to this thing, which others may; or ""."""
        if command in _NOT_TO_ONESELF and str(record.get("id")) in self._oneself:
            return _("You cannot do this to yourself.")
        return self._barred_in_project(command, record)

    @functools.cached_property
    def _oneself(self) -> set[str]:
        me = (self.caller.user, self.caller.account)
        return {str(row.uuid) for row in me if row is not None}

    def _barred_in_project(self, command: str, record: Record) -> str:
        if not self.caller.memberships or not record.get("projectid"):
            return ""
        project = self._visible_project(str(record["projectid"]))
        mine = self.caller.memberships.get(project.account_id) if project else None
        if mine is None or membership.permits(self.caller, mine, command):
            return ""
        return _("Your role in project %(name)s does not allow this.") % {"name": project}

    def _visible_project(self, uuid: str) -> Project | None:
        if uuid not in self._projects:
            self._projects[uuid] = self._find_project(uuid)
        return self._projects[uuid]

    def _find_project(self, uuid: str) -> Project | None:
        try:
            wanted = UUID(uuid)
        except ValueError:
            return None
        rows = Project.objects.select_related("domain", "account").visible_to(self.caller)
        return rows.filter(uuid=wanted).first()

    @property
    def has_projects(self) -> bool:
        return bool(self.caller.memberships)

    @functools.cached_property
    def invitations(self) -> list[Record]:
        """To projects, waiting for an answer of this account or user."""
        if not self.may("updateProjectInvitation"):
            return []
        mine = ProjectInvitation.objects.filter(
            ProjectInvitation.to(self.caller), invitations.still_open()
        )
        rows = mine.select_related("project__domain").order_by("pk")[:5]
        return [
            {"project": row.project.name, "projectid": str(row.project.uuid),
             "domain": row.project.domain.name_path}
            for row in rows
        ]  # fmt: skip

    # -- reading -----------------------------------------------------------------------

    def list(
        self,
        section: Section,
        params: Mapping[str, Any] | None = None,
        *,
        scoped: bool = True,
        **more: Any,
    ) -> Outcome:
        """The section's list command, in the chosen scope unless ``scoped`` is false."""
        given: dict[str, Any] = dict(section.base)
        if not self.is_admin:
            given |= section.base_of_users
        if section.is_scoped:
            given |= self.scope_params() if scoped else {"listall": "true"}
        elif scoped and self.project is not None:
            given |= self.scope
        wanted = {k: v for k, v in (params or {}).items() if v not in (None, "")}
        if {"domainid", "account"} & set(wanted):
            given.pop("isrecursive", None)
            given.pop("projectid", None)
        spec = section.spec
        known = spec.by_name if spec else {}
        given |= wanted
        given = {k: v for k, v in given.items() if k.partition("[")[0] in known}
        return self.run(section.list, given, **more)

    def one(self, section: Section, uuid: str) -> Record | None:
        """The thing itself, wherever it is in what the reader may see; None: there is none."""
        try:
            outcome = self.list(section, {section.id_param: uuid, **section.detail}, scoped=False)
        except CloudError:
            return None
        found = [r for r in outcome.records or [] if str(r.get("id")) == str(uuid)]
        return found[0] if found else None

    def total(self, section: Section, params: Mapping[str, Any] | None = None) -> int | None:
        """How many there are; None when the reader may not know."""
        if not self.sees(section):
            return None
        try:
            # A page past the end: the count is all that is read.
            beyond = {**(params or {}), "page": "1000000000", "pagesize": "1"}
            return self.list(section, beyond).count
        except CloudError:
            return None

    # -- what is remembered ------------------------------------------------------------

    @functools.cached_property
    def preferences(self) -> dict[str, Any]:
        return dict(Preference.objects.all().visible_to(self.caller).values_list("key", "value"))

    def prefers(self, key: str, default: Any = None) -> Any:
        return self.preferences.get(key, default)

    def remember(self, key: str, value: Any) -> None:
        if self.caller.user is not None:
            Preference.keep(self.caller.user, key, value)
            self.preferences[key] = value
