"""Volumes with what was measured of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from accounts.caller import Caller
from compute.commands.volumes import listVolumes
from compute.responses.metrics import volumemetrics, volumeusagehistory
from compute.services import disk_samples
from core.commands import USER, command, listing, renamed
from core.errors import InvalidParameter
from storage.models import Volume

listing(Volume, response=volumemetrics, keyword=("name",), tagged=True)(
    renamed(listVolumes, "listVolumesMetrics", "Lists volumes with their latest measurements.")
)


@command(roles=USER, response=volumeusagehistory, paged=True)
def listVolumesUsageHistory(
    caller: Caller,
    id: Annotated[Volume | None, "Of this volume"] = None,
    ids: Annotated[list[Volume] | None, "Of these volumes"] = None,
    name: Annotated[str | None, "Of volumes with this in their name"] = None,
    startdate: Annotated[datetime | None, "From this moment on"] = None,
    enddate: Annotated[datetime | None, "Until this moment"] = None,
) -> list[dict[str, Any]]:
    """Shows the measurements of volumes, oldest first."""
    if id is not None and ids:
        raise InvalidParameter("Give id or ids, not both.")
    rows = Volume.objects.all().visible_to(caller)
    chosen = [id] if id is not None else ids
    if chosen:
        rows = rows.filter(pk__in=[volume.pk for volume in chosen])
    if name:
        rows = rows.filter(name__icontains=name)
    return disk_samples.history(rows.order_by("pk"), startdate, enddate)
