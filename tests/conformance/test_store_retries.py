"""What people do about deliveries: try again, say where the copy is, give up; and finding them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.core.store import retries
from router.core.store.deliveries import (
    DeliveryFilter,
    claim_due,
    count_deliveries,
    get_deliveries,
    get_delivery,
    list_deliveries,
    oldest_ids,
    set_intents,
    unsettled_counts,
)
from router.core.store.engine import Store
from router.core.store.retries import CREDENTIALS, Handled
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from tests.support.rows import HOUR_MS, NOW_MS, delivery_row, new_id

LATER_MS = NOW_MS + HOUR_MS
KEPT = {"method": "POST", "url": "https://x.example", "version": 1, "then": 1}
MAY_EXIST = {**KEPT, "may_exist": True}


async def _add(store: Store, destination: str = "crm", **given: Any) -> Row:
    row = delivery_row(new_id(), destination, **given)
    async with store.begin() as conn:
        await write(conn, Writes(deliveries=[row]))
    return row


async def _stored(store: Store, row: Row) -> Row:
    async with store.connect() as conn:
        found = await get_delivery(conn, row["id"])
    assert found is not None
    return found


async def _retry(store: Store, *ids: str) -> Handled:
    async with store.begin() as conn:
        return await retries.retry(conn, ids, now_ms=LATER_MS)


@pytest.mark.parametrize("state", ["failed", "held", "dropped", "retrying", "pending"])
async def test_a_retry_starts_anew_whatever_the_state(store: Store, state: str) -> None:
    row = await _add(
        store,
        state=state,
        attempts=9,
        first_attempt_ms=1,
        next_attempt_ms=None,
        reason={"code": "gave-up", "message": "m"},
    )

    handled = await _retry(store, row["id"])

    found = await _stored(store, row)
    assert [each["id"] for each in handled.rows] == [row["id"]]
    assert (found["state"], found["reason"], found["attempts"]) == ("pending", None, 0)
    assert (found["first_attempt_ms"], found["next_attempt_ms"]) == (None, LATER_MS)
    assert found["updated_ms"] == LATER_MS


async def test_the_first_attempt_after_a_retry_is_counted_from_its_own_time(store: Store) -> None:
    row = await _add(store, state="failed", attempts=9, first_attempt_ms=1)
    await _retry(store, row["id"])
    async with store.begin() as conn:
        await claim_due(conn, "crm", owner="w1", now_ms=LATER_MS, lease_ms=HOUR_MS, limit=1)
        intent = {
            "id": row["id"],
            "intent": {"kind": "create", "version": 1, "at_ms": LATER_MS},
            "first_attempt_ms": LATER_MS,
        }
        await set_intents(conn, [intent], owner="w1", now_ms=LATER_MS + 5)

    assert (await _stored(store, row))["first_attempt_ms"] == LATER_MS


async def test_an_uncertain_one_is_looked_for_at_once(store: Store) -> None:
    row = await _add(
        store,
        state="uncertain",
        next_attempt_ms=LATER_MS + 99,
        create_request=MAY_EXIST,
        reason={"code": "no-answer", "message": "m"},
    )

    await _retry(store, row["id"])

    found = await _stored(store, row)
    assert (found["state"], found["create_request"]) == ("uncertain", MAY_EXIST)
    assert (found["next_attempt_ms"], found["reason"]["code"]) == (LATER_MS, "no-answer")


@pytest.mark.parametrize(
    ("code", "kept", "left"),
    [
        ("uncertain", MAY_EXIST, None),
        ("credentials", MAY_EXIST, MAY_EXIST),
        ("gave-up", MAY_EXIST, MAY_EXIST),
        ("credentials", KEPT, None),
        ("gave-up", None, None),
    ],
)
async def test_a_creation_is_made_anew_unless_it_may_have_worked_and_nobody_has_looked(
    store: Store, code: str, kept: Any, left: Any
) -> None:
    reason = {"code": code, "message": "m"}
    row = await _add(store, state="held", reason=reason, create_request=kept)

    await _retry(store, row["id"])

    assert (await _stored(store, row))["create_request"] == left


async def test_what_cannot_be_done_is_said_and_leaves_everything_as_it_is(store: Store) -> None:
    current = await _add(store, state="current", delivered_version=1)
    under_way = await _add(store, intent={"kind": "create"}, lease_owner="w1", lease_until_ms=1)
    failed = await _add(store, state="failed")
    unknown = new_id()
    ids = [current["id"], under_way["id"], failed["id"], unknown, "nonsense"]

    handled = await _retry(store, *ids, failed["id"])
    async with store.begin() as conn:
        dropped = await retries.drop(conn, ids[:2], "why", now_ms=LATER_MS)

    refused = {current["id"]: "is-current", under_way["id"]: "in-hand"}
    assert handled.refused == refused | {unknown: "not-found", "nonsense": "not-found"}
    assert [row["id"] for row in handled.rows] == [failed["id"]]
    assert dropped.refused == refused
    assert (await _stored(store, current))["updated_ms"] == current["updated_ms"]


async def test_a_dropped_one_is_not_sent_and_a_change_of_its_task_does_not_wake_it(
    store: Store,
) -> None:
    row = await _add(store, state="retrying")

    async with store.begin() as conn:
        await retries.drop(conn, [row["id"]], "no such customer", now_ms=LATER_MS)
        await write(conn, Writes(deliveries=[row | {"wanted_version": 2}]))
        due = await claim_due(conn, "crm", owner="w", now_ms=2**50, lease_ms=1, limit=9)

    found = await _stored(store, row)
    assert due == []
    assert (found["state"], found["reason"]["message"]) == ("dropped", "no such customer")


@pytest.mark.parametrize(
    ("kept", "wanted", "state", "version"),
    [(MAY_EXIST, 1, "current", 1), (MAY_EXIST, 2, "pending", 1), (None, 1, "pending", 0)],
)
async def test_a_copy_that_was_found_is_adopted_and_made_current(
    store: Store, kept: Any, wanted: int, state: str, version: int
) -> None:
    row = await _add(store, state="held", create_request=kept, wanted_version=wanted)

    async with store.begin() as conn:
        await retries.adopt(conn, row["id"], "task/77", now_ms=LATER_MS)
        again = await retries.adopt(conn, row["id"], "task/78", now_ms=LATER_MS)

    found = await _stored(store, row)
    assert (found["external_id"], found["state"], found["delivered_version"]) == (
        "task/77",
        state,
        version,
    )
    assert (found["create_request"], found["next_attempt_ms"]) == (
        None,
        None if state == "current" else LATER_MS,
    )
    assert again.refused == {row["id"]: "is-current" if state == "current" else "has-copy"}


async def test_what_is_held_for_a_reason_is_released_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "_PAGE", 2)
    reason = {"code": CREDENTIALS, "message": "m"}
    held = [await _add(store, state="held", reason=reason) for _ in range(5)]
    other = await _add(store, state="held", reason={"code": "uncertain", "message": "m"})
    elsewhere = await _add(store, "desk", state="held", reason=reason)

    assert await retries.release(store, "crm", CREDENTIALS, now_ms=LATER_MS) == 5

    assert {(await _stored(store, row))["state"] for row in held} == {"pending"}
    assert (await _stored(store, other))["state"] == "held"
    assert (await _stored(store, elsewhere))["state"] == "held"


async def test_two_who_retry_and_drop_at_once_leave_one_outcome(store: Store) -> None:
    rows = [await _add(store, state="failed") for _ in range(20)]
    ids = [row["id"] for row in rows]

    async def drop() -> Handled:
        async with store.begin() as conn:
            return await retries.drop(conn, ids, "why", now_ms=LATER_MS)

    retried, dropped = await asyncio.gather(_retry(store, *ids), drop())

    assert len(retried.rows) == len(dropped.rows) == 20
    states = {(await _stored(store, row))["state"] for row in rows}
    assert len(states) == 1


async def test_deliveries_are_found_by_what_is_asked_oldest_first_or_counted(store: Store) -> None:
    rows = [
        await _add(store, state="failed", updated_ms=NOW_MS - HOUR_MS),
        await _add(store, state="failed"),
        await _add(store, "desk", state="failed"),
        await _add(store, state="held"),
        await _add(store, state="current"),
    ]
    ids = [row["id"] for row in rows]

    async def found(**wanted: Any) -> list[str]:
        async with store.connect() as conn:
            return await oldest_ids(conn, DeliveryFilter(**wanted))

    async with store.connect() as conn:
        page = await list_deliveries(conn, DeliveryFilter(state="failed"), limit=2)
        rest = await list_deliveries(
            conn, DeliveryFilter(state="failed"), limit=2, cursor=page.next_cursor
        )
        number = await count_deliveries(conn, DeliveryFilter(destination="crm"))
        after = await oldest_ids(conn, DeliveryFilter(), after=ids[1], limit=2)
        by_id = await get_deliveries(conn, [ids[0], "nonsense", new_id()])
        counts = await unsettled_counts(conn)

    assert [row["id"] for row in (*page.rows, *rest.rows)] == ids[:3][::-1]
    assert await found(state="failed") == ids[:3]
    assert await found(state="failed", destination="crm", since_ms=NOW_MS) == [ids[1]]
    assert await found(until_ms=NOW_MS) == [ids[0]]
    assert (number, after) == (4, ids[2:4])
    assert [row["id"] for row in by_id] == [ids[0]]
    assert counts == {("crm", "failed"): 2, ("crm", "held"): 1, ("desk", "failed"): 1}
