"""Ranges of addresses as rule files write them: IPv4 and IPv6, in their shortest form (decision C13)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

RANGE_EXAMPLE: Final = "an address range such as 10.0.0.0/8"

_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def network_of(value: Any) -> Network:
    """Return a range of addresses; one of IPv4-mapped addresses is that of IPv4.

    Raises:
        ValueError: It is none, or bits beyond its mask are set: which of the two is meant is not known.
    """
    network = ip_network(value.strip() if isinstance(value, str) else "")
    if isinstance(network, IPv4Network):
        return network
    if network.network_address.scope_id is not None:
        raise ValueError("a zone is no part of a range")
    if network.subnet_of(_MAPPED):
        base = network.network_address.ipv4_mapped
        return IPv4Network((int(base or 0), network.prefixlen - _MAPPED.prefixlen))
    return network


def address_of(value: Any) -> Address | None:
    """Return an address, an IPv4-mapped one as IPv4; None for what is no address."""
    if type(value) is not str:
        return None
    try:
        address = ip_address(value.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def host_bits_hint(value: Any) -> str | None:
    """Return what to write in place of a range that is none because bits beyond its mask are set.

    None where that is not the mistake.
    """
    written = value.strip() if isinstance(value, str) else ""
    address, slash, _ = written.partition("/")
    if not slash or "%" in written:
        return None
    try:
        meant = ip_network(written, strict=False)
    except ValueError:
        return None
    return f"{written} has host bits set; write {meant}, or {address} for one address"
