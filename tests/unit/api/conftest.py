"""Rows that a thousand tests only read are made once, committed, and swept afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from accounts.services.bootstrap import bootstrap
from tests.factories import PASSWORD


@pytest.fixture(scope="module")
def committed(django_db_setup, django_db_blocker):
    """``with committed(): …`` keeps what is made inside for the tests of this module."""

    @contextlib.contextmanager
    def keep() -> Iterator[None]:
        with django_db_blocker.unblock():
            yield

    yield keep
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)
        bootstrap(PASSWORD)
