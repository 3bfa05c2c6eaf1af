"""What this portal can do: for clients that build themselves around the answer."""

from __future__ import annotations

from typing import Annotated, Any

from accounts.caller import Caller
from accounts.services import roles
from api import describe, settings, wire
from core.commands import COMMANDS, USER, command
from core.config import SETTINGS
from core.responses import Field, Response, flag, number, text

# A shape within a shape is given as plain lists here: its fields describe other shapes.
api = Response(
    "api",
    fields=(
        text("name"), text("description"), flag("isasync"), text("since"), text("related"),
        Field("params", "set"), Field("response", "set"),
    ),
)  # fmt: skip

capability = Response(
    "capability",
    fields=(
        text("cloudstackversion"), flag("securitygroupsenabled"), flag("dynamicrolesenabled"),
        flag("userpublictemplateenabled"), text("supportELB"), flag("projectinviterequired"),
        flag("allowusercreateprojects"), number("customdiskofferingminsize"),
        number("customdiskofferingmaxsize"), flag("regionsecondaryenabled"),
        number("apilimitinterval"), number("apilimitmax"), flag("kvmsnapshotenabled"),
        flag("allowuserviewdestroyedvm"), flag("allowuserexpungerecovervm"),
        flag("allowuserexpungerecovervolume"), flag("allowuserviewalldomainaccounts"),
        flag("allowuserforcestopvm"), flag("kubernetesserviceenabled"),
        flag("kubernetesclusterexperimentalfeaturesenabled"), number("defaultuipagesize"),
        flag("instancesstatsuseronly"), flag("dynamicscalingenabled"),
        flag("additionalconfigenabled"), flag("instanceleaseenabled"),
    ),
)  # fmt: skip

#: Capability → (global setting, answer while no part of the portal declares that setting).
_FROM_SETTINGS: dict[str, tuple[str, Any]] = {
    "userpublictemplateenabled": ("allow.public.user.templates", True),
    "projectinviterequired": ("project.invite.required", False),
    "allowusercreateprojects": ("allow.user.create.projects", False),
    "customdiskofferingminsize": ("custom.diskoffering.size.min", 1),
    "customdiskofferingmaxsize": ("custom.diskoffering.size.max", 1024),
    "kvmsnapshotenabled": ("kvm.snapshot.enabled", False),
    "allowuserviewdestroyedvm": ("allow.user.view.destroyed.vm", False),
    "allowuserexpungerecovervm": ("allow.user.expunge.recover.vm", False),
    "allowuserexpungerecovervolume": ("allow.user.expunge.recover.volume", True),
    "allowuserviewalldomainaccounts": ("allow.user.view.all.domain.accounts", False),
    "allowuserforcestopvm": ("user.vm.force.stop", True),
    "kubernetesserviceenabled": ("cloud.kubernetes.service.enabled", False),
    "defaultuipagesize": ("default.ui.page.size", 20),
    "dynamicscalingenabled": ("enable.dynamic.scale.vm", False),
    "additionalconfigenabled": ("enable.additional.vm.configuration", False),
    "instanceleaseenabled": ("instance.lease.enabled", False),
}


@command(roles=USER, response=api)
def listApis(
    caller: Caller, name: Annotated[str | None, "Only the command of this name"] = None
) -> list[dict[str, Any]]:
    """Lists the commands that the caller may use, with their parameters and replies."""
    wanted = COMMANDS.values() if not name else [COMMANDS[name]] if name in COMMANDS else []
    return [
        describe.command(c.name) for c in wanted if c.anonymous or roles.may_use(caller, c)
    ]


@command(roles=USER, response=capability)
def listCapabilities(caller: Caller) -> dict[str, Any]:
    """Lists which optional features are there and how they are set."""
    found = {field: _setting(*source, caller) for field, source in _FROM_SETTINGS.items()}
    if settings.VERSION_IN_CAPABILITIES.get():
        found["cloudstackversion"] = wire.VERSION
    if settings.THROTTLING.get():
        found["apilimitinterval"] = settings.THROTTLING_INTERVAL_S.get()
        found["apilimitmax"] = settings.THROTTLING_MAX.get()
    return {
        **found,
        "dynamicrolesenabled": True,
        "supportELB": "false",
        "securitygroupsenabled": False,
        "regionsecondaryenabled": False,
        "instancesstatsuseronly": False,
        "kubernetesclusterexperimentalfeaturesenabled": False,
    }


def _setting(name: str, otherwise: Any, caller: Caller) -> Any:
    declared = SETTINGS.get(name)
    return declared.get(caller.account) if declared else otherwise
