"""What replays ask of the event log: which events there are, and what they did before."""

from __future__ import annotations

import pytest

from router.core.store.engine import Store
from router.core.store.events import EventFilter
from router.core.store.replays import (
    count_events,
    earlier_runs,
    oldest_events,
    short_events,
    whole_events,
)
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from tests.support.rows import HOUR_MS, NOW_MS, event_row, new_id


async def _add(store: Store, *rows: Row) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(events=list(rows)))


async def _oldest(store: Store, wanted: EventFilter, limit: int, after: str | None) -> list[str]:
    async with store.connect() as conn:
        return [row["id"] for row in await oldest_events(conn, wanted, limit=limit, after=after)]


async def test_what_events_did_before_is_known_of_those_that_are_decided(store: Store) -> None:
    entry = {"id": "t", "number": 1, "action": "created", "rule": "big", "item": None}
    once, again = event_row(), event_row(tasks=[entry], replays=3)
    await _add(store, once, again, event_row(id=new_id(), status="accepted"))
    waiting = event_row(status="accepted")
    await _add(store, waiting)

    async with store.begin() as conn:
        found = await earlier_runs(conn, [once["id"], again["id"], waiting["id"], new_id()])
        assert await earlier_runs(conn, []) == {}

    assert found == {
        once["id"]: {"id": once["id"], "replays": 0, "tasks": []},
        again["id"]: {"id": again["id"], "replays": 3, "tasks": [entry]},
    }


async def test_the_oldest_come_first_page_by_page(store: Store) -> None:
    rows = [event_row(status="undecided") for _ in range(5)]
    await _add(store, *rows)
    ids = [row["id"] for row in rows]
    everything = EventFilter()

    assert await _oldest(store, everything, 2, None) == ids[:2]
    assert await _oldest(store, everything, 2, ids[1]) == ids[2:4]
    assert await _oldest(store, everything, 9, ids[3]) == ids[4:]
    assert await _oldest(store, everything, 9, ids[4]) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), [0, 1, 2, 3]),
        (EventFilter(status="undecided"), [0, 1, 3]),
        (EventFilter(status="undecided", connector="shop"), [0, 3]),
        (EventFilter(since_ms=NOW_MS + HOUR_MS), [3]),
        (EventFilter(until_ms=NOW_MS + HOUR_MS), [0, 1, 2]),
        (EventFilter(connector="\x00"), []),
    ],
)
async def test_a_filter_finds_the_same_to_replay_and_to_count(
    store: Store, wanted: EventFilter, found: list[int]
) -> None:
    rows = [
        event_row(status="undecided"),
        event_row(status="undecided", connector="desk"),
        event_row(status="routed"),
        event_row(status="undecided", received_ms=NOW_MS + HOUR_MS),
    ]
    await _add(store, *rows)

    assert await _oldest(store, wanted, 9, None) == [rows[number]["id"] for number in found]
    async with store.connect() as conn:
        counts = await count_events(conn, wanted)
    assert sum(counts.values()) == len(found)
    assert counts.get("desk", 0) == (1 in found)


async def test_events_are_had_by_their_ids_whole_or_short(store: Store) -> None:
    row = event_row(body=b"\x00\xff exact", headers={"a": "b"}, query={"c": "d"})
    await _add(store, row, event_row())

    async with store.connect() as conn:
        whole = await whole_events(conn, [row["id"], new_id()])
        short = await short_events(conn, [row["id"], new_id()])
        assert await whole_events(conn, []) == await short_events(conn, []) == {}

    assert list(whole) == list(short) == [row["id"]]
    assert (whole[row["id"]]["body"], whole[row["id"]]["headers"]) == (
        b"\x00\xff exact",
        {"a": "b"},
    )
    missing = whole[row["id"]].keys() - short[row["id"]].keys()
    assert missing == {"headers", "query", "body"}
