"""Which cloud this is: a uuid made at the first question, the same ever after."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid as uuids

from accounts.models import ApiKey, User
from core.errors import InvalidParameter
from infra.models import ConfigurationValue

_NAME = "cloud.identifier"


def cloud_identifier() -> str:
    row, _ = ConfigurationValue.objects.get_or_create(
        name=_NAME, scope="Global", holder=0, defaults={"value": str(uuids.uuid4())}
    )
    return row.value


def signed_by(user: User) -> dict[str, str]:
    """The identifier and its HMAC-SHA1 under the user's secret key, in base64.

    Raises InvalidParameter for a user without keys.
    """
    pair = ApiKey.objects.filter(user=user).first()
    if pair is None:
        raise InvalidParameter(f"User {user} has no keys to sign with; register some first.")
    name = cloud_identifier()
    digest = hmac.new(pair.secret.encode(), name.encode(), hashlib.sha1).digest()
    return {"cloudidentifier": name, "signature": base64.b64encode(digest).decode()}
