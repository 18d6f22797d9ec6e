"""An event: one accepted webhook, as the receiver hands it to the workers.

A batch of events is stored in Redis as zstd-compressed msgpack. Bodies stay
byte-exact: signatures, replays and back-tests depend on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgpack
import zstandard

_LAYOUT = 1
_LAYOUT_WITH_REPLAYS = 2
"""Only batches that hold a replay have it, so that workers of the release before, which read the first
one, are not held up while receivers are of this one already."""
_MAX_BATCH_BYTES = 256 * 1024 * 1024


class _OfThread(threading.local):
    """A thread's compressor: making one takes longer than compressing a small batch."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1)


_of_thread = _OfThread()
_NOTHING: Mapping[str, str] = MappingProxyType({})


class IncomingEvent(NamedTuple):
    """One accepted request.

    `received_ms` is milliseconds since the epoch; `headers` are those rules may see, names
    in lower case, repeated ones joined with `, ` (credentials are already left out);
    `query` holds the last value of each parameter. `reply_to` names the receiver process
    that waits for the outcome, if one does.

    `replay` is 0 for what a sender sent. For an event that is decided again it is the number of the
    replay, from 1 on, and `forced` tells that it is to act as if nothing had been done before.

    A tuple, because receiver and worker make one for each webhook: it is made in a third of the time.
    """

    id: str
    connector: str
    received_ms: int
    body: bytes
    content_type: str = ""
    type: str | None = None
    delivery_id: str | None = None
    headers: Mapping[str, str] = _NOTHING
    query: Mapping[str, str] = _NOTHING
    remote: str | None = None
    reply_to: str | None = None
    replay: int = 0
    forced: bool = False


def pack(events: Iterable[IncomingEvent]) -> bytes:
    """Return the bytes that stand for a batch of events."""
    batch = list(events)
    rows: list[tuple[Any, ...]] = [
        (
            event.id,
            event.connector,
            event.received_ms,
            event.body,
            event.content_type,
            event.type,
            event.delivery_id,
            dict(event.headers),
            dict(event.query),
            event.remote,
            event.reply_to,
        )
        for event in batch
    ]
    layout = _LAYOUT
    if any(event.replay for event in batch):
        layout = _LAYOUT_WITH_REPLAYS
        rows = [(*row, event.replay, event.forced) for row, event in zip(rows, batch, strict=True)]
    packed: bytes = msgpack.packb((layout, rows), use_bin_type=True)
    return _of_thread.compressor.compress(packed)


def unpack(stored: bytes) -> list[IncomingEvent]:
    """Return the events of a stored batch.

    Raises:
        ValueError: The bytes are not a batch, or of a layout this release does not know.
    """
    try:
        packed = zstandard.decompress(stored, max_output_size=_MAX_BATCH_BYTES)
        content: Any = msgpack.unpackb(packed, strict_map_key=False)
        layout, rows = content
    except (zstandard.ZstdError, ValueError, TypeError) as error:
        raise ValueError("a stored batch cannot be read") from error
    if layout not in (_LAYOUT, _LAYOUT_WITH_REPLAYS):
        known = f"{_LAYOUT} and {_LAYOUT_WITH_REPLAYS}"
        raise ValueError(f"a stored batch has layout {layout!r}, this release reads {known}")
    return [IncomingEvent(*row) for row in rows]
