"""Whose address counts."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from relay.core.client_ip import client_ip
from tests.shops import PROFILE, serving

PROXIES = [ip_network("10.0.0.0/8"), ip_network("::1")]


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("8.8.8.8", "", "8.8.8.8"),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "9.9.9.9, 1.1.1.1, 10.0.0.7", "1.1.1.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "1.1.1.1, nonsense", "nonsense"),
        ("10.0.0.1", "9.9.9.9:80, 203.0.113.5:4711, 10.0.0.7:99", "203.0.113.5"),
        ("10.0.0.1", "[2001:db8::1]:4711, [::1]:80, ::1", "2001:db8::1"),
    ],
)
def test_the_right_most_hop_that_is_no_proxy_counts(peer: str, forwarded_for: str, address: str) -> None:
    """A stranger's header changes nothing; a proxy's is believed for what it added itself."""
    assert client_ip(peer, forwarded_for, PROXIES) == address


@pytest.mark.parametrize(
    ("forwarded_for", "status"), [("192.0.2.7", 200), ("198.51.100.1", 403), ("192.0.2.7, 198.51.100.1", 403)]
)
async def test_a_keys_address_list_works_behind_a_trusted_proxy(
    tmp_path: Path, forwarded_for: str, status: int
) -> None:
    """The proxy on loopback is trusted; the key is for 192.0.2.0/24."""
    profile = PROFILE.replace("channels:\n", "limits: {{trusted_proxies: [127.0.0.0/8]}}\nchannels:\n", 1)
    async with serving(tmp_path, "http://127.0.0.1:9", profile=profile, ips=("192.0.2.0/24",)) as shop:
        answer = await shop.client.get("/v1/models", headers={**shop.headers, "x-forwarded-for": forwarded_for})
        assert answer.status_code == status
