"""Who sent a request: whom trusted proxies name, and nobody that a stranger could make up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from router.core.networks import parse_network
from router.web.remote import Proxies, Remote

PROXY = "10.0.0.5"
INNER = "10.0.0.6"
SENDER = "203.0.113.9"
VICTIM = "198.51.100.1"
TRUSTED = Proxies([parse_network(text) for text in ("10.0.0.0/8", "::1", "fd00::/8")])


def remote(
    peer: str | None,
    x_forwarded_for: str | list[str] | None = None,
    forwarded: str | list[str] | None = None,
    *,
    proxies: Proxies = TRUSTED,
) -> Remote:
    lines = CIMultiDict[str]()
    for name, said in (("X-Forwarded-For", x_forwarded_for), ("Forwarded", forwarded)):
        for line in [said] if isinstance(said, str) else said or ():
            lines.add(name, line)
    return proxies.remote_of(peer, lines)


@pytest.mark.parametrize("peer", [SENDER, "2001:db8::9", "11.0.0.1"])
def test_what_a_peer_that_is_not_trusted_says_of_itself_does_not_count(peer: str) -> None:
    assert remote(peer, VICTIM, f"for={VICTIM}") == Remote(peer)


def test_without_trusted_proxies_no_header_counts() -> None:
    for peer in (PROXY, "127.0.0.1", "::1"):
        assert remote(peer, VICTIM, f"for={VICTIM}", proxies=Proxies()) == Remote(peer)


@pytest.mark.parametrize("peer", [PROXY, "::ffff:10.0.0.5", "::1", "fd00::7"])
@pytest.mark.parametrize(
    ("written", "sender"),
    [
        (SENDER, SENDER),
        (f"{VICTIM}, {SENDER}", SENDER),
        (f"{VICTIM},{SENDER},{INNER}", SENDER),
        (f"{VICTIM}, {INNER}, {SENDER}, {INNER}, fd00::1", SENDER),
        (f"unknown, {SENDER}", SENDER),
        (f"' OR 1=1, {SENDER}", SENDER),
        (f"{SENDER}:51234", SENDER),
        (f"::ffff:{SENDER}", SENDER),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:0DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:443", "2001:db8::9"),
        (f" , {SENDER} ,", SENDER),
        (INNER, INNER),
        (f"{INNER}, 10.0.0.7", INNER),
    ],
)
def test_the_last_address_that_is_no_trusted_proxys_is_the_sender(
    peer: str, written: str, sender: str
) -> None:
    assert remote(peer, written) == Remote(sender)


def test_lines_of_one_header_are_one_list() -> None:
    assert remote(PROXY, [VICTIM, SENDER]) == Remote(SENDER)
    assert remote(PROXY, [SENDER, INNER]) == Remote(SENDER)
    assert remote(PROXY, None, [f"for={VICTIM}", f"for={SENDER}"]) == Remote(SENDER)


@pytest.mark.parametrize(
    ("written", "sender"),
    [
        (f"for={SENDER}", SENDER),
        (f"For={SENDER};proto=https;by=10.0.0.5", SENDER),
        (f"for={VICTIM}, for={SENDER} ; host=a", SENDER),
        (f'for="{SENDER}:4711"', SENDER),
        (f"for={SENDER}:4711", SENDER),
        ('for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("proto=https;for=[2001:db8:cafe::17]", "2001:db8:cafe::17"),
        (f"for=_hidden, for={SENDER}", SENDER),
        (f'for={VICTIM};x="a, for={VICTIM}", for={SENDER}', SENDER),
        (f"for={SENDER}, for={INNER}", SENDER),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(written: str, sender: str) -> None:
    assert remote(PROXY, None, written) == Remote(sender)


@pytest.mark.parametrize(
    "written",
    [
        "for=unknown",
        "for=_hidden",
        "proto=https",
        f"for={SENDER};for={VICTIM}",
        f"for={SENDER}, proto=https",
        f"for={SENDER};",
        f"for={SENDER} for={VICTIM}",
        "for",
        'for="',
        # What a sender leaves open may swallow what the proxy adds; it must not be believed then.
        f'for="{VICTIM}, for={SENDER}',
        f'for={VICTIM};x="a, for="[2001:db8::9]"',
        f'for={VICTIM};x="\\, for="{SENDER}"',
    ],
)
def test_a_forwarded_that_names_nobody_leaves_a_doubt(written: str) -> None:
    told = remote(PROXY, None, written)

    assert told.address == PROXY
    assert told.doubt is not None
    assert "Forwarded" in told.doubt


@pytest.mark.parametrize(
    "written", ["unknown", f"{SENDER}, unknown", f"{SENDER}, 1.2.3", f"{SENDER}, [2001:db8::9"]
)
def test_an_x_forwarded_for_that_names_nobody_leaves_a_doubt(written: str) -> None:
    told = remote(PROXY, written)

    assert told.address == PROXY
    assert told.doubt is not None
    assert "X-Forwarded-For" in told.doubt


def test_two_headers_count_only_if_they_agree() -> None:
    assert remote(PROXY, SENDER, f"for={SENDER}") == Remote(SENDER)
    told = remote(PROXY, SENDER, f"for={VICTIM}")
    assert told.address == PROXY
    assert told.doubt is not None
    assert "name different senders" in told.doubt


def test_a_trusted_proxy_that_names_nobody_is_the_sender_itself() -> None:
    for nothing in (None, "", " , "):
        assert remote(PROXY, nothing) == Remote(PROXY)


@pytest.mark.parametrize("peer", [None, "", "/run/hookyard.sock", "@", "not an address"])
def test_a_connection_without_an_address_has_no_sender_whatever_it_says(peer: str | None) -> None:
    assert remote(peer, VICTIM) == Remote(None, "the connection has no address")


def test_addresses_are_shown_in_one_form() -> None:
    assert remote("::ffff:203.0.113.9") == Remote(SENDER)
    assert remote("2001:DB8:0:0:0:0:0:9") == Remote("2001:db8::9")
    assert remote("fe80::1%eth0") == Remote("fe80::1")


def test_a_request_that_may_be_a_proxys_is_told_from_others() -> None:
    headers = CIMultiDict({"X-Forwarded-For": SENDER})

    assert TRUSTED.may_be_proxied(Remote("172.16.0.9"), headers)
    assert not TRUSTED.may_be_proxied(Remote("172.16.0.9"), CIMultiDict())
    assert not TRUSTED.may_be_proxied(Remote(PROXY), headers)
    assert not TRUSTED.may_be_proxied(Remote(None, "none"), headers)


@given(made_up=st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=60))
def test_nothing_a_sender_writes_makes_it_another(made_up: str) -> None:
    by_x = remote(PROXY, f"{made_up}, {SENDER}")
    by_forwarded = remote(PROXY, None, f"{made_up}, for={SENDER}")

    assert by_x == Remote(SENDER)
    assert by_forwarded.address == SENDER or by_forwarded.doubt is not None


@given(made_up=st.text(st.sampled_from(f'for=;," \\[]{VICTIM}'), max_size=40))
def test_nor_does_a_forwarded_made_to_be_misread(made_up: str) -> None:
    for added in (f"for={SENDER}", f'for="{SENDER}"', 'for="[2001:db8::9]:1"'):
        told = remote(PROXY, None, f"{made_up}, {added}")
        assert told.address in {SENDER, "2001:db8::9"} or told.doubt is not None
