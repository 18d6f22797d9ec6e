"""Lists: newest first, filters, pages that stay valid while rows are added."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.event import IncomingEvent
from router.core.store.deliveries import DeliveryFilter, get_delivery, list_deliveries
from router.core.store.engine import Store
from router.core.store.events import EventFilter, accepted_row, get_event, list_events
from router.core.store.page import MOST, BadCursorError, Page
from router.core.store.refusals import RefusalFilter, add_refusals, list_refusals
from router.core.store.routing import Writes, write
from router.core.store.schema import Row, events
from router.core.store.tasks import (
    TaskFilter,
    deliveries_of,
    get_task,
    get_tasks,
    list_tasks,
    task_deliveries,
    task_history,
)
from tests.support.rows import (
    NOW_MS,
    delivery_row,
    event_row,
    history_row,
    new_id,
    refusal_row,
    task_row,
)

List = Callable[..., Awaitable[Page]]


async def _write(store: Store, **rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(**rows))


async def _add_events(store: Store, count: int) -> list[str]:
    rows = [event_row() for _ in range(count)]
    await _write(store, events=rows)
    return [row["id"] for row in rows]


async def _add_tasks(store: Store, count: int) -> list[str]:
    async with store.connect() as conn:
        first = len((await list_tasks(conn, TaskFilter(), limit=MOST)).rows) + 1
    rows = [task_row(number=first + index) for index in range(count)]
    await _write(store, new_tasks=rows)
    return [row["id"] for row in rows]


async def _add_deliveries(store: Store, count: int) -> list[str]:
    rows = [delivery_row(new_id()) for _ in range(count)]
    await _write(store, deliveries=rows)
    return [row["id"] for row in rows]


async def _add_refusals(store: Store, count: int) -> list[str]:
    rows = [refusal_row() for _ in range(count)]
    async with store.begin() as conn:
        await add_refusals(conn, rows)
        await add_refusals(conn, rows)
    return [row["id"] for row in rows]


KINDS: list[tuple[List, Any, Callable[[Store, int], Awaitable[list[str]]]]] = [
    (list_events, EventFilter(), _add_events),
    (list_tasks, TaskFilter(), _add_tasks),
    (list_deliveries, DeliveryFilter(), _add_deliveries),
    (list_refusals, RefusalFilter(), _add_refusals),
]
every_list = pytest.mark.parametrize(
    ("listing", "everything", "add"), KINDS, ids=[kind[0].__name__ for kind in KINDS]
)


@every_list
async def test_pages_are_newest_first_and_end(
    store: Store, listing: List, everything: Any, add: Callable[[Store, int], Awaitable[list[str]]]
) -> None:
    added = await add(store, 7)
    seen: list[str] = []
    sizes: list[int] = []
    cursor: str | None = None
    async with store.connect() as conn:
        while True:
            page = await listing(conn, everything, limit=3, cursor=cursor)
            seen += [row["id"] for row in page.rows]
            sizes.append(len(page.rows))
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == sorted(added, reverse=True)
    assert sizes == [3, 3, 1]


@every_list
async def test_a_last_page_that_is_full_says_that_it_is_the_last(
    store: Store, listing: List, everything: Any, add: Callable[[Store, int], Awaitable[list[str]]]
) -> None:
    await add(store, 2)
    async with store.connect() as conn:
        assert (await listing(conn, everything, limit=2)).next_cursor is None
        assert (await listing(conn, everything, limit=1)).next_cursor is not None


@every_list
async def test_a_cursor_stays_valid_while_rows_are_added(
    store: Store, listing: List, everything: Any, add: Callable[[Store, int], Awaitable[list[str]]]
) -> None:
    old = sorted(await add(store, 4), reverse=True)
    async with store.connect() as conn:
        page = await listing(conn, everything, limit=2)
    await add(store, 3)
    async with store.connect() as conn:
        rest = await listing(conn, everything, limit=9, cursor=page.next_cursor)
    assert [row["id"] for row in page.rows + rest.rows] == old


@every_list
async def test_a_limit_is_cut_to_what_is_allowed(
    store: Store, listing: List, everything: Any, add: Callable[[Store, int], Awaitable[list[str]]]
) -> None:
    await add(store, MOST + 1)
    async with store.connect() as conn:
        assert len((await listing(conn, everything, limit=10**6)).rows) == MOST
        assert len((await listing(conn, everything)).rows) == 50
        assert len((await listing(conn, everything, limit=0)).rows) == 1


@every_list
@pytest.mark.parametrize(
    "cursor",
    ["", "x", "äö", "\x00", "MTAw==", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "AAAA", "=" * 9],
)
async def test_a_bad_cursor_is_said_to_be_one(
    store: Store, listing: List, everything: Any, add: object, cursor: str
) -> None:
    async with store.connect() as conn:
        with pytest.raises(BadCursorError):
            await listing(conn, everything, cursor=cursor)


async def _ids(conn: AsyncConnection, listing: List, wanted: object) -> set[str]:
    return {row["id"] for row in (await listing(conn, wanted)).rows}


async def test_events_are_filtered(store: Store) -> None:
    one = event_row(connector="shop", status="routed", received_ms=NOW_MS)
    two = event_row(connector="shop", status="failed", received_ms=NOW_MS + 10)
    three = event_row(connector="alerts", status="routed", received_ms=NOW_MS + 20)
    await _write(store, events=[one, two, three])
    expected = [
        (EventFilter(), {one["id"], two["id"], three["id"]}),
        (EventFilter(status="routed"), {one["id"], three["id"]}),
        (EventFilter(connector="shop"), {one["id"], two["id"]}),
        (EventFilter(connector="shop", status="failed"), {two["id"]}),
        (EventFilter(since_ms=NOW_MS + 10), {two["id"], three["id"]}),
        (EventFilter(until_ms=NOW_MS + 10), {one["id"]}),
        (EventFilter(since_ms=NOW_MS + 1, until_ms=NOW_MS + 20), {two["id"]}),
        (EventFilter(connector="\x00\ud800"), set()),
        (EventFilter(status="'; DROP TABLE events; --"), set()),
    ]
    async with store.connect() as conn:
        for wanted, ids in expected:
            assert await _ids(conn, list_events, wanted) == ids, wanted


async def test_a_list_of_events_leaves_out_what_is_heavy(store: Store) -> None:
    await _write(store, events=[event_row()])
    async with store.connect() as conn:
        (row,) = (await list_events(conn, EventFilter())).rows
    assert set(events.c.keys()) - set(row) == {"headers", "query", "body"}


async def test_an_accepted_event_has_a_row_like_any_other(store: Store) -> None:
    event = IncomingEvent(
        id=new_id(),
        connector="shop",
        received_ms=NOW_MS,
        body=b"\xff",
        content_type="text/plain",
        type="orders/create",
        delivery_id="d",
        headers={"a": "b"},
        query={"c": "d"},
        remote="203.0.113.9",
    )
    row = accepted_row(event)
    await _write(store, events=[row])
    async with store.connect() as conn:
        assert await get_event(conn, event.id) == row


async def test_tasks_are_filtered(store: Store) -> None:
    one = task_row(
        number=1,
        key="order-1",
        title="Fulfil order #1001",
        assignees=["jane", "joe"],
        labels=["shopify", "big"],
    )
    two = task_row(
        number=2,
        key="order-2",
        description="100% of ORDER_5\nis here",
        status="done",
        status_kind="done",
        labels=["big"],
        scope="shared:x",
        created_ms=NOW_MS + 10,
    )
    three = task_row(
        number=3,
        title="Disk full",
        assignees=["joe"],
        created_ms=NOW_MS + 20,
        source=one["source"] | {"connector": "alerts"},
    )
    gone = task_row(number=4, deleted_ms=NOW_MS)
    await _write(store, new_tasks=[one, two, three, gone])
    expected = [
        (TaskFilter(), [1, 2, 3]),
        (TaskFilter(status="open"), [1, 3]),
        (TaskFilter(status="done"), [2]),
        (TaskFilter(connector="shop"), [1, 2]),
        (TaskFilter(connector="alerts"), [3]),
        (TaskFilter(assignee="joe"), [1, 3]),
        (TaskFilter(assignee="jo"), []),
        (TaskFilter(label="big"), [1, 2]),
        (TaskFilter(label="big", assignee="jane"), [1]),
        (TaskFilter(label='"big"'), []),
        (TaskFilter(key="order-2"), [2]),
        (TaskFilter(key="order"), []),
        (TaskFilter(since_ms=NOW_MS + 10), [2, 3]),
        (TaskFilter(until_ms=NOW_MS + 10), [1]),
        (TaskFilter(q="ORDER"), [1, 2]),
        (TaskFilter(q="order #1"), [1]),
        (TaskFilter(q="100%"), [2]),
        (TaskFilter(q="er_5"), [2]),
        (TaskFilter(q="%"), [2]),
        (TaskFilter(q="_"), [2]),
        (TaskFilter(q="\\"), []),
        (TaskFilter(q="\x00"), []),
        (TaskFilter(label="\x00"), []),
        (TaskFilter(connector="\ud800", assignee="\x00", key="\x00", status="\x00"), []),
    ]
    async with store.connect() as conn:
        for wanted, numbers in expected:
            page = await list_tasks(conn, wanted)
            assert sorted(row["number"] for row in page.rows) == numbers, wanted


async def test_a_deleted_task_is_found_only_where_its_copies_are_looked_after(
    store: Store,
) -> None:
    gone = task_row(deleted_ms=NOW_MS)
    await _write(store, new_tasks=[gone])
    async with store.connect() as conn:
        assert await get_task(conn, gone["id"]) is None
        assert set(await get_tasks(conn, [gone["id"], new_id()])) == {gone["id"]}
        assert await get_tasks(conn, []) == {}


async def test_history_is_oldest_first_and_of_one_event_in_its_order(store: Store) -> None:
    task = task_row()
    first, second = history_row(task["id"]), history_row(task["id"], action="counted")
    third = history_row(task["id"], at_ms=NOW_MS + 1, action="completed", note="done")
    await _write(store, new_tasks=[task], history=[third, second, first, history_row(new_id())])
    async with store.connect() as conn:
        found = await task_history(conn, task["id"])
    assert [row["id"] for row in found] == [first["id"], second["id"], third["id"]]


async def test_copies_of_tasks_are_listed_by_destination(store: Store) -> None:
    one, two = task_row(), task_row(number=2)
    copies = [delivery_row(one["id"], name) for name in ("crm", "board", "chat")]
    await _write(store, new_tasks=[one, two], deliveries=copies)
    async with store.connect() as conn:
        listed = await task_deliveries(conn, one["id"])
        found = await deliveries_of(conn, [one["id"], two["id"]])
    assert [row["destination"] for row in listed] == ["board", "chat", "crm"]
    assert found == {one["id"]: listed, two["id"]: []}


async def test_deliveries_are_filtered_and_found(store: Store) -> None:
    task = new_id()
    one, two = delivery_row(task, "crm"), delivery_row(task, "chat", state="failed")
    three = delivery_row(new_id(), "crm", state="failed")
    await _write(store, deliveries=[one, two, three])
    expected = [
        (DeliveryFilter(state="failed"), {two["id"], three["id"]}),
        (DeliveryFilter(destination="crm"), {one["id"], three["id"]}),
        (DeliveryFilter(task_id=task), {one["id"], two["id"]}),
        (DeliveryFilter(task_id=task, state="failed"), {two["id"]}),
    ]
    async with store.connect() as conn:
        for wanted, ids in expected:
            assert await _ids(conn, list_deliveries, wanted) == ids, wanted
        found = await get_delivery(conn, one["id"])
        assert found is not None
        assert (found["attempts"], found["delivered_version"]) == (0, 0)
        assert await get_delivery(conn, new_id()) is None
        assert await get_delivery(conn, "x") is None


async def test_refusals_are_filtered(store: Store) -> None:
    one = refusal_row()
    two = refusal_row(
        connector="alerts", status=413, at_ms=NOW_MS + 10, code="too-large", remote="2001:db8::7"
    )
    async with store.begin() as conn:
        await add_refusals(conn, [one, two])
        await add_refusals(conn, [])
    expected = [
        (RefusalFilter(connector="shop"), {one["id"]}),
        (RefusalFilter(status=413), {two["id"]}),
        (RefusalFilter(code="too-large"), {two["id"]}),
        (RefusalFilter(remote="203.0.113.9"), {one["id"]}),
        (RefusalFilter(since_ms=NOW_MS + 1), {two["id"]}),
        (RefusalFilter(until_ms=NOW_MS + 10), {one["id"]}),
    ]
    async with store.connect() as conn:
        for wanted, ids in expected:
            assert await _ids(conn, list_refusals, wanted) == ids, wanted
        (row,) = (await list_refusals(conn, RefusalFilter(status=401))).rows
    assert row == one
