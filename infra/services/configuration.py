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

from accounts.caller import Caller
from accounts.models import Domain
from core import config, vault
from core.config import SETTINGS, Scope, Setting
from core.errors import InvalidParameter
from infra.models import ConfigurationChange, ConfigurationValue

#: How old a value may be that another process of the portal changed.
FRESH_FOR_S = 1.0
#: What is shown of a secret that is set.
SECRET = "********"

Key = tuple[str, str, int]
Place = tuple[Scope, int]  # a scope, and the key of what holds a value there (0: Global)
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
    found = _first(values, name, [*scopes_of(holder), (Scope.GLOBAL, 0)])
    return None if found is None else _open(name, found[1])


def _first(values: dict[Key, str], name: str, chain: list[Place]) -> tuple[Place, str] | None:
    for scope, key in chain:
        text = values.get((name, str(scope), key))
        if text is not None:
            return (scope, key), text
    return None


def origin(name: str, holder: Any = None) -> Place | None:
    """Where the value in force for ``holder`` was set; None: it is the default."""
    found = _first(_values.get(), name, [*scopes_of(holder), (Scope.GLOBAL, 0)])
    return found[0] if found else None


def inherited(name: str, holder: Any) -> str | None:
    """The text in force for ``holder`` if nothing were set for it itself."""
    chain = [*scopes_of(holder), (Scope.GLOBAL, 0)][1:]
    found = _first(_values.get(), name, chain)
    return None if found is None else _open(name, found[1])


def plug_in() -> None:
    config.use_store(stored)


def scopes_of(holder: Any) -> list[Place]:
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


@transaction.atomic
def set_value(
    name: str, text: str, holder: Any = None, *, by: Caller | None = None
) -> Setting[Any]:
    """Put a value in force for ``holder`` (None: everywhere). Raises InvalidParameter when
    the text is not one, or the setting has no such scope."""
    chosen = setting(name)
    scope, key = _place(chosen, holder)
    chosen.accept(text)
    text = text.strip() if not isinstance(chosen.default, str) else text
    _remember(chosen, (scope, key), holder, text, by)
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


@transaction.atomic
def reset(name: str, holder: Any = None, *, by: Caller | None = None) -> Setting[Any]:
    """Forget what was set for ``holder``: the wider scope's value, or the default, counts."""
    chosen = setting(name)
    scope, key = _place(chosen, holder)
    _remember(chosen, (scope, key), holder, None, by)
    ConfigurationValue.objects.filter(name=name, scope=scope, holder=key).delete()
    _changed(name, holder)
    return chosen


def _remember(
    chosen: Setting[Any], place: Place, holder: Any, after: str | None, by: Caller | None
) -> None:
    """In the history, unless nothing changes; of secrets only that they were set."""
    scope, key = place
    rows = ConfigurationValue.objects.filter(name=chosen.name, scope=scope, holder=key)
    stored_text = rows.values_list("value", flat=True).first()
    before = None if stored_text is None else _open(chosen.name, stored_text)
    if before == after:
        return
    shown = [SECRET if chosen.secret and text else text for text in (before, after)]
    ConfigurationChange.objects.create(
        name=chosen.name,
        scope=scope,
        holder=key,
        holder_uuid=getattr(holder, "uuid", None),
        holder_name=str(holder)[:255] if holder is not None else "",
        before=shown[0],
        after=shown[1],
        account=by.account if by else None,
        user=by.user if by else None,
    )


def _place(chosen: Setting[Any], holder: Any) -> Place:
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
