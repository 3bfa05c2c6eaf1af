"""Tests that the registry writes: what must hold of every command and of every model."""

import re
from collections import Counter

import pytest
from django.apps import apps

from core.commands import COMMANDS, RoleType
from core.responses import Response
from tests.factories import admin_caller, make_caller, make_domain

OURS = (
    "accounts", "jobs", "infra", "network", "storage", "compute", "consoleproxy", "api",
    "frontend", "cloudportal",
)  # fmt: skip

#: Commands that change something and record no event, with the reason.
NO_EVENT = {
    "archiveEvents": "it would leave an event of its own behind each time",
    "deleteEvents": "it would leave an event of its own behind each time",
    "configureSimulator": "of the simulator's own world",
    "cleanupSimulatorMock": "of the simulator's own world",
    "updateResourceCount": "it changes no resource, only what is believed of them",
    "login": "recorded by the edge, which knows whether it went well",
    "searchLdap": "it only looks",
    "samlSso": "recorded where the browser comes back and is signed in",
    "samlSlo": "it ends sessions by the word of whoever began them",
    "listAndSwitchSamlAccount": "recorded by the edge, which knows whether it went well",
    "oauthlogin": "recorded by the edge, which knows whether it went well",
    "verifyOAuthCodeAndGetUser": "half a sign-in; the other half is recorded",
    "forgotPassword": "whether there is such a user must not show",
    "resetPassword": "recorded by the edge, which knows whose password it was",
    "logout": "recorded by the edge, which knows whose session it was",
}

#: Models that no caller asks for by themselves, with the reason.
INTERNAL = {
    "accounts.ProjectMove": "says only that some count is old",
    "api.KeptReply": "answers kept for calls that are sent twice; found by their key only",
    "compute.MachineRules": "whether a host has a machine's rules; nobody reads it",
    "accounts.SamlKey": "the portal's own key; nobody sees it",
    "accounts.SamlMark": "assertions that were taken; nobody reads them",
    "accounts.SamlProvider": "shown to everybody by listIdps",
    "accounts.Voucher": "what a provider said, between the two calls of one sign-in",
    "accounts.Letter": "e-mail that waits to be sent; nobody reads it but its reader",
    "accounts.LoginFailure": "counters of failed sign-ins; nobody reads them",
    "accounts.ResourceLimit": "shown through its account or domain",
    "accounts.ResourceCount": "shown through its account or domain",
}

_LOOKS_SECRET = re.compile(r"password|secret|privatekey|passphrase", re.IGNORECASE)

#: Parameters whose name only looks like a secret's, with the reason.
NOT_SECRET = {
    "passwordenabled": "whether a template knows passwords",
}


def test_what_changes_something_leaves_an_event():
    silent = {n for n, c in COMMANDS.items() if not c.reads_only and not c.event}
    assert silent - set(NO_EVENT) == set()


def test_commands_and_parameters_are_explained():
    without = [n for n, c in COMMANDS.items() if not re.search(r"[.)]$", c.help)]
    assert without == [], "their help is not a sentence"
    short = [(n, p.name) for n, c in COMMANDS.items() for p in c.params if len(p.help) <= 3]
    assert short == []


def test_secrets_are_marked_so_that_nobody_logs_them():
    unmarked = [
        (name, param.name)
        for name, command in COMMANDS.items()
        for param in command.params
        if _LOOKS_SECRET.search(param.name) and param.kind == "string" and not param.secret
    ]
    assert [(n, p) for n, p in unmarked if p not in NOT_SECRET] == []


def test_a_reply_names_each_field_once():
    replies = [c.response for c in COMMANDS.values() if isinstance(c.response, Response)]
    twice = [
        (reply.name, name)
        for reply in replies
        for name, times in Counter(f.name for f in reply.fields).items()
        if times > 1
    ]
    assert twice == []


def test_the_owner_of_the_cloud_may_everything():
    denied = [n for n, c in COMMANDS.items() if RoleType.ADMIN not in c.roles and not c.anonymous]
    assert denied == []


def every_model():
    found = [m for m in apps.get_models() if m._meta.app_label in OURS]
    return [m for m in found if m._meta.label not in INTERNAL and not m._meta.auto_created]


@pytest.mark.django_db
@pytest.mark.parametrize("model", every_model(), ids=lambda m: m._meta.label)
def test_every_model_says_who_may_see_it(model):
    domain = make_domain()
    callers = [admin_caller(), *(make_caller(t, domain=domain) for t in list(RoleType)[1:])]
    for caller in callers:
        for scope in ("visible_to", "usable_by", "operable_by"):
            list(getattr(model._default_manager.all(), scope)(caller)[:1])


def test_the_lists_of_exceptions_are_not_out_of_date():
    assert set(NO_EVENT) <= set(COMMANDS)
    assert set(INTERNAL) <= {m._meta.label for m in apps.get_models()}
    used = {p.name for c in COMMANDS.values() for p in c.params}
    assert set(NOT_SECRET) <= used
