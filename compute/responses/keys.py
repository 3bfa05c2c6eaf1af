"""SSH keys and user data."""

from __future__ import annotations

from accounts.owners import owner
from accounts.pinned import responses as pinned
from compute.models import SshKeyPair, UserData
from core.responses import Response, computed, text

_key = (
    text("id", "uuid"),
    text("name"),
    text("fingerprint"),
    pinned.comments(SshKeyPair),
    *owner(),
)

sshkeypair = Response("sshkeypair", SshKeyPair, _key)

#: The same under the key that creating commands answer with; ``privatekey`` comes once.
newkeypair = Response("keypair", SshKeyPair, _key)

userdata = Response(
    "userdata",
    UserData,
    (
        text("id", "uuid"),
        pinned.comments(UserData),
        text("name"),
        text("userdata", "content"),
        computed("params", ("params",), lambda text: text or None),
        text("accountid", "account__uuid"),
        *owner(),
    ),
)
