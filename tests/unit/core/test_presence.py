"""Several tables are asked in one statement whether they have anything."""

from __future__ import annotations

import uuid

import pytest
from django.utils import timezone

from accounts.models import Annotation, ResourceDetail, ResourceIcon, ResourceTag
from accounts.models.pinned import forget
from core import presence
from tests import factories

pytestmark = pytest.mark.django_db

_PINNED = (ResourceTag, ResourceIcon, ResourceDetail, Annotation)


def test_only_those_with_such_a_row_are_named(django_assert_num_queries):
    thing, other = uuid.uuid4(), uuid.uuid4()
    ResourceDetail.objects.create(resource_type="Volume", resource_uuid=thing, name="rack")
    Annotation.objects.create(resource_type="Volume", resource_uuid=other, username="a", text="b")
    with django_assert_num_queries(1):
        assert presence.which(*_PINNED, resource_uuid=thing) == {ResourceDetail}
    assert presence.which(*_PINNED, resource_uuid=other) == {Annotation}
    assert presence.which(*_PINNED, resource_uuid=uuid.uuid4()) == set()


def test_what_is_pinned_to_a_thing_goes_with_it(django_assert_num_queries):
    account, thing = factories.make_account(), uuid.uuid4()
    about = {"resource_type": "Volume", "resource_uuid": thing}
    ResourceTag.objects.create(account=account, key="a", **about)
    ResourceIcon.objects.create(png_base64="-", **about)
    ResourceDetail.objects.create(name="rack", **about)
    Annotation.objects.create(username="a", text="b", **about)
    forget(thing, timezone.now())
    assert presence.which(ResourceTag, ResourceIcon, ResourceDetail, resource_uuid=thing) == set()
    assert not Annotation.objects.filter(resource_uuid=thing).exists()
    assert Annotation.everything.filter(resource_uuid=thing).exists()
    with django_assert_num_queries(1):
        forget(uuid.uuid4(), timezone.now())
