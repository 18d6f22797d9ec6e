from __future__ import annotations

import msgpack
import pytest
import zstandard

from router.core.event import IncomingEvent, pack, unpack

FULL = IncomingEvent(
    id="01930000-0000-7000-8000-000000000000",
    connector="shop",
    received_ms=1764000000000,
    body=b'{"a": "\x00\xff"}',
    content_type="application/json",
    type="orders/create",
    delivery_id="4d3ed0de",
    headers={"x-shopify-topic": "orders/create"},
    query={"a": "1"},
    remote="203.0.113.7",
    reply_to="receiver-1",
)
BARE = IncomingEvent(id="b", connector="shop", received_ms=0, body=b"")


def test_a_batch_comes_back_byte_for_byte() -> None:
    assert unpack(pack([FULL, BARE])) == [FULL, BARE]


def test_an_empty_batch_is_a_batch() -> None:
    assert unpack(pack([])) == []


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"not zstd",
        zstandard.compress(b"\xc1"),
        zstandard.compress(msgpack.packb(5)),
        zstandard.compress(msgpack.packb([1, 2, 3])),
    ],
)
def test_what_is_no_batch_is_said_to_be_none(stored: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        unpack(stored)


def test_a_batch_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="has layout 3, this release reads 1 and 2"):
        unpack(zstandard.compress(msgpack.packb((3, []))))


def _layout(stored: bytes) -> tuple[int, list[int]]:
    """Return a stored batch's layout and how many columns its rows have."""
    layout, rows = msgpack.unpackb(zstandard.decompress(stored))
    return layout, [len(row) for row in rows]


def test_replays_come_back_as_replays() -> None:
    batch = [FULL, BARE._replace(replay=1), FULL._replace(replay=7, forced=True)]

    assert unpack(pack(batch)) == batch
    assert _layout(pack(batch)) == (2, [13, 13, 13])


def test_a_batch_without_replays_is_stored_as_the_release_before_reads_it() -> None:
    assert _layout(pack([FULL, BARE])) == (1, [11, 11])


def test_a_batch_of_the_release_before_is_read() -> None:
    row = [FULL.id, "shop", FULL.received_ms, FULL.body, FULL.content_type, FULL.type]
    row += [FULL.delivery_id, dict(FULL.headers), dict(FULL.query), FULL.remote, FULL.reply_to]
    stored = zstandard.compress(msgpack.packb((1, [row]), use_bin_type=True))

    assert unpack(stored) == [FULL]
    assert (FULL.replay, FULL.forced) == (0, False)
