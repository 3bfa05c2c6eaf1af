"""Machines elsewhere join with a one-time token, and come back with their own credential."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.caller import Caller
from agent import protocol
from core.config import Setting
from core.errors import InvalidParameter, PermissionDenied
from core.steps import Plan
from infra import jobs
from infra.models import Cluster, Host, HostCredential, HostEnrolment
from infra.models.enrolment import digest
from infra.services import checks
from jobs.submit import submit

LIFETIME = Setting(
    "host.enrolment.lifetime",
    3600,
    "Seconds in which the one-time token of a new host must be used.",
    minimum=60,
    maximum=604800,
)

#: One sentence for every way a token can be wrong, so that nothing is learned by trying.
_REFUSED = "This token or credential is not valid (any more); ask for a new enrolment token."


def create(
    caller: Caller, cluster: Cluster, *, name: str, tags: Sequence[str]
) -> tuple[HostEnrolment, str]:
    """Leave for one machine to join ``cluster``, and the token it says so with."""
    if cluster.hypervisor == "Simulator":
        raise InvalidParameter("Simulated hosts need no agent; add them with addHost.")
    if name:
        name = checks.unused_name(Host.objects.filter(zone=cluster.zone), "host", name)
    token = secrets.token_urlsafe(32)
    made = HostEnrolment.objects.create(
        cluster=cluster,
        account=caller.account,
        name=name,
        tags=checks.tags(tags),
        token_hash=digest(token),
        expires=timezone.now() + timedelta(seconds=LIFETIME.get()),
    )
    return made, token


@transaction.atomic
def enrol(token: str, facts: protocol.HostFacts) -> tuple[Host, str]:
    """A machine shows its token: it becomes a host that is Connecting, with a secret of its
    own, and the job of addHost looks whether it is fit. Raises PermissionDenied."""
    leave = (
        HostEnrolment.objects.select_related("cluster__zone", "cluster__pod", "account")
        .filter(token_hash=digest(token), used=None, expires__gt=timezone.now())
        .first()
    )
    now = timezone.now()
    # Only one of two that show the same token at once gets in.
    mine = leave and HostEnrolment.objects.filter(pk=leave.pk, used=None).update(used=now)
    if not leave or not mine:
        raise PermissionDenied(_REFUSED)
    host = _host_for(leave, facts)
    HostEnrolment.objects.filter(pk=leave.pk).update(host=host)
    secret = HostCredential.new_secret()
    HostCredential.objects.create(host=host, secret_hash=digest(secret))
    host.move("AgentConnected", "It is being checked.")
    submit(
        Plan(jobs.add_host, host),
        account=leave.account,
        command="addHost",
        event_type="HOST.CONNECT",
    )
    return host, secret


def _host_for(leave: HostEnrolment, facts: protocol.HostFacts) -> Host:
    cluster = leave.cluster
    try:
        with transaction.atomic():
            return Host.objects.create(
                zone=cluster.zone,
                pod=cluster.pod,
                cluster=cluster,
                name=(leave.name or facts.name)[:255],
                address=facts.address[:255],
                link="remote",
                hypervisor=cluster.hypervisor,
                arch=cluster.arch,
                tags=leave.tags,
            )
    except IntegrityError:
        raise PermissionDenied(
            f"There is already a host named {leave.name or facts.name} in the zone."
        ) from None


def recognise(host_uuid: str, secret: str) -> Host:
    """The host that this is, by its own credential. Raises PermissionDenied."""
    try:
        key = UUID(host_uuid)
    except ValueError:
        raise PermissionDenied(_REFUSED) from None
    known = HostCredential.objects.select_related("host").filter(host__uuid=key, host__removed=None)
    found = known.first()
    if found is None or not hmac.compare_digest(found.secret_hash, digest(secret)):
        raise PermissionDenied(_REFUSED)
    return found.host


def hello(frame: dict[str, Any]) -> tuple[Host, str | None]:
    """What an agent says first: who it is, or what token it has. Returns the host, and the
    secret that a new one shall keep."""
    if frame.get("version") != protocol.VERSION:
        raise PermissionDenied(
            f"The agent speaks version {frame.get('version')} of the protocol, the portal "
            f"{protocol.VERSION}; install the portal's agent."
        )
    token, host_uuid = frame.get("token"), frame.get("host")
    if isinstance(token, str) and isinstance(frame.get("facts"), dict):
        try:
            facts = protocol.from_wire(protocol.HostFacts, frame["facts"])
        except TypeError:
            raise PermissionDenied("The agent's facts are incomplete.") from None
        return enrol(token, facts)
    if isinstance(host_uuid, str) and isinstance(frame.get("secret"), str):
        return recognise(host_uuid, frame["secret"]), None
    raise PermissionDenied(_REFUSED)
