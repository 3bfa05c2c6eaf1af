"""Values of the global settings: where they are stored, which one is in force, and by whom
they may be set. The settings themselves are declared beside their users (``core.config``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from accounts.models import Domain
from core import config, vault
from core.config import SETTINGS, Scope, Setting
from core.errors import InvalidParameter
from infra.models import ConfigurationValue

#: How old a value may be that another process of the portal changed.
FRESH_FOR_S = 1.0

Key = tuple[str, str, int]
Changed = Callable[[Any], None]

_on_change: dict[str, list[Changed]] = {}
#: What holds values at a scope whose model lives above infra (pools, image stores).
HOLDERS: dict[Scope, type[models.Model]] = {}


class _Values:
    """All stored values: few rows, read often, so kept in memory for a moment."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.values: dict[Key, str] = {}
        self.root_id = 0
        self.read_at = -FRESH_FOR_S

    def get(self) -> dict[Key, str]:
        if time.monotonic() - self.read_at >= FRESH_FOR_S:
            with self.guard:
                rows = ConfigurationValue.objects.values_list("name", "scope", "holder", "value")
                self.values = {(n, s, h): v for n, s, h, v in rows}
                if not self.root_id:
                    root = Domain.everything.filter(level=0).values_list("pk", flat=True).first()
                    self.root_id = root or 0
                self.read_at = time.monotonic()
        return self.values

    def forget(self) -> None:
        self.read_at = -FRESH_FOR_S


_values = _Values()


def forget() -> None:
    """Read the values anew at the next question."""
    _values.forget()
    _values.root_id = 0


def register_holder(scope: Scope, model: type[models.Model]) -> None:
    """Say what holds values at ``scope``; for models that live above infra."""
    HOLDERS[scope] = model


def on_change(*names: str) -> Callable[[Changed], Changed]:
    """Registers ``function(holder)``, called in the transaction that changed one of ``names``."""

    def register(function: Changed) -> Changed:
        for name in names:
            _on_change.setdefault(name, []).append(function)
        return function

    return register


def stored(name: str, holder: Any = None) -> str | None:
    """The text in force for ``holder``, narrowest scope first, or None when none is stored."""
    values = _values.get()
    if not values:
        return None
    for scope, key in [*scopes_of(holder), (Scope.GLOBAL, 0)]:
        text = values.get((name, str(scope), key))
        if text is not None:
            return _open(name, text)
    return None


def plug_in() -> None:
    config.use_store(stored)


def scopes_of(holder: Any) -> list[tuple[Scope, int]]:
    """Where to look for a holder's value, narrowest first, Global left out."""
    if holder is None:
        return []
    return _CHAINS[holder._meta.model_name](holder)


def _cluster(cluster_id: int, zone_id: int) -> list[tuple[Scope, int]]:
    return [(Scope.CLUSTER, cluster_id), (Scope.ZONE, zone_id)]


def _domain(domain: Domain) -> list[tuple[Scope, int]]:
    """The domain and those above it, ROOT last."""
    chain = [(Scope.DOMAIN, key) for key in reversed(domain.ancestor_ids)]
    return [*chain, (Scope.DOMAIN, _values.root_id)]


_CHAINS: dict[str, Callable[[Any], list[tuple[Scope, int]]]] = {
    "zone": lambda zone: [(Scope.ZONE, zone.pk)],
    "pod": lambda pod: [(Scope.ZONE, pod.zone_id)],
    "cluster": lambda cluster: _cluster(cluster.pk, cluster.zone_id),
    "host": lambda host: _cluster(host.cluster_id, host.zone_id),
    "storagepool": lambda pool: [(Scope.STORAGE_POOL, pool.pk), (Scope.ZONE, pool.zone_id)],
    "imagestore": lambda store: [(Scope.IMAGE_STORE, store.pk), (Scope.ZONE, store.zone_id)],
    "domain": _domain,
    "account": lambda account: [(Scope.ACCOUNT, account.pk), *_domain(account.domain)],
}


def setting(name: str) -> Setting[Any]:
    """The declared setting. Raises InvalidParameter for one that nothing reads."""
    found = SETTINGS.get(name)
    if found is None:
        raise InvalidParameter(f"There is no setting {name}; listConfigurations shows all.")
    return found


def set_value(name: str, text: str, holder: Any = None) -> Setting[Any]:
    """Put a value in force for ``holder`` (None: everywhere). Raises InvalidParameter when
    the text is not one, or the setting has no such scope."""
    chosen = setting(name)
    scope, key = _place(chosen, holder)
    chosen.parse(text)
    text = text.strip() if not isinstance(chosen.default, str) else text
    ConfigurationValue.objects.update_or_create(
        name=name,
        scope=scope,
        holder=key,
        defaults={
            "value": vault.seal(text) if chosen.secret else text,
            "updated": timezone.now(),
        },
    )
    _changed(name, holder)
    return chosen


def reset(name: str, holder: Any = None) -> Setting[Any]:
    """Forget what was set for ``holder``: the wider scope's value, or the default, counts."""
    chosen = setting(name)
    scope, key = _place(chosen, holder)
    ConfigurationValue.objects.filter(name=name, scope=scope, holder=key).delete()
    _changed(name, holder)
    return chosen


def _place(chosen: Setting[Any], holder: Any) -> tuple[Scope, int]:
    scope, key = scopes_of(holder)[0] if holder is not None else (Scope.GLOBAL, 0)
    if scope != Scope.GLOBAL and scope not in chosen.scopes:
        allowed = ", ".join(dict.fromkeys((Scope.GLOBAL.value, *chosen.scopes)))
        raise InvalidParameter(
            f"{chosen.name} cannot be set for a {scope.lower()}; it has scope {allowed}."
        )
    return scope, key


def _changed(name: str, holder: Any) -> None:
    _values.forget()
    transaction.on_commit(_values.forget)
    for function in _on_change.get(name, ()):
        function(holder)


def _open(name: str, text: str) -> str:
    known = SETTINGS.get(name)
    return vault.unseal(text) if known is not None and known.secret else text


def records(
    holder: Any = None, *, only: Callable[[Setting[Any]], bool] = lambda s: True
) -> list[dict[str, Any]]:
    """Settings as listConfigurations shows them, with the values in force for ``holder``."""
    wanted = [s for s in SETTINGS.values() if s.category != "Hidden" and only(s)]
    if holder is not None:
        scope = scopes_of(holder)[0][0]
        wanted = [s for s in wanted if scope in s.scopes]
    return [record(s, holder) for s in sorted(wanted, key=lambda s: s.name)]


def record(chosen: Setting[Any], holder: Any = None) -> dict[str, Any]:
    """One setting as CloudStack's configuration object. Secrets show only whether they are
    set."""
    scopes = [str(s) for s in chosen.scopes if s != Scope.GLOBAL] or [str(Scope.GLOBAL)]
    value = chosen.get(holder)
    return {
        "name": chosen.name,
        "category": chosen.category,
        "group": chosen.category,
        "description": chosen.help,
        "displaytext": words(chosen.name),
        "value": ("********" if value else "") if chosen.secret else as_text(value),
        "defaultvalue": "" if chosen.secret else as_text(chosen.default),
        "scope": ",".join(scopes),
        "type": "Select" if chosen.choices else _TYPES[type(chosen.default)],
        "isdynamic": not chosen.restart,
        "component": "cloudportal",
        **({"options": ",".join(chosen.choices)} if chosen.choices else {}),
        **({"minimum": chosen.minimum} if chosen.minimum is not None else {}),
        **({"maximum": chosen.maximum} if chosen.maximum is not None else {}),
    }


_TYPES = {bool: "Boolean", int: "Number", float: "Decimal", str: "String"}


def as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def words(name: str) -> str:
    """``mem.overprovisioning.factor`` → ``Mem overprovisioning factor``."""
    text = name.replace(".", " ")
    return text[:1].upper() + text[1:]
