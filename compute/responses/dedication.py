"""What is dedicated to whom."""

from __future__ import annotations

from compute.models import DedicatedResource
from core.responses import Response, text


def _response(kind: str) -> Response:
    return Response(
        f"dedicated{kind}",
        DedicatedResource,
        (
            text("id", "uuid"),
            text(f"{kind}id", f"{kind}__uuid"),
            text(f"{kind}name", f"{kind}__name"),
            text("domainid", "domain__uuid"),
            text("accountid", "account__uuid"),
            text("affinitygroupid", "group__uuid"),
        ),
    )


dedicatedzone = _response("zone")
dedicatedpod = _response("pod")
dedicatedcluster = _response("cluster")
dedicatedhost = _response("host")
