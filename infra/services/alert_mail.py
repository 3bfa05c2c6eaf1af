"""Alerts by e-mail: once for a problem, however often it is seen, until it is resolved."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone

from accounts.services import letters
from core import mail
from core.config import Setting
from core.errors import InvalidParameter
from infra.models import Alert
from infra.services.alerts import AlertType
from jobs.schedules import every

log = logging.getLogger(__name__)


def _check_addresses(text: str) -> None:
    for address in filter(None, map(str.strip, text.split(","))):
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidParameter(f"“{address}” is no e-mail address.") from None


ADDRESSES = Setting(
    "alert.email.addresses", "",
    "Who gets alerts by e-mail: addresses with commas between; empty: nobody.", category="Alert",
    check=_check_addresses,
)  # fmt: skip

_AT_ONCE = 20
_NEWS_FOR = timedelta(days=1)  # what is older when e-mail is set up is no news any more


def addresses() -> list[str]:
    return [a.strip() for a in ADDRESSES.get().split(",") if "@" in a]


@every(15, "infra.mail_alerts")
def post_alerts() -> int:
    """Hands new alerts to the post (jobs.letters sends and tries again). Returns how many."""
    to = addresses()
    if not to or not mail.is_configured():
        return 0
    news = Alert.objects.filter(
        mailed=None, resolved=None, archived=False, acknowledged=None,
        created__gte=timezone.now() - _NEWS_FOR,
    )  # fmt: skip
    posted = 0
    for alert in news.select_related("zone", "pod", "cluster").order_by("pk")[:_AT_ONCE]:
        # Of two workers at it, one marks it.
        if Alert.objects.filter(pk=alert.pk, mailed=None).update(mailed=timezone.now()):
            for address in to:
                letters.post(address, f"[cloudportal] {alert.name}", _text(alert))
            posted += 1
    return posted


def _text(alert: Alert) -> str:
    where = [
        f"{kind}: {place}"
        for kind, place in (("Zone", alert.zone), ("Pod", alert.pod), ("Cluster", alert.cluster))
        if place is not None
    ]
    titles = {int(kind): kind.title for kind in AlertType}
    about = f"{alert.resource_type} {alert.resource_name}".strip()
    return "\n".join(
        [
            alert.description,
            "",
            f"Type: {titles.get(alert.type, alert.type)}",
            *([f"About: {about}"] if about else []),
            *where,
            f"Raised: {alert.created:%Y-%m-%d %H:%M:%S} UTC",
            "",
            "It is not sent again while it is open; acknowledge it on the page of alerts.",
        ]
    )
