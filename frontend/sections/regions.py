"""Regions: this cloud and those beside it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from frontend.sections.base import Action, Column, F, Form, Record, Section, Text


def _not_ours(record: Record) -> Text:
    return _("It is this cloud.") if str(record.get("id")) == "1" else ""


REGIONS = Section(
    key="regions",
    title=_("Regions"),
    one=_("Region"),
    icon="map-pin",
    list="listRegions",
    state_field="",
    has_detail=False,
    admin=True,
    about=_("Clouds beside this one, for clients that know several."),
    columns=(
        Column("id", _("Number"), "number"),
        Column("name", _("Name")),
        Column("endpoint", _("Address"), "mono"),
        Column("portableipserviceenabled", _("Portable addresses"), "flag"),
    ),
    actions=(
        Action("updateRegion", _("Edit"), "edit", form=Form(("name", "endpoint"), prefill=True)),
        Action(
            "removeRegion",
            _("Remove"),
            "trash",
            danger=True,
            unless=_not_ours,
            ask=_("Clients are told of it no more. The cloud itself goes on."),
        ),
    ),
    create=(
        Action(
            "addRegion",
            _("New region"),
            "plus",
            form=Form((F("id", label=_("Number")), "name", "endpoint")),
        ),
    ),
)

SECTIONS = (REGIONS,)
