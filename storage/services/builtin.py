"""The template every zone of simulated hosts has: there as soon as the zone's store is, gone
with the last store that keeps it."""

from __future__ import annotations

from django.db import transaction

from accounts.caller import Caller
from core.errors import InUse
from core.steps import Plan
from infra.models import OsType
from infra.services.usage import users_of
from jobs.submit import submit
from storage import states
from storage.jobs import templates as jobs
from storage.models import ImageStore, Template, TemplateCopy
from storage.services.addresses import is_simulated

#: CloudStack's name of it, which its test programs look for.
NAME = "CentOS 5.6 (64-bit) no GUI (Simulator)"
_TYPE = "BUILTIN"
_OS = "Other CentOS (64-bit)"
_SHOWN = 5


def provide(store: ImageStore) -> None:
    """Have the store fetch the built-in template, if its zone is one of simulated hosts."""
    if store.zone is None or not is_simulated(store.zone):
        return
    with transaction.atomic():
        template = _template()
        copy, made = TemplateCopy.objects.get_or_create(template=template, store=store)
        if made:
            submit(
                Plan(jobs.download, template, {"copy": copy}, [copy]),
                account=template.account,
                command="registerTemplate",
            )


def _template() -> Template:
    there = Template.objects.filter(type=_TYPE, hypervisor="Simulator").first()
    if there is not None:
        return there
    return Template.objects.create(
        account=Caller.system().account,
        name=NAME,
        display_text=NAME,
        type=_TYPE,
        format="VHD",
        hypervisor="Simulator",
        os_type=OsType.objects.filter(display_name=_OS).first(),
        url="http://sim/templates/centos.vhd",
        is_public=True,
        is_featured=True,
        is_extractable=True,
        requires_hvm=False,
    )


def withdraw(store: ImageStore) -> list[str]:
    """The store's claim on built-in templates ends; returns the names of their files. A template
    that no store has any more is gone. Raises InUse while machines are made of it."""
    copies = TemplateCopy.objects.filter(store=store, template__type=_TYPE)
    found = list(copies.select_related("template"))
    copies.update(state=states.Copies.DESTROYED, store=None, percent=0)
    for template in {copy.template for copy in found}:
        if not template.copies.exclude(store=None).exists():
            _refuse_if_used(store, template)
            template.apply(states.TemplateEvent.DELETE)
            template.remove()
    return [copy.name for copy in found]


def _refuse_if_used(store: ImageStore, template: Template) -> None:
    users = users_of(template)
    if users:
        shown = ", ".join(f"{u._meta.verbose_name} {u}" for u in users[:_SHOWN])
        more = " and more" if len(users) > _SHOWN else ""
        raise InUse(
            f"Image store {store} is the last one with template {template}, which is in use by "
            f"{shown}{more}; remove these first."
        )
