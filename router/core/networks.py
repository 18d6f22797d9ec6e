"""Addresses and ranges of them, as receivers compare them: an IPv4-mapped address counts as IPv4."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_MAPPED = IPv6Network("::ffff:0:0/96")


def parse_network(text: str) -> Network:
    """Return a range of addresses; a single address is a range of one.

    Raises:
        ValueError: It is none; the message says why.
    """
    network = ip_network(text.strip())
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        base = network.network_address.ipv4_mapped
        return IPv4Network((int(base or 0), network.prefixlen - _MAPPED.prefixlen))
    return network


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return an address, without the zone that a link-local one may name; None for what is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


class Networks:
    """Many ranges; whether an address is in one of them is told in the same time however many they are."""

    __slots__ = ("_by_mask",)

    def __init__(self, networks: Iterable[Network]) -> None:
        by_mask: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        for network in networks:
            mask = int(network.netmask)
            starts = by_mask[network.version].setdefault(mask, set())
            starts.add(int(network.network_address))
        self._by_mask = {version: tuple(masks.items()) for version, masks in by_mask.items()}

    def __bool__(self) -> bool:
        return any(self._by_mask.values())

    def __contains__(self, address: Address) -> bool:
        number = int(address)
        return any(number & mask in starts for mask, starts in self._by_mask[address.version])
