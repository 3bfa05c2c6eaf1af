"""Guest operating systems: what images say they hold, and what people choose from."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, F, Facts, Filter, Form, Related, Section
from frontend.sections.columns import ID, NAME

_DISPLAY_NAME = F("osdisplayname", label=_("Name"), source="description")
_CATEGORY = F("oscategoryid", label=_("Category"))

TYPES = Section(
    key="ostypes",
    title=_("OS types"),
    one=_("OS type"),
    icon="device-desktop",
    list="listOsTypes",
    name_field="description",
    state_field="",
    admin=True,
    about=_("The operating systems that templates and ISOs can say they hold."),
    columns=(
        Column("description", _("Name"), "name"),
        Column("oscategoryname", _("Category"), to="oscategories", by="oscategoryid"),
        Column("isuserdefined", _("Added here"), "flag"),
    ),
    filters=(Filter("oscategoryid", _("Category"), section="oscategories"),),
    facts=(
        Facts(
            _("OS type"),
            (
                ID,
                Column("description", _("Name")),
                Column("oscategoryname", _("Category"), to="oscategories", by="oscategoryid"),
                Column("isuserdefined", _("Added here"), "flag"),
            ),
        ),
    ),
    actions=(
        Action(
            "updateGuestOs",
            _("Edit"),
            "edit",
            primary=True,
            form=Form((_DISPLAY_NAME, _CATEGORY), prefill=True),
        ),
        Action(
            "removeGuestOs",
            _("Remove"),
            "trash",
            danger=True,
            ask=_("It can no longer be chosen. One that templates or ISOs name cannot be removed."),
        ),
    ),
    create=(
        Action(
            "addGuestOs",
            _("Add an OS type"),
            "plus",
            form=Form((_DISPLAY_NAME, _CATEGORY)),
        ),
    ),
)

CATEGORIES = Section(
    key="oscategories",
    title=_("OS categories"),
    one=_("OS category"),
    icon="folder",
    list="listOsCategories",
    state_field="",
    admin=True,
    about=_("Families of operating systems, by which their types are sorted."),
    columns=(NAME, Column("isfeatured", _("Featured"), "flag")),
    facts=(Facts(_("OS category"), (ID, Column("isfeatured", _("Featured"), "flag"))),),
    tabs=(Related("ostypes", "oscategoryid", preset={"oscategoryid": "id"}),),
)

SECTIONS = (TYPES, CATEGORIES)
