"""Ranges of addresses, in receivers and in rule files: both must read the same of a text."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.networks import Networks, parse_address, parse_network
from rules.networks import address_of, host_bits_hint, network_of

RANGES = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1", "::ffff:203.0.113.0/120", "0.0.0.0/0"]
addresses = st.ip_addresses().map(str) | st.sampled_from(
    ["10.255.255.255", "11.0.0.0", "192.0.2.7", "192.0.2.8", "::ffff:10.1.2.3", "203.0.113.255"]
)


@pytest.mark.parametrize("text", RANGES)
def test_a_range_is_the_same_for_rules_and_receivers(text: str) -> None:
    assert parse_network(text) == network_of(text)


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "10.0.0.0/33", "example.com", "", "2001:db8::1/32", "10.0.0"]
)
def test_what_is_no_range_is_none_for_both(text: str) -> None:
    for parse in (parse_network, network_of):
        with pytest.raises(ValueError, match=r"."):
            parse(text)


def test_mapped_addresses_are_those_of_ipv4_also_in_ranges() -> None:
    assert str(parse_network("::ffff:203.0.113.0/120")) == "203.0.113.0/24"
    assert parse_address("::ffff:203.0.113.9") == ip_address("203.0.113.9")
    assert address_of("::ffff:203.0.113.9") == ip_address("203.0.113.9")


def test_the_zone_of_a_link_local_address_does_not_count() -> None:
    assert parse_address("fe80::1%eth0") == ip_address("fe80::1")


@given(text=addresses, chosen=st.lists(st.sampled_from(RANGES)))
def test_an_address_is_in_many_ranges_if_it_is_in_one(text: str, chosen: list[str]) -> None:
    address = parse_address(text)
    assert address is not None
    networks = [parse_network(one) for one in chosen]

    expected = any(
        address.version == network.version and address in network for network in networks
    )
    assert (address in Networks(networks)) == expected
    assert bool(Networks(networks)) == bool(networks)


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("10.0.0.1/8", "write 10.0.0.0/8, or 10.0.0.1 for one address"),
        (" 2001:db8::1/32 ", "write 2001:db8::/32, or 2001:db8::1 for one address"),
        ("example.com", None),
        ("fe80::1%eth0", None),
        ("fe80::1%eth0/64", None),
        ("10.0.0.0/33", None),
        (7, None),
        (None, None),
    ],
)
def test_who_set_bits_beyond_the_mask_is_told_what_to_write(
    written: object, hint: str | None
) -> None:
    told = host_bits_hint(written)

    assert told is None if hint is None else str(told).endswith(hint)
