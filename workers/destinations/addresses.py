"""Which addresses may be connected to: public ones, unless a destination says otherwise.

The check is made on the very addresses that are then connected to, so a name that resolves
differently a moment later does not get around it.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")


class PrivateAddressError(OSError):
    """The destination's address is not public, and it does not say `allow_private: true`."""

    def __init__(self) -> None:
        super().__init__((self.__doc__ or "").strip())


def is_public(address: str) -> bool:
    """Tell whether an IP address is one anybody on the Internet could reach."""
    try:
        ip = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    embedded = _embedded(ip) if isinstance(ip, IPv6Address) else None
    if embedded is not None and not is_public(str(embedded)):
        return False
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped is not None or ip in _NAT64):
        return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_literal(host: str) -> bool:
    """Tell whether a host is an IP address itself, so that nobody is asked for one."""
    try:
        ip_address(host.strip("[]").split("%", 1)[0])
    except ValueError:
        return False
    return True


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to in the end."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class PublicResolver(AbstractResolver):
    """Resolves names, and gives no address at all if one of them is not public."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name.

        Raises:
            PrivateAddressError: One of them is not public.
        """
        found = await self._inner.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise PrivateAddressError
        return found

    async def close(self) -> None:
        """Release what the inner resolver holds."""
        await self._inner.close()
