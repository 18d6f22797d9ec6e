"""Deliveries: claimed by one, guarded by a lease, found again after a crash."""

from __future__ import annotations

import asyncio

from router.core.store.deliveries import (
    abandoned_intents,
    add_attempts,
    claim_due,
    due_destinations,
    finish_attempts,
    get_delivery,
    give_back,
    next_due_ms,
    send_again,
    set_intents,
)
from router.core.store.engine import Store
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from tests.support.rows import NOW_MS, attempt_row, delivery_row, new_id

LEASE_MS = 60_000


async def _add(store: Store, *rows: Row) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(deliveries=list(rows)))


async def _claim(
    store: Store,
    owner: str = "w1",
    *,
    now_ms: int = NOW_MS,
    destination: str = "crm",
    limit: int = 99,
) -> list[Row]:
    async with store.begin() as conn:
        return await claim_due(
            conn, destination, owner=owner, now_ms=now_ms, lease_ms=LEASE_MS, limit=limit
        )


async def _intend(store: Store, row: Row, owner: str = "w1", *, now_ms: int = NOW_MS) -> bool:
    async with store.begin() as conn:
        intent = {"id": row["id"], "intent": {"kind": "create", "version": 1, "at_ms": now_ms}}
        return await set_intents(conn, [intent], owner=owner, now_ms=now_ms) == {row["id"]}


async def _finish(
    store: Store, row: Row, owner: str = "w1", *, now_ms: int = NOW_MS, **result: object
) -> bool:
    async with store.begin() as conn:
        rows = [{"id": row["id"], **result}]
        return await finish_attempts(conn, rows, owner=owner, now_ms=now_ms) == {row["id"]}


async def _stored(store: Store, row: Row) -> Row:
    async with store.connect() as conn:
        found = await get_delivery(conn, row["id"])
    assert found is not None
    return found


async def _due(store: Store, now_ms: int = NOW_MS) -> list[str]:
    async with store.connect() as conn:
        return await due_destinations(conn, now_ms)


async def _next(store: Store) -> int | None:
    async with store.connect() as conn:
        return await next_due_ms(conn)


async def test_without_deliveries_nothing_is_due(store: Store) -> None:
    assert await _due(store) == []
    assert await _next(store) is None
    assert await _claim(store) == []


async def test_what_is_due_is_claimed_the_longest_due_first(store: Store) -> None:
    rows = [
        delivery_row(new_id(), next_attempt_ms=NOW_MS - 1),
        delivery_row(new_id(), next_attempt_ms=NOW_MS - 3, state="retrying"),
        delivery_row(new_id(), next_attempt_ms=NOW_MS - 2, state="uncertain"),
        delivery_row(new_id(), next_attempt_ms=NOW_MS + 1),
        delivery_row(new_id(), "chat"),
        *(
            delivery_row(new_id(), "other", state=state)
            for state in ("current", "held", "failed", "dropped")
        ),
    ]
    await _add(store, *rows)
    assert await _due(store) == ["chat", "crm"]
    assert await _due(store, NOW_MS - 3) == ["crm"]
    assert await _next(store) == NOW_MS - 3
    claimed = await _claim(store, limit=2)
    assert [row["id"] for row in claimed] == [rows[1]["id"], rows[2]["id"]]
    assert {row["lease_owner"] for row in claimed} == {"w1"}
    assert {row["lease_until_ms"] for row in claimed} == {NOW_MS + LEASE_MS}
    assert [row["id"] for row in await _claim(store, "w2")] == [rows[0]["id"]]
    assert await _claim(store, destination="other") == []
    assert await _due(store) == ["chat"]


async def test_workers_at_the_same_time_never_claim_the_same(store: Store) -> None:
    rows = [delivery_row(new_id()) for _ in range(60)]
    await _add(store, *rows)
    claims = await asyncio.gather(*(_claim(store, f"w{n}", limit=15) for n in range(4)))
    taken = [row["id"] for claim in claims for row in claim]
    assert len(taken) == len(set(taken))
    rest = [row["id"] for row in await _claim(store, "last")]
    assert sorted(taken + rest) == sorted(row["id"] for row in rows)


async def test_a_lease_that_ended_is_claimed_anew(store: Store) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store)
    before = NOW_MS + LEASE_MS - 1
    assert await _claim(store, "w2", now_ms=before) == []
    assert await _due(store, before) == []
    assert await _next(store) == NOW_MS + LEASE_MS
    assert await _due(store, before + 1) == ["crm"]
    (again,) = await _claim(store, "w2", now_ms=before + 1)
    assert again["lease_owner"] == "w2"


async def test_an_attempt_that_worked_makes_the_copy_current(store: Store) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store)
    assert await _intend(store, row)
    stored = await _stored(store, row)
    assert stored["intent"] == {"kind": "create", "version": 1, "at_ms": NOW_MS}
    assert (stored["first_attempt_ms"], stored["create_request"]) == (NOW_MS, None)
    assert await _finish(
        store,
        row,
        now_ms=NOW_MS + 9,
        state="current",
        delivered_version=1,
        external_id="77",
        attempts=1,
        last_answer={"status": 201},
    )
    stored = await _stored(store, row)
    assert (stored["state"], stored["external_id"], stored["attempts"]) == ("current", "77", 1)
    assert (stored["intent"], stored["lease_owner"], stored["lease_until_ms"]) == (None, None, None)
    assert (stored["updated_ms"], stored["last_answer"]) == (NOW_MS + 9, {"status": 201})
    assert stored["created_ms"] == NOW_MS
    assert await _next(store) is None


async def test_a_creating_request_is_kept_until_it_is_replaced(store: Store) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store)
    async with store.begin() as conn:
        first = {"id": row["id"], "intent": {"kind": "create"}, "create_request": {"body": "a"}}
        await set_intents(conn, [first], owner="w1", now_ms=NOW_MS)
    assert await _finish(store, row, state="retrying", next_attempt_ms=NOW_MS + 5)
    await _claim(store, now_ms=NOW_MS + 5)
    assert await _intend(store, row, now_ms=NOW_MS + 5)
    stored = await _stored(store, row)
    assert stored["create_request"] == {"body": "a"}
    assert stored["first_attempt_ms"] == NOW_MS


async def test_a_copy_of_which_a_later_version_is_wanted_meanwhile_is_sent_at_once(
    store: Store,
) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store)
    await _add(store, row | {"wanted_version": 2})
    await _finish(store, row, now_ms=NOW_MS + 9, state="current", delivered_version=1)
    stored = await _stored(store, row)
    assert (stored["state"], stored["delivered_version"]) == ("pending", 1)
    assert stored["next_attempt_ms"] == NOW_MS + 9


async def test_a_worker_that_lost_its_lease_writes_nothing(store: Store) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store, "slow")
    late = NOW_MS + LEASE_MS
    assert not await _intend(store, row, "slow", now_ms=late)
    assert not await _finish(store, row, "slow", now_ms=late, state="failed")
    await _claim(store, "quick", now_ms=late)
    assert not await _intend(store, row, "slow", now_ms=late)
    assert not await _finish(store, row, "slow", now_ms=late, state="failed")
    assert (await _stored(store, row))["state"] == "pending"
    assert await _finish(store, row, "quick", now_ms=late, state="current", delivered_version=1)


async def test_an_intent_without_an_answer_is_not_due_but_found_as_abandoned(store: Store) -> None:
    row, idle = delivery_row(new_id()), delivery_row(new_id())
    await _add(store, row, idle)
    await _claim(store, "dead")
    await _intend(store, row, "dead")
    after = NOW_MS + LEASE_MS

    async def abandoned(owner: str, now_ms: int) -> list[str]:
        async with store.begin() as conn:
            found = await abandoned_intents(
                conn, owner=owner, now_ms=now_ms, lease_ms=LEASE_MS, limit=9
            )
        return [row["id"] for row in found]

    assert await abandoned("w2", after - 1) == []
    assert [found["id"] for found in await _claim(store, "w2", now_ms=after)] == [idle["id"]]
    assert await abandoned("w2", after) == [row["id"]]
    assert await abandoned("w3", after) == []
    stored = await _stored(store, row)
    assert (stored["lease_owner"], stored["intent"]["kind"]) == ("w2", "create")
    assert await _finish(
        store, row, "w2", now_ms=after, state="held", reason={"code": "uncertain", "message": "m"}
    )
    assert (await _stored(store, row))["reason"] == {"code": "uncertain", "message": "m"}
    assert await _next(store) == after + LEASE_MS


async def test_what_is_given_back_is_due_at_once_and_only_by_its_owner(store: Store) -> None:
    row = delivery_row(new_id())
    await _add(store, row)
    await _claim(store)
    async with store.begin() as conn:
        await give_back(conn, [row["id"]], owner="w2")
    assert await _due(store) == []
    async with store.begin() as conn:
        await give_back(conn, [row["id"]], owner="w1")
        await give_back(conn, [], owner="w1")
    assert await _due(store) == ["crm"]


async def test_a_current_copy_is_sent_again_when_a_lost_worker_may_have_overwritten_it(
    store: Store,
) -> None:
    row = delivery_row(new_id(), state="current", wanted_version=3, delivered_version=3)
    held = delivery_row(new_id(), state="held")
    await _add(store, row, held)
    async with store.begin() as conn:
        await send_again(conn, [row["id"], held["id"]], now_ms=NOW_MS + 7)
    stored = await _stored(store, row)
    assert (stored["state"], stored["delivered_version"]) == ("pending", 2)
    assert stored["next_attempt_ms"] == NOW_MS + 7
    assert (await _stored(store, held))["state"] == "held"


async def test_an_attempt_is_recorded_once(store: Store) -> None:
    attempt = attempt_row(new_id(), message="no answer")
    async with store.begin() as conn:
        await add_attempts(conn, [attempt])
        await add_attempts(conn, [attempt])
        found = await conn.exec_driver_sql("SELECT id, message FROM attempts")
        assert [tuple(row) for row in found] == [(attempt["id"], "no answer")]
