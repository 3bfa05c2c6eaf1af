"""Identity providers, as their metadata describes them."""

from __future__ import annotations

import logging
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.db import transaction
from django.utils import timezone

from accounts import web
from accounts.models import SamlProvider
from accounts.saml import settings
from core.errors import CloudError, InvalidParameter

log = logging.getLogger(__name__)

_MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"


def refresh() -> int:
    """Reads the metadata anew; providers that are gone from it are forgotten. Returns how many
    there are."""
    url = settings.METADATA_URL.get()
    if not url:
        raise InvalidParameter("Set saml2.idp.metadata.url first.")
    text = web.fetched(url).text
    found = {entity.attrib["entityID"]: entity for entity in _entities(text)}
    if not found:
        raise InvalidParameter("The metadata names no identity provider.")
    with transaction.atomic():
        SamlProvider.objects.exclude(entity_id__in=list(found)).delete()
        for entity_id, entity in found.items():
            SamlProvider.objects.update_or_create(
                entity_id=entity_id,
                defaults={
                    "name": _text(entity, "OrganizationDisplayName"),
                    "address": _text(entity, "OrganizationURL"),
                    "metadata": text,
                    "read": timezone.now(),
                },
            )
    return len(found)


def refresh_quietly() -> int:
    """As a schedule does it: what is known stays when the metadata cannot be read."""
    if not settings.is_available() or not settings.METADATA_URL.get():
        return 0
    try:
        return refresh()
    except CloudError as error:
        log.warning("SAML metadata: %s", error.message)
        return 0


def named(entity_id: str | None) -> SamlProvider:
    """The one of this entity id, or the setting's, or the only one. Raises InvalidParameter."""
    wanted = entity_id or settings.DEFAULT_IDP.get()
    rows = SamlProvider.objects.filter(entity_id=wanted) if wanted else SamlProvider.objects.all()
    found = list(rows[:2])
    if not settings.is_available() or len(found) != 1:
        raise InvalidParameter("Nobody signs in by this identity provider here.")
    return found[0]


def offered() -> list[SamlProvider]:
    return list(SamlProvider.objects.order_by("name")) if settings.is_available() else []


def _entities(text: str) -> list[Any]:
    """Entities that are identity providers. XML that refers to anything outside is refused."""
    try:
        root = ElementTree.fromstring(text, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise InvalidParameter(f"The metadata cannot be read: {type(error).__name__}.") from error
    entities = [root, *root.iter(f"{_MD}EntityDescriptor")]
    return [
        e
        for e in entities
        if e.tag == f"{_MD}EntityDescriptor"
        and 0 < len(e.attrib.get("entityID", "")) <= 255
        and e.find(f"{_MD}IDPSSODescriptor") is not None
    ]


def _text(entity: Any, name: str) -> str:
    found = entity.find(f"{_MD}Organization/{_MD}{name}")
    return str(found.text or "").strip()[:255] if found is not None else ""
