import pytest
from django.test import override_settings

from core import proxies


@pytest.mark.parametrize(
    "listed, peer, forwarded, client",
    [
        ([], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
        (["10.0.0.1"], "10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "10.9.9.9", "1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (["10.0.0.0/8"], "10.9.9.9", "9.9.9.9, 1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "11.0.0.1", "1.2.3.4", "11.0.0.1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        ([], "::ffff:192.0.2.1", "", "192.0.2.1"),
        (["10.0.0.1"], "10.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ([], "2001:db8::1", "", "2001:db8::1"),
        ([], "", "1.2.3.4", ""),
        (["nonsense"], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
    ],
)
def test_only_listed_proxies_are_believed(listed, peer, forwarded, client):
    with override_settings(TRUSTED_PROXIES=listed):
        assert proxies.client_behind(peer, forwarded) == client
