"""A stretch of the event log is read oldest first, in pages, byte for byte, and ends where it was to end."""

from __future__ import annotations

from typing import Any

from router.core.store.engine import Store
from router.core.store.events import Stretch, events_of, stretch_of
from router.core.store.routing import Writes, write
from tests.support.rows import NOW_MS, event_row


async def add(store: Store, count: int, **given: Any) -> list[str]:
    rows = [event_row(**given) for _ in range(count)]
    async with store.begin() as conn:
        await write(conn, Writes(events=rows))
    return [row["id"] for row in rows]


async def read(store: Store, stretch: Stretch, limit: int = 2, **given: Any) -> list[str]:
    found: list[str] = []
    while True:
        async with store.connect() as conn:
            after = found[-1] if found else None
            page = await events_of(conn, stretch, after=after, limit=limit, **given)
        if not page:
            return found
        found += [event.id for event in page]


async def test_pages_hold_every_event_once_in_order(store: Store) -> None:
    ids = await add(store, 5)
    async with store.connect() as conn:
        stretch = await stretch_of(conn, NOW_MS)

    assert stretch == Stretch(NOW_MS, ids[-1], 5)
    assert await read(store, stretch) == ids


async def test_what_comes_later_is_not_of_it(store: Store) -> None:
    ids = await add(store, 3)
    async with store.connect() as conn:
        stretch = await stretch_of(conn, NOW_MS)
    await add(store, 2)

    assert stretch is not None
    assert await read(store, stretch) == ids


async def test_what_came_before_and_other_connectors_are_left_out(store: Store) -> None:
    await add(store, 1, received_ms=NOW_MS - 1)
    await add(store, 1, connector="other")
    ids = await add(store, 2)
    async with store.connect() as conn:
        stretch = await stretch_of(conn, NOW_MS, ("shop",))

    assert stretch is not None
    assert stretch.count == 2
    assert await read(store, stretch, connectors=("shop",)) == ids


async def test_no_events_are_no_stretch(store: Store) -> None:
    async with store.connect() as conn:
        assert await stretch_of(conn, NOW_MS) is None


async def test_an_event_is_as_it_came_in(store: Store) -> None:
    given = {
        "body": b'{"n": 1.10, "x": "\\u0000"}',
        "headers": {"x-a": "1"},
        "query": {"q": "2"},
        "type": "t",
        "delivery_id": "d",
        "remote": "192.0.2.1",
    }
    await add(store, 1, **given)
    async with store.connect() as conn:
        stretch = await stretch_of(conn, NOW_MS)
        assert stretch is not None
        (event,) = await events_of(conn, stretch, after=None, limit=10)

    assert {name: getattr(event, name) for name in given} == given
    assert (event.connector, event.received_ms, event.reply_to) == ("shop", NOW_MS, None)
