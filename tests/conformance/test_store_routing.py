"""The routing transaction: idempotent writes, claims, keys, numbers, and what comes first."""

from __future__ import annotations

import asyncio

import pytest

from router.core.errors import StoreError
from router.core.store.deliveries import get_delivery
from router.core.store.engine import Store, open_store
from router.core.store.events import get_event
from router.core.store.migrate import upgrade
from router.core.store.routing import (
    Writes,
    allocate_numbers,
    claims_of,
    copies_of,
    decided,
    lock_scopes,
    tasks_of_keys,
    write,
)
from router.core.store.schema import Row
from router.core.store.tasks import get_task, task_history
from tests.support.rows import (
    HOUR_MS,
    NOW_MS,
    claim_row,
    closed,
    delivery_row,
    event_row,
    history_row,
    new_id,
    task_row,
)


async def _write(store: Store, **rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(**rows))


async def _task(store: Store, task_id: str) -> Row:
    async with store.connect() as conn:
        found = await get_task(conn, task_id)
    assert found is not None
    return found


async def _event(store: Store, event_id: str) -> Row:
    async with store.connect() as conn:
        found = await get_event(conn, event_id)
    assert found is not None
    return found


async def _delivery(store: Store, row: Row) -> Row:
    async with store.connect() as conn:
        found = await get_delivery(conn, row["id"])
    assert found is not None
    return found


async def test_nothing_to_write_is_nothing_written(store: Store) -> None:
    await _write(store)
    async with store.begin() as conn:
        assert await decided(conn, []) == set()
        assert await claims_of(conn, []) == {}
        assert await tasks_of_keys(conn, set()) == {}
        assert await allocate_numbers(conn, 0) == []


async def test_a_batch_is_read_back_as_it_was_written(store: Store) -> None:
    event = event_row(
        type="orders/create",
        delivery_id="4d3e",
        headers={"x-topic": "a"},
        query={"b": "c"},
        body=b"\x00\xff exact",
        remote="203.0.113.9",
        decisions=[{"rule": "big", "why": []}],
    )
    task = task_row(key="order-1", all_day=True, due_ms=NOW_MS, labels=["shopify"])
    change = history_row(task["id"], event_id=event["id"], rule="big", fields={"title": {"to": 1}})
    await _write(store, events=[event], new_tasks=[task], history=[change])
    stored = await _event(store, event["id"])
    assert stored == dict.fromkeys(stored) | {"replays": 0} | event
    stored = await _task(store, task["id"])
    assert stored == dict.fromkeys(stored) | task
    async with store.connect() as conn:
        assert await task_history(conn, task["id"]) == [
            {"event_id": None, "rule": None, "actor": None, "note": None} | change
        ]


async def test_writing_a_batch_twice_changes_nothing(store: Store) -> None:
    event, task = event_row(), task_row(title="first")
    claim, change = claim_row("k", event["id"]), history_row(task["id"])
    delivery = delivery_row(task["id"])
    batch = {
        "events": [event],
        "claims": [claim],
        "new_tasks": [task],
        "history": [change],
        "deliveries": [delivery],
    }
    await _write(store, **batch)
    again = {
        "events": [event | {"status": "failed"}],
        "claims": [claim | {"event_id": "another"}],
        "new_tasks": [task | {"title": "second", "number": 2}],
        "history": [change | {"action": "updated"}],
        "deliveries": [delivery | {"next_attempt_ms": 0}],
    }
    await _write(store, **again)
    assert (await _event(store, event["id"]))["status"] == "routed"
    assert (await _task(store, task["id"]))["title"] == "first"
    assert (await _delivery(store, delivery))["next_attempt_ms"] == NOW_MS
    async with store.connect() as conn:
        assert [row["action"] for row in await task_history(conn, task["id"])] == ["created"]
        assert (await claims_of(conn, [("shop", "k")]))["shop", "k"]["event_id"] == event["id"]


async def test_a_row_without_a_column_it_needs_is_refused(store: Store) -> None:
    event = event_row()
    del event["status"]
    with pytest.raises(KeyError, match="status"):
        await _write(store, events=[event])


async def test_a_batch_is_written_as_a_whole_or_not_at_all(store: Store) -> None:
    event = event_row()
    with pytest.raises(StoreError):
        await _write(store, events=[event], new_tasks=[task_row(), task_row()])  # one number twice
    async with store.connect() as conn:
        assert await get_event(conn, event["id"]) is None


async def test_an_event_that_is_replayed_is_decided_again_but_keeps_what_came_in(
    store: Store,
) -> None:
    came_in = {
        "body": b"as sent",
        "received_ms": NOW_MS,
        "type": "orders/create",
        "delivery_id": "4d3e",
        "remote": "203.0.113.9",
        "headers": {"x-topic": "a"},
        "query": {"b": "c"},
        "content_type": "application/json",
    }
    event = event_row(status="undecided", **came_in)
    await _write(store, events=[event])
    bare = {"body": b"other", "received_ms": 0, "type": None, "delivery_id": None, "remote": None}
    bare |= {"headers": {}, "query": {}, "content_type": ""}
    await _write(store, events=[event | {"status": "routed", "replays": 1} | bare])
    stored = await _event(store, event["id"])
    assert (stored["status"], stored["replays"]) == ("routed", 1)
    assert {name: stored[name] for name in bare} == came_in
    await _write(store, events=[event | {"status": "dropped", "replays": 1}])
    assert (await _event(store, event["id"]))["status"] == "routed"


async def test_an_event_stored_as_accepted_is_not_decided_and_gets_its_outcome(
    store: Store,
) -> None:
    waiting, done = event_row(status="accepted", decided_ms=None), event_row()
    await _write(store, events=[waiting, done])
    async with store.connect() as conn:
        assert await decided(conn, [waiting["id"], done["id"], "unknown"]) == {done["id"]}
    await _write(store, events=[waiting | {"status": "dropped", "decided_ms": NOW_MS}])
    assert (await _event(store, waiting["id"]))["status"] == "dropped"


async def test_a_claim_gives_way_when_its_window_is_over_and_not_before(store: Store) -> None:
    await _write(store, claims=[claim_row("k", "first")])
    at_the_end = claim_row("k", "second", received_ms=NOW_MS + HOUR_MS)
    await _write(store, claims=[at_the_end, claim_row("other", "third")])
    async with store.connect() as conn:
        found = await claims_of(conn, [("shop", "k"), ("shop", "other"), ("shop", "none")])
    assert {key: row["event_id"] for key, row in found.items()} == {
        ("shop", "k"): "first",
        ("shop", "other"): "third",
    }
    after = NOW_MS + HOUR_MS + 1
    await _write(store, claims=[claim_row("k", "fourth", received_ms=after, until_ms=after + 5)])
    async with store.connect() as conn:
        row = (await claims_of(conn, [("shop", "k")]))["shop", "k"]
    assert (row["event_id"], row["received_ms"], row["until_ms"]) == ("fourth", after, after + 5)


async def test_the_same_key_of_two_connectors_is_two_claims(store: Store) -> None:
    await _write(store, claims=[claim_row("k", "a"), claim_row("k", "b", connector="other")])
    async with store.connect() as conn:
        found = await claims_of(conn, [("shop", "k"), ("other", "k")])
    assert found["shop", "k"]["event_id"] == "a"
    assert found["other", "k"]["event_id"] == "b"


async def test_the_task_of_a_key_is_the_open_one_else_the_one_closed_last(store: Store) -> None:
    rows = [
        closed(task_row(key="both", number=1), NOW_MS + 9),
        task_row(key="both", number=2),
        closed(task_row(key="closed", number=3), NOW_MS + 1),
        closed(task_row(key="closed", number=4), NOW_MS + 3),
        closed(task_row(key="closed", number=5), NOW_MS + 2),
        task_row(key="deleted", number=6, deleted_ms=NOW_MS),
        closed(task_row(key="deleted", number=7), NOW_MS),
        closed(task_row(key="deleted", number=8, deleted_ms=NOW_MS), NOW_MS + 5),
        task_row(key="both", number=9, scope="other"),
        task_row(key="doing", number=10, status="doing", status_kind="in_progress"),
    ]
    await _write(store, new_tasks=rows)
    wanted = [("shop", key) for key in ("both", "closed", "deleted", "doing", "none")]
    async with store.begin() as conn:
        found = await tasks_of_keys(conn, [*wanted, ("other", "both")])
    assert {key: row["number"] for key, row in found.items()} == {
        ("shop", "both"): 2,
        ("shop", "closed"): 4,
        ("shop", "deleted"): 7,
        ("shop", "doing"): 10,
        ("other", "both"): 9,
    }
    assert found["shop", "both"] == dict.fromkeys(found["shop", "both"]) | {
        "all_day": False,
        **rows[1],
    }


async def test_a_second_open_task_of_a_key_is_an_error_and_never_lost_silently(
    store: Store,
) -> None:
    await _write(store, new_tasks=[task_row(key="k")])
    with pytest.raises(StoreError, match="refused") as refused:
        await _write(store, new_tasks=[task_row(key="k", number=2, title="private words")])
    assert "private" not in str(refused.value)
    await _write(store, new_tasks=[task_row(key="k", number=2, scope="shared:x")])


async def test_a_task_closed_and_another_opened_with_its_key_is_one_batch(store: Store) -> None:
    first = task_row(key="k")
    await _write(store, new_tasks=[first])
    second = task_row(key="k", number=2)
    await _write(store, changed_tasks=[closed(first, NOW_MS)], new_tasks=[second])
    async with store.begin() as conn:
        assert (await tasks_of_keys(conn, [("shop", "k")]))["shop", "k"]["id"] == second["id"]
    assert (await _task(store, first["id"]))["status"] == "done"


async def test_a_changed_task_keeps_its_number_and_its_birthday(store: Store) -> None:
    task = task_row(number=7, description="gone afterwards")
    await _write(store, new_tasks=[task])
    changed = task | {"title": "new", "version": 2, "number": 99, "created_ms": 0}
    del changed["description"]
    await _write(store, changed_tasks=[changed])
    stored = await _task(store, task["id"])
    assert (stored["title"], stored["version"]) == ("new", 2)
    assert (stored["number"], stored["created_ms"]) == (7, NOW_MS)
    assert stored["description"] is None


async def test_numbers_rise_and_never_repeat(store: Store) -> None:
    async with store.begin() as conn:
        assert await allocate_numbers(conn, 3) == [1, 2, 3]
    async with store.begin() as conn:
        assert await allocate_numbers(conn, 1) == [4]
        assert await allocate_numbers(conn, 2) == [5, 6]

    async def some() -> list[int]:
        async with store.begin() as conn:
            return await allocate_numbers(conn, 5)

    taken = [
        number
        for numbers in await asyncio.gather(*(some() for _ in range(6)))
        for number in numbers
    ]
    assert sorted(taken) == list(range(7, 37))


async def test_copies_are_known_by_their_destinations(store: Store) -> None:
    one, two, none = task_row(), task_row(number=2), task_row(number=3)
    copies = [delivery_row(one["id"], "crm"), delivery_row(one["id"], "chat")]
    await _write(
        store, new_tasks=[one, two, none], deliveries=[*copies, delivery_row(two["id"], "crm")]
    )
    async with store.connect() as conn:
        found = await copies_of(conn, [one["id"], two["id"], none["id"]])
    assert {task: sorted(names) for task, names in found.items()} == {
        one["id"]: ["chat", "crm"],
        two["id"]: ["crm"],
    }


@pytest.mark.parametrize(
    ("state", "then", "due"),
    [
        ("current", "pending", NOW_MS + 50),
        ("pending", "pending", NOW_MS),
        ("retrying", "retrying", NOW_MS),
        ("uncertain", "uncertain", NOW_MS),
        ("held", "held", NOW_MS),
        ("failed", "failed", NOW_MS),
        ("dropped", "dropped", NOW_MS),
    ],
)
async def test_a_later_version_is_wanted_of_every_copy_but_only_a_current_one_is_sent_at_once(
    store: Store, state: str, then: str, due: int
) -> None:
    delivery = delivery_row(new_id(), state=state)
    await _write(store, deliveries=[delivery])
    later = {"wanted_version": 3, "next_attempt_ms": NOW_MS + 50, "updated_ms": NOW_MS + 50}
    await _write(store, deliveries=[delivery | {"state": "pending"} | later])
    stored = await _delivery(store, delivery)
    assert stored["wanted_version"] == 3
    assert (stored["state"], stored["next_attempt_ms"]) == (then, due)
    await _write(store, deliveries=[delivery | {"wanted_version": 2}])
    assert (await _delivery(store, delivery))["wanted_version"] == 3


async def test_transactions_of_a_scope_follow_each_other_and_see_what_was_written(
    store: Store,
) -> None:
    """Two workers with the same duplicate: whoever comes second sees the first one's claim."""
    entered = asyncio.Event()
    let_go = asyncio.Event()

    async def first() -> None:
        async with store.begin() as conn:
            await lock_scopes(conn, ["shop", "shared:x", "shop"])
            entered.set()
            await let_go.wait()
            await write(conn, Writes(claims=[claim_row("k", "first")]))

    async def second() -> Row:
        await entered.wait()
        async with store.begin() as conn:
            await lock_scopes(conn, ["other", "shared:x"])
            return (await claims_of(conn, [("shop", "k")]))["shop", "k"]

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        waiting = group.create_task(second())
        await entered.wait()
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        let_go.set()
    assert waiting.result()["event_id"] == "first"


@pytest.mark.postgresql
async def test_transactions_of_different_scopes_do_not_wait_for_each_other(
    postgres_url: str,
) -> None:
    await upgrade(postgres_url)
    store = await open_store(postgres_url)
    async with store.begin() as one, store.begin() as two:
        await lock_scopes(one, ["shop"])
        await lock_scopes(two, ["other"])
        await lock_scopes(two, [])
    await store.close()
