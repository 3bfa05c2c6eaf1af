"""Alerts: raised once per problem and thing, resolved when the problem is gone."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from core import live
from core.config import Setting
from core.errors import InvalidParameter
from infra.models import Alert, Cluster, Pod, Zone
from jobs.schedules import every

PURGE_AFTER = Setting(
    "alert.purge.delay",
    0,
    "Days after which an archived or resolved alert is deleted; 0 keeps all.",
    minimum=0,
)
PURGE_INTERVAL = Setting(
    "alert.purge.interval", 86400, "Seconds between two purges of old alerts.", minimum=60
)
ARCHIVE_AFTER = Setting(
    "alert.archive.delay",
    0,
    "Days after which a resolved alert is archived: off the list, still to be looked up; "
    "0: never.",
    minimum=0,
)


class AlertType(enum.IntEnum):
    """CloudStack's numbers; ``title`` is the name clients see."""

    MEMORY = 0
    CPU = 1
    STORAGE = 2
    STORAGE_ALLOCATED = 3
    PUBLIC_IP = 4
    PRIVATE_IP = 5
    SECONDARY_STORAGE = 6
    HOST = 7
    USERVM = 8
    DOMAIN_ROUTER = 9
    CONSOLE_PROXY = 10
    ROUTING = 11
    STORAGE_MISC = 12
    USAGE = 13
    MANAGEMENT = 14
    VLAN = 18
    SSVM = 19
    STORAGE_DELETE = 21
    RESOURCE_COUNT = 22
    DIRECT_PUBLIC_IP = 24
    LOCAL_STORAGE = 25
    RESOURCE_EXCEED = 26
    SYNC = 27
    UPLOAD_FAILED = 28
    HA_ACTION = 30
    CA_CERT = 31

    @property
    def title(self) -> str:
        return _TITLES[self]


_TITLES = {
    AlertType.MEMORY: "ALERT.MEMORY",
    AlertType.CPU: "ALERT.CPU",
    AlertType.STORAGE: "ALERT.STORAGE",
    AlertType.STORAGE_ALLOCATED: "ALERT.STORAGE.ALLOCATED",
    AlertType.PUBLIC_IP: "ALERT.NETWORK.PUBLICIP",
    AlertType.PRIVATE_IP: "ALERT.NETWORK.PRIVATEIP",
    AlertType.SECONDARY_STORAGE: "ALERT.SECONDARY.STORAGE",
    AlertType.HOST: "ALERT.COMPUTE.HOST",
    AlertType.USERVM: "ALERT.USERVM",
    AlertType.DOMAIN_ROUTER: "ALERT.SERVICE.DOMAINROUTER",
    AlertType.CONSOLE_PROXY: "ALERT.SERVICE.CONSOLEPROXY",
    AlertType.ROUTING: "ALERT.NETWORK.ROUTING",
    AlertType.STORAGE_MISC: "ALERT.STORAGE.MISC",
    AlertType.USAGE: "ALERT.USAGE",
    AlertType.MANAGEMENT: "ALERT.MANAGEMENT",
    AlertType.VLAN: "ALERT.NETWORK.VLAN",
    AlertType.SSVM: "ALERT.SERVICE.SSVM",
    AlertType.STORAGE_DELETE: "ALERT.STORAGE.DELETE",
    AlertType.RESOURCE_COUNT: "ALERT.RESOURCE.COUNT",
    AlertType.DIRECT_PUBLIC_IP: "ALERT.NETWORK.DIRECTPUBLICIP",
    AlertType.LOCAL_STORAGE: "ALERT.STORAGE.LOCAL",
    AlertType.RESOURCE_EXCEED: "ALERT.RESOURCE.EXCEED",
    AlertType.SYNC: "ALERT.TYPE.SYNC",
    AlertType.UPLOAD_FAILED: "ALERT.UPLOAD.FAILED",
    AlertType.HA_ACTION: "ALERT.HA.ACTION",
    AlertType.CA_CERT: "ALERT.CA.CERT",
}


def raise_alert(
    kind: AlertType, row: Any, name: str, description: str, *, zone: Any = None, pod: Any = None,
    cluster: Any = None, by_name: bool = False,
) -> Alert:  # fmt: skip
    """Tell the operator about ``row``. While the same problem is open, the alert that is
    there counts on and takes the newer words. ``by_name``: under another name it is another."""
    now = timezone.now()
    same = open_alerts(kind, row)
    again = (same.filter(name=name[:255]) if by_name else same).first()
    if again is not None:
        Alert.objects.filter(pk=again.pk).update(
            name=name[:255], description=description, sent=now, count=F("count") + 1
        )
        live.changed(again)
        return again
    made = Alert.objects.create(
        type=kind,
        name=name[:255],
        description=description,
        zone=zone or _place(row, Zone, "zone"),
        pod=pod or _place(row, Pod, "pod"),
        cluster=cluster or _place(row, Cluster, "cluster"),
        resource_type=type(row).__name__ if row is not None else "",
        resource_uuid=getattr(row, "uuid", None),
        resource_name=str(row)[:255] if row is not None else "",
    )
    live.changed(made)
    return made


def _place(row: Any, model: type[Any], name: str) -> Any:
    """The row itself when it is such a place, else the place it is in."""
    return row if isinstance(row, model) else getattr(row, name, None)


def open_alerts(kind: AlertType, row: Any) -> QuerySet[Alert]:
    return Alert.objects.filter(
        type=kind, resource_uuid=getattr(row, "uuid", None), resolved=None, archived=False
    )


def resolve(kind: AlertType, row: Any) -> int:
    """The problem is gone. Returns how many alerts that closed."""
    found = list(open_alerts(kind, row))
    Alert.objects.filter(pk__in=[a.pk for a in found]).update(resolved=timezone.now())
    for alert in found:
        live.changed(alert)
    return len(found)


def choose(
    *, ids: Iterable[Alert] | None, type_: str | None, start: Any, end: Any
) -> QuerySet[Alert]:
    """The alerts that archiveAlerts and deleteAlerts mean; at least one condition is needed."""
    if not ids and not type_ and not start and not end:
        raise InvalidParameter("Say which alerts: ids, type, startdate or enddate.")
    rows = Alert.objects.all()
    if ids:
        rows = rows.filter(pk__in=[a.pk for a in ids])
    if type_:
        rows = rows.filter(type=number_of(type_))
    if start:
        rows = rows.filter(sent__gte=start)
    if end:
        rows = rows.filter(sent__lte=end)
    return rows


def number_of(type_: str) -> int:
    """A type as clients send it: a number, or its name."""
    if type_.isdigit():
        return int(type_)
    for kind, title in _TITLES.items():
        if title == type_.upper():
            return int(kind)
    raise InvalidParameter(f"There is no alert type “{type_}”; listAlertTypes shows all.")


def acknowledge(rows: QuerySet[Alert], by: str) -> int:
    """Somebody has taken these on: they stay open, and no more is sent about them."""
    found = list(rows.filter(acknowledged=None, resolved=None))
    Alert.objects.filter(pk__in=[a.pk for a in found]).update(
        acknowledged=timezone.now(), acknowledged_by=by[:255]
    )
    for alert in found:
        live.changed(alert)
    return len(found)


def archive(rows: QuerySet[Alert]) -> int:
    return rows.filter(archived=False).update(archived=True)


def delete(rows: QuerySet[Alert]) -> int:
    return rows.update(removed=timezone.now(), alive=None)


@every(PURGE_INTERVAL.get, "infra.archive_alerts")
def archive_old() -> int:
    """What is resolved and was long ago; what is open stays in sight however old it is."""
    days = ARCHIVE_AFTER.get()
    if not days:
        return 0
    limit = timezone.now() - timedelta(days=days)
    return archive(Alert.objects.filter(resolved__lt=limit))


@every(PURGE_INTERVAL.get, "infra.purge_alerts")
def purge() -> int:
    """Delete what nobody needs any more, for good."""
    days = PURGE_AFTER.get()
    if not days:
        return 0
    limit = timezone.now() - timedelta(days=days)
    old = Alert.everything.filter(sent__lt=limit)
    done = old.filter(archived=True) | old.exclude(resolved=None) | old.exclude(removed=None)
    return done.delete()[0]
