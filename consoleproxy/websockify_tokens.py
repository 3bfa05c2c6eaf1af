"""A token plugin that makes stock websockify a console gateway on another machine.

``websockify --token-plugin consoleproxy.websockify_tokens.PortalTokens \\
--token-source https://portal:8080 [::]:6080``

The gateway's own secret is in the environment, CLOUDPORTAL_GATEWAY_SECRET. A token is a
console ticket: the portal redeems it once and answers with the address of the screen. Needs
nothing of Django, so the file serves on a machine that has websockify alone.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

from websockify.token_plugins import BasePlugin


class PortalTokens(BasePlugin):
    """``source`` is the portal's address; ``lookup`` answers (host, port), or None to refuse."""

    def lookup(self, token: str) -> tuple[str, str] | None:
        request = urllib.request.Request(
            f"{self.source.rstrip('/')}/console/gateway",
            data=json.dumps({"ticket": token}).encode(),
            headers={
                "Authorization": f"Bearer {os.environ.get('CLOUDPORTAL_GATEWAY_SECRET', '')}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                found = json.load(reply)
        except (urllib.error.URLError, ValueError, TimeoutError):
            return None
        return found["host"], str(found["port"])
