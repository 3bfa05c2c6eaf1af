"""Where a machine could go."""

from __future__ import annotations

from core.responses import Field, Response

placement = Response(
    "placement",
    None,
    (
        Field("possible", "boolean"),
        Field("summary"),
        Field("hostcount", "integer"),
        Field("fittinghostcount", "integer"),
        Field("reason", "list"),
        Field("host", "list", admin_only=True),
        Field("pool", "list", admin_only=True),
    ),
)
