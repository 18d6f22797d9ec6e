"""Who sent a request: the peer of the connection or, where that is a trusted proxy, whom the proxy names.

Each proxy adds at the end whom it saw. So the last address is believed, and the one before an address only if that
is a trusted proxy too: what a sender writes into the header itself stands further left and never counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from multidict import istr

from router.core.networks import Address, Network, Networks, parse_address
from router.sources.preset import Headers

_X_FORWARDED_FOR = istr("X-Forwarded-For")
_FORWARDED = istr("Forwarded")
_X_REAL_IP = istr("X-Real-IP")

_NODE = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*)(?::\d+)?|([^\[\]]*)")
"""An address with or without a port: IPv6 in brackets, IPv4, IPv6 by itself."""

_PAIR = re.compile(
    r"""[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[!#$%&'*+.^_`|~0-9A-Za-z:\[\]-]*)"""
    r"[ \t]*(;|,|$)"
)
"""A part of `Forwarded` (RFC 7239) and what follows it; ports and IPv6 count without quotes, too."""


class Remote(NamedTuple):
    """Who sent a request: an address as text, None where there is none.

    With a `doubt` it is the nearest that is known for sure, and the sender may be another.
    """

    address: str | None
    doubt: str | None = None


_NO_ADDRESS = Remote(None, "the connection has no address")


class Proxies:
    """The proxies that are trusted to say who sent a request."""

    __slots__ = ("_trusted",)

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = Networks(trusted)

    def remote_of(self, peer: str | None, headers: Headers) -> Remote:
        """Return who sent a request that came over a connection from `peer`."""
        nearest = _nearest(peer)
        if not self._trusted or nearest.address is None or not self._trusts(nearest.address):
            return nearest
        named = {
            str(name): self._sender(chain)
            for name, chain in (
                (_X_FORWARDED_FOR, _x_forwarded_for(headers)),
                (_FORWARDED, _forwarded(headers)),
            )
            if chain
        }
        for name, sender in named.items():
            if sender is None:
                return Remote(
                    nearest.address,
                    f"{name}, from the trusted proxy {nearest.address}, has no address in the "
                    "sender's place",
                )
        if len(set(named.values())) > 1:
            return Remote(
                nearest.address,
                f"{' and '.join(named)}, from the trusted proxy {nearest.address}, name different "
                "senders; let it remove the one that it does not write",
            )
        return Remote(str(next(iter(named.values()))), None) if named else nearest

    def may_be_proxied(self, remote: Remote, headers: Headers) -> bool:
        """Tell whether the sender of a request looks like a proxy that is not trusted."""
        address = remote.address
        if address is None or remote.doubt is not None or self._trusts(address):
            return False
        chain = _x_forwarded_for(headers) or _forwarded(headers)
        if chain:
            return str(_address(chain[0])) != address
        return _X_REAL_IP in headers

    def _trusts(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and parsed in self._trusted

    def _sender(self, chain: Sequence[str]) -> Address | None:
        """Return the last address that is no trusted proxy's, else the first; None for what is none."""
        address = None
        for node in reversed(chain):
            address = _address(node)
            if address is None or address not in self._trusted:
                break
        return address


@lru_cache(maxsize=4096)
def _nearest(peer: str | None) -> Remote:
    """Return the peer of a connection: that of a Unix socket has no address."""
    address = parse_address(peer) if peer else None
    return _NO_ADDRESS if address is None else Remote(str(address))


def _address(node: str) -> Address | None:
    match = _NODE.fullmatch(node.strip())
    return parse_address(match[1] or match[2] or match[3] or "") if match else None


def _x_forwarded_for(headers: Headers) -> list[str]:
    """Return the addresses of all X-Forwarded-For, in their order."""
    lines = headers.getall(_X_FORWARDED_FOR, ())
    return [node for line in lines for node in line.split(",") if node.strip()]


def _forwarded(headers: Headers) -> list[str]:
    """Return who each proxy says it forwards for; where it says so in no way that can be read, nothing.

    What cannot be read ends in an entry that is no address: to guess would be to believe a stranger.
    """
    text = ", ".join(headers.getall(_FORWARDED, ()))
    chain: list[str] = []
    place, sender, after = 0, "", ""
    while place < len(text):
        match = _PAIR.match(text, place)
        if match is None:
            return [*chain, ""]
        name, value, after = match.groups()
        if name.lower() == "for":
            if sender:
                return [*chain, ""]
            sender = value[1:-1].replace("\\", "") if value.startswith('"') else value
        place = match.end()
        if after != ";":
            chain.append(sender)
            sender = ""
    return [*chain, ""] if after == ";" else chain
