"""Who set what: the history of settings."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Column, Filter, Record, Section
from frontend.texts import help_text

_SCOPES = (
    ("Global", _("Global")),
    ("Zone", _("Zone")),
    ("Cluster", _("Cluster")),
    ("StoragePool", _("StoragePool")),
    ("ImageStore", _("ImageStore")),
    ("Domain", _("Domain")),
    ("Account", _("Account")),
)


def _value(name: str):
    """A value as it was set; what was not set is told from an empty text."""

    def of(record: Record) -> str:
        value = record.get(name)
        return str(_("not set")) if value is None else str(value) or "“”"

    return of


HISTORY = Section(
    key="settinghistory",
    title=_("History of settings"),
    one=_("Change of a setting"),
    icon="history",
    list="listConfigurationHistory",
    state_field="",
    has_detail=False,
    about=_("Who changed which setting, when, and from what to what."),
    columns=(
        Column("created", _("When"), "time"),
        Column("name", _("Setting"), "mono"),
        Column("scope", _("Scope"), make=lambda r: help_text(r.get("scope"))),
        Column("resourcename", _("For")),
        Column("oldvalue", _("Before"), "mono", make=_value("oldvalue")),
        Column("newvalue", _("After"), "mono", make=_value("newvalue")),
        Column("username", _("By")),
        Column("account", _("Account"), shown=False),
    ),
    filters=(
        Filter("name", _("Setting")),
        Filter("scope", _("Scope"), choices=_SCOPES),
        Filter("resourceid", _("Resource")),
    ),
)

SECTIONS = (HISTORY,)
