"""What the sections declare exists: commands, parameters, fields, states, icons."""

import pytest

from core.commands import COMMANDS
from frontend import icons
from frontend.labels import LABELS
from frontend.sections import GROUPS, PAGES, SECTIONS
from frontend.sections.base import Related, Tab

every_section = pytest.mark.parametrize("key", sorted(SECTIONS))


def actions():
    for section in SECTIONS.values():
        for action in section.actions:
            yield pytest.param(section, action, True, id=f"{section.key}-{action.name}")
        for action in section.create:
            yield pytest.param(section, action, False, id=f"{section.key}-new-{action.name}")


every_action = pytest.mark.parametrize("section, action, on_thing", list(actions()))


@every_section
def test_a_section_has_its_list_command(key):
    assert SECTIONS[key].spec is not None, SECTIONS[key].list


@every_section
def test_columns_and_facts_are_in_the_reply(key):
    section = SECTIONS[key]
    shown = [*section.columns, *(c for facts in section.facts for c in facts.lines)]
    names = section.fields()
    assert [c.field for c in shown if c.field not in names] == []
    assert [c.id_field for c in shown if c.to and c.id_field not in names] == []
    assert [c.to for c in shown if c.to and c.to not in SECTIONS] == []
    assert section.name_field in names
    assert not section.state_field or section.state_field in names


@every_section
def test_filters_are_parameters_of_the_list(key):
    section = SECTIONS[key]
    assert [f.param for f in section.filters if f.param not in section.spec.by_name] == []
    assert [f.section for f in section.filters if f.section and f.section not in SECTIONS] == []


@every_section
def test_tabs_lead_somewhere(key):
    for tab in SECTIONS[key].tabs:
        if isinstance(tab, Related):
            wanted = {tab.param, *tab.also}
            assert wanted <= set(SECTIONS[tab.section].spec.by_name), tab.section
        else:
            assert isinstance(tab, Tab)
            assert not tab.needs or tab.needs in COMMANDS


@every_action
def test_an_action_is_a_command_with_its_parameters(section, action, on_thing):
    assert action.command in COMMANDS
    assert action.icon in icons.NAMES
    if action.url:
        return
    fields = [f.param for f in action.form.every()] if action.form else []
    fixed = list(action.form.fixed) if action.form else []
    about = [action.param, *action.sends] if on_thing and action.source != "-" else []
    given = {*fields, *fixed, *about}
    known = set(action.spec.by_name)
    assert given <= known, given - known
    needed = {p.name for p in action.spec.params if p.required}
    assert needed <= given, needed - given


@every_action
def test_every_field_of_a_form_has_a_label(section, action, on_thing):
    fields = action.form.every() if action.form else []
    nameless = [f.param for f in fields if not f.label and f.widget != "hidden"]
    assert [name for name in nameless if name not in LABELS] == []


@every_action
def test_states_are_states_of_the_model(section, action, on_thing):
    if action.event:
        assert action.allowed_states, f"no state of {section.key} knows {action.event}"
    table = getattr(section.model, "TRANSITIONS", None)
    if table and action.states:
        known = {str(s) for s, _event in table} | {str(s) for s in table.values()}
        assert set(action.states) <= known


def test_every_section_and_page_can_be_reached_from_the_side_bar():
    linked = {key for _title, _icon, keys in GROUPS for key in keys}
    assert linked <= set(SECTIONS) | set(PAGES)
    # These are shown inside another thing's details only; the person's page is in its menu.
    inside = {
        "traffictypes",
        "providers",
        "routerelements",
        "balancerelements",
        "profile",
        "projectmembers",
        "projectinvitations",
        "projectroles",
        "subdomains",
        "settinghistory",
    }
    assert set(SECTIONS) | set(PAGES) == linked | inside


def test_icons_are_in_the_library():
    sprite = icons.sprite()
    assert all(f'id="{name}"' in sprite for name in icons.NAMES | icons.FILLED)
    for section in SECTIONS.values():
        assert section.icon in icons.NAMES
