"""The address a request comes from, behind proxies that the shop trusts."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

Network = IPv4Network | IPv6Network


def client_ip(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the rightmost address in ``X-Forwarded-For`` and *peer* that is not a trusted proxy's.

    What a customer writes into the header is to the left of what a trusted proxy adds, so it is
    never believed. Source: field/reliability.md 3, row 45, read 2026-11-23.

    >>> from ipaddress import ip_network
    >>> client_ip("10.0.0.1", "1.1.1.1, 8.8.8.8", [ip_network("10.0.0.0/8")])
    '8.8.8.8'
    """
    hops = [_without_port(hop.strip()) for hop in forwarded_for.split(",") if hop.strip()]
    address = peer
    while hops and _is_trusted(address, trusted):
        address = hops.pop()
    return address


def _without_port(hop: str) -> str:
    """Return the address of a hop without its port, which some proxies, such as Azure's, add.

    >>> _without_port("203.0.113.5:4711"), _without_port("[2001:db8::1]:80"), _without_port("2001:db8::1")
    ('203.0.113.5', '2001:db8::1', '2001:db8::1')
    """
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in trusted)
    except ValueError:
        return False
