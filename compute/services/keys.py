"""SSH keys and user data that tenants keep under a name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from accounts.models import Account
from compute.models import SshKeyPair, UserData
from core.config import Scope, Setting
from core.errors import InUse, InvalidParameter

KEY_BITS = Setting(
    "ssh.key.length", 2048, "Bits of the RSA keys that are made here.",
    minimum=2048, maximum=8192,
)  # fmt: skip
USER_DATA_MAX = Setting(
    "vm.userdata.max.length", 32768, "Longest user data, in bytes after decoding.",
    scopes=(Scope.GLOBAL,), minimum=0, maximum=1048576,
)  # fmt: skip

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")


def create(account: Account, name: str) -> tuple[SshKeyPair, str]:
    """A new pair: the row, and the private key (PEM) that is kept nowhere."""
    _refuse_taken_name(account, name)
    private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS.get())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    public = private.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return _save(account, name, public.decode()), pem


def register(account: Account, name: str, public_key: str) -> SshKeyPair:
    """Keeps a tenant's own public key. Raises InvalidParameter unless it is one."""
    _refuse_taken_name(account, name)
    key = _one_key(public_key)
    found = SshKeyPair.objects.filter(account=account, fingerprint=fingerprint(key)).first()
    if found is not None:
        raise InvalidParameter(f"This public key is registered already, as {found.name}.")
    return _save(account, name, key)


def delete(pair: SshKeyPair) -> None:
    """Machines keep the key they were given; only the name goes."""
    pair.remove()


def fingerprint(public_key: str) -> str:
    """MD5 in colon-separated pairs, as CloudStack shows it (RFC 4716, section 4)."""
    blob = base64.b64decode(public_key.split()[1])
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def encrypt_for(public_keys: str, secret: str) -> str:
    """``secret`` for the holder of the first RSA key (PKCS #1 v1.5, base64), or nothing.

    The padding is what CloudStack's clients decrypt with (``openssl rsautl -decrypt``).
    """
    for line in public_keys.splitlines():
        if line.startswith("ssh-rsa "):
            key = serialization.load_ssh_public_key(line.encode())
            if isinstance(key, rsa.RSAPublicKey):
                return base64.b64encode(key.encrypt(secret.encode(), padding.PKCS1v15())).decode()
    return ""


def register_user_data(account: Account, name: str, content: str, params: str) -> UserData:
    if UserData.objects.filter(account=account, name=name).exists():
        raise InvalidParameter(f"There is user data named {name} already; choose another name.")
    names = [p.strip() for p in params.split(",") if p.strip()]
    for wrong in (n for n in names if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", n)):
        raise InvalidParameter(f"“{wrong}” cannot be the name of a variable in user data.")
    text = checked_user_data(content)
    if not text:
        raise InvalidParameter("The user data is empty.")
    return UserData.objects.create(
        account=account, name=name, content=text, params=",".join(names)
    )


def delete_user_data(row: UserData) -> None:
    users = list(row.machines.order_by("pk").values_list("name", flat=True)[:5])
    if users:
        raise InUse(f"User data {row.name} is used by machines: {', '.join(users)}.")
    row.remove()


def checked_user_data(content: str) -> str:
    """Base64, in the plain alphabet with padding, of at most the size the setting allows."""
    text = re.sub(r"\s", "", content)
    if not _BASE64.fullmatch(text):
        raise InvalidParameter("User data must be base64; encode it before sending it.")
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise InvalidParameter("User data must be base64; encode it before sending it.") from None
    if len(data) > USER_DATA_MAX.get():
        raise InvalidParameter(
            f"User data is {len(data)} bytes long; at most {USER_DATA_MAX.get()} are allowed "
            f"({USER_DATA_MAX.name})."
        )
    return base64.b64encode(data).decode()


def filled_in(row: UserData, values: dict[str, str]) -> str:
    """The content with its variables (``{{ name }}``, ``$name``) replaced, base64."""
    wanted = [p for p in row.params.split(",") if p]
    unknown = set(values) - set(wanted)
    if unknown:
        raise InvalidParameter(
            f"User data {row.name} has no variable {', '.join(sorted(unknown))}."
        )
    if not values:
        return row.content
    try:
        text = base64.b64decode(row.content).decode()
    except UnicodeDecodeError:
        raise InvalidParameter(
            f"User data {row.name} is not text; no variable in it can be replaced."
        ) from None
    most = USER_DATA_MAX.get()
    for name, value in values.items():
        pattern = rf"\{{\{{\s*{re.escape(name)}\s*\}}\}}|\${re.escape(name)}\b"
        # Values may hold variables again: a few of them could else unfold to gigabytes.
        if len(text) + len(value) * sum(1 for _ in re.finditer(pattern, text)) > 2 * most:
            raise InvalidParameter(
                f"User data {row.name} becomes longer than {most} bytes with these values "
                f"({USER_DATA_MAX.name})."
            )
        text = re.sub(pattern, lambda _, v=value: v, text)
    return checked_user_data(base64.b64encode(text.encode()).decode())


def _refuse_taken_name(account: Account, name: str) -> None:
    if SshKeyPair.objects.filter(account=account, name=name).exists():
        raise InvalidParameter(f"There is a key pair named {name} already; choose another name.")


def _one_key(public_key: str) -> str:
    """The key as OpenSSH writes it; the comment stays, options and line breaks do not."""
    parts = public_key.split()
    refusal = "This is not an SSH public key; paste the one line of a .pub file."
    if len(parts) < 2 or "\n" in public_key.strip():
        raise InvalidParameter(refusal)
    try:
        serialization.load_ssh_public_key(" ".join(parts[:2]).encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidParameter(refusal) from None
    return " ".join(parts)


def _save(account: Account, name: str, public_key: str) -> SshKeyPair:
    return SshKeyPair.objects.create(
        account=account, name=name, public_key=public_key, fingerprint=fingerprint(public_key)
    )

