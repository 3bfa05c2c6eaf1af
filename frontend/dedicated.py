"""What is dedicated to whom: zones, pods, clusters and hosts, with the names of their holders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import CloudError

if TYPE_CHECKING:
    from frontend.reader import Reader
    from frontend.sections.base import Record, Section

#: Section → the word that its commands are made of.
KINDS = {"zones": "Zone", "pods": "Pod", "clusters": "Cluster", "hosts": "Host"}


@dataclass(frozen=True)
class Line:
    """One dedication. ``release`` is the address of the form that ends it."""

    key: str
    one: Any
    id: str
    name: str
    domain: str
    domainid: str
    account: str
    accountid: str
    release: str


def lines(reader: Reader, section: Section, uuid: str = "") -> list[Line]:
    """Those of one kind, or of one thing; three reads however many there are."""
    kind = KINDS[section.key]
    param = f"{kind.lower()}id"
    if not reader.may(f"listDedicated{kind}s"):
        return []
    given = {param: uuid} if uuid else {"page": "1", "pagesize": "500"}
    found = reader.run(f"listDedicated{kind}s", given).records or []
    domains = _names(reader, "listDomains", {str(r["domainid"]) for r in found})
    accounts = _names(
        reader, "listAccounts", {str(r["accountid"]) for r in found if r.get("accountid")}
    )
    return [_line(reader, section, record, domains, accounts) for record in found]


def tab(reader: Reader, section: Section, record: Record) -> Mapping[str, Any]:
    """To whom one thing is dedicated."""
    command = f"dedicate{KINDS[section.key]}"
    return {
        "dedicated": lines(reader, section, str(record["id"])),
        "dedicate": f"/do/{command}?from={section.key}&of={record['id']}&stay=1"
        if reader.may(command)
        else "",
    }


def _line(
    reader: Reader,
    section: Section,
    record: Record,
    domains: Mapping[str, str],
    accounts: Mapping[str, str],
) -> Line:
    kind = KINDS[section.key]
    stem = kind.lower()
    uuid, domain = str(record[f"{stem}id"]), str(record["domainid"])
    account = str(record.get("accountid") or "")
    command = f"releaseDedicated{kind}"
    form = f"/do/{command}?from={section.key}&of={uuid}&stay=1" if reader.may(command) else ""
    return Line(
        section.key, section.one, uuid, str(record.get(f"{stem}name", "")),
        domains.get(domain, domain), domain, accounts.get(account, account), account, form,
    )  # fmt: skip


def _names(reader: Reader, command: str, uuids: Iterable[str]) -> dict[str, str]:
    wanted = ",".join(sorted(uuids))
    if not wanted or not reader.may(command):
        return {}
    given: dict[str, Any] = {"ids": wanted, "listall": "true", "pagesize": "500", "page": "1"}
    try:
        found = reader.run(command, given).records or []
    except CloudError:
        return {}
    return {str(r["id"]): str(r.get("path") or r["name"]) for r in found}
