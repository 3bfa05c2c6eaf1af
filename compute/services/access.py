"""How people get into a guest: passwords, SSH keys, user data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accounts.models import Account
from compute.models import SshKeyPair, UserData, VirtualMachine
from compute.services import keys
from compute.states import VmState
from core import vault
from core.config import Setting
from core.errors import InvalidParameter, NotAllowedInState
from storage.models import Template

# CloudStack makes six characters; a password that may face a network should have more.
PASSWORD_LENGTH = Setting(
    "vm.password.length", 16, "Characters of the passwords made for guests.",
    minimum=6, maximum=64,
)  # fmt: skip


def key_pairs(owner: Account, names: Sequence[str]) -> list[SshKeyPair]:
    wanted = list(dict.fromkeys(n for n in names if n))
    found = {k.name: k for k in SshKeyPair.objects.filter(account=owner, name__in=wanted)}
    for name in wanted:
        if name not in found:
            raise InvalidParameter(f"Account {owner} has no key pair named {name}.")
    return [found[name] for name in wanted]


def public_keys(pairs: Sequence[SshKeyPair]) -> str:
    return "\n".join(pair.public_key for pair in pairs)


def new_password(template: Template | None, asked: str) -> str:
    """The password the guest is to get; empty where its template does not take one."""
    if template is None or not template.password_enabled:
        if asked:
            raise InvalidParameter(
                f"Template {template} does not take passwords (passwordenabled is off)."
            )
        return ""
    if asked and (len(asked) < 6 or any(ord(c) < 32 for c in asked)):
        raise InvalidParameter("A guest's password has at least 6 characters, in one line.")
    return asked or vault.password(PASSWORD_LENGTH.get())


def password_fields(password: str, public_key_lines: str) -> dict[str, str]:
    """Columns that keep a password until the guest has it: sealed, and for the key's holder."""
    if not password:
        return {"sealed_password": "", "encrypted_password": ""}
    return {
        "sealed_password": vault.seal(password),
        "encrypted_password": keys.encrypt_for(public_key_lines, password),
    }


def user_data_fields(
    owner: Account,
    content: str,
    row: UserData | None,
    values: Mapping[str, str],
) -> dict[str, object]:
    """Columns for user data, given as it is or taken from what the account keeps."""
    if content and row is not None:
        raise InvalidParameter("Give userdata or userdataid, not both.")
    if values and row is None:
        raise InvalidParameter("userdatadetails are for userdataid only.")
    if row is None:
        text = keys.checked_user_data(content) if content else ""
        return {"user_data": text, "user_data_source": None, "user_data_details": {}}
    if row.account_id != owner.pk:
        raise InvalidParameter(f"User data {row} belongs to another account than the machine.")
    return {
        "user_data": keys.filled_in(row, dict(values)),
        "user_data_source": row,
        "user_data_details": dict(values),
    }


# -- resets: the guest learns of them at its next start ------------------------------------


def _require_stopped(vm: VirtualMachine, what: str) -> None:
    if vm.state != VmState.STOPPED:
        raise NotAllowedInState(f"Virtual machine {vm} is {vm.state}; stop it to reset {what}.")


def reset_password(vm: VirtualMachine, asked: str) -> str:
    """A new password that the guest sets at its next start; returned to be shown once."""
    _require_stopped(vm, "its password")
    if vm.template is None or not vm.template.password_enabled:
        raise InvalidParameter(
            f"Template {vm.template} of virtual machine {vm} does not take passwords."
        )
    password = new_password(vm.template, asked)
    _save(vm, **password_fields(password, vm.ssh_public_keys))
    return password


def reset_keys(vm: VirtualMachine, names: Sequence[str], owner: Account) -> str:
    """Other SSH keys, and (where the template takes one) a new password, returned or ""."""
    _require_stopped(vm, "its SSH keys")
    if owner.pk != vm.account_id and (owner.is_project or vm.account.is_project):
        raise InvalidParameter(f"Virtual machine {vm} does not belong to {owner}.")
    if not names:
        raise InvalidParameter("Give keypair or keypairs: the keys the guest should accept.")
    pairs = key_pairs(owner, names)
    lines = public_keys(pairs)
    vm.key_pairs.set(pairs)
    password = new_password(vm.template, "")
    _save(vm, ssh_public_keys=lines, **(password_fields(password, lines) if password else {}))
    return password


def reset_user_data(
    vm: VirtualMachine, content: str, row: UserData | None, values: Mapping[str, str]
) -> None:
    _require_stopped(vm, "its user data")
    _save(vm, **user_data_fields(vm.account, content, row, values))


def _save(vm: VirtualMachine, **fields: object) -> None:
    for name, value in fields.items():
        setattr(vm, name, value)
    vm.save(update_fields=list(fields))
