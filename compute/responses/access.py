"""What gets a person into a guest."""

from __future__ import annotations

from core.responses import Field, Response

vmpassword = Response("password", None, (Field("encryptedpassword"),))

machineuserdata = Response(
    "virtualmachineuserdata", None, (Field("virtualmachineid"), Field("userdata"))
)
