"""Which addresses may be connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from workers.destinations.addresses import (
    PrivateAddressError,
    PublicResolver,
    is_literal,
    is_public,
)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255"),  # noqa: S104  an address, not to listen on
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1"),  # NAT64 of 127.0.0.1 and 10.0.0.1
        *("2002:7f00:1::", "2002:a00:1::1"),  # 6to4 of the same
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo of 10.0.0.1
        *("", "localhost", "1.2.3", "0x7f000001"),
    ],
)
def test_any_other_address_is_not(address: str) -> None:
    assert not is_public(address)


def test_a_literal_is_an_address_itself() -> None:
    assert is_literal("127.0.0.1")
    assert is_literal("[::1]")
    assert is_literal("fe80::1%eth0")
    assert not is_literal("localhost")


class Names(AbstractResolver):
    """Knows one name, and with it some addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found: list[Any] = [{"hostname": host, "host": each} for each in self.addresses]
        return found

    async def close(self) -> None:
        self.closed = True


async def test_public_addresses_of_a_name_are_given_as_they_are() -> None:
    found = await PublicResolver(Names("93.184.216.34")).resolve("example.com", 443)

    assert [each["host"] for each in found] == ["93.184.216.34"]


async def test_a_name_with_one_private_address_is_refused_as_a_whole() -> None:
    with pytest.raises(PrivateAddressError, match="allow_private"):
        await PublicResolver(Names("93.184.216.34", "10.0.0.1")).resolve("example.com")


async def test_closing_closes_what_is_inside() -> None:
    inner = Names()

    await PublicResolver(inner).close()

    assert inner.closed
