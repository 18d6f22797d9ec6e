"""Intents and results: written in one go with others, guarded by the lease, tried until it works."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from router.core.errors import StoreError, StoreUnavailableError
from router.core.store.deliveries import claim_due
from router.core.store.engine import Row, Store
from tests.support.delivering import Office
from tests.support.manual_clock import ManualClock
from tests.support.rows import NOW_MS
from tests.support.waiting import wait_until
from tests.support.working import rows
from workers import patience
from workers.ledger import Ledger
from workers.patience import StoppedError

LEASE_MS = 60_000


class Books:
    """A store that counts its transactions and lets none begin while it is `shut`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.transactions = 0
        self.errors: list[Exception] = []
        self.open = asyncio.Event()
        self.open.set()

    def begin(self) -> AbstractAsyncContextManager[Any]:
        @asynccontextmanager
        async def begun() -> Any:
            self.transactions += 1
            await self.open.wait()
            if self.errors:
                raise self.errors.pop(0)
            async with self._store.begin() as conn:
                yield conn

        return begun()


@pytest.fixture
def office(store: Store, redis: Redis) -> Office:
    return Office(store, redis)


@pytest.fixture
def books(store: Store) -> Books:
    return Books(store)


@pytest.fixture
def give_up() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def ledger(books: Books, clock: ManualClock, give_up: asyncio.Event) -> Ledger:
    return Ledger(books, "w1", clock, give_up)  # type: ignore[arg-type]  # only `begin` is used


async def in_hand(office: Office, count: int = 1, *, owner: str = "w1") -> list[Row]:
    for number in range(count):
        await office.copy(number=number + 1)
    async with office.store.begin() as conn:
        return await claim_due(
            conn, "crm", owner=owner, now_ms=NOW_MS, lease_ms=LEASE_MS, limit=count
        )


def intent(row: Row) -> Row:
    return {"id": row["id"], "intent": {"kind": "create", "version": 1, "at_ms": NOW_MS}}


def result(row: Row) -> Row:
    return {"id": row["id"], "state": "current", "delivered_version": 1}


async def test_an_intent_is_there_when_it_is_written_and_gone_with_the_result(
    office: Office, ledger: Ledger
) -> None:
    (row,) = await in_hand(office)

    assert await ledger.intend(intent(row))
    assert (await office.stored(row))["intent"]["kind"] == "create"
    assert await ledger.finish(result(row), [attempt(row)])

    stored = await office.stored(row)
    assert (stored["state"], stored["intent"], stored["lease_owner"]) == ("current", None, None)
    assert len(await rows(office.store, "attempts")) == 1


def attempt(row: Row) -> Row:
    return {
        "id": row["id"],
        "delivery_id": row["id"],
        "at_ms": NOW_MS,
        "kind": "create",
        "outcome": "delivered",
        "duration_ms": 1,
    }


async def test_a_copy_in_other_hands_is_left_alone(office: Office, ledger: Ledger) -> None:
    (row,) = await in_hand(office, owner="w2")

    assert not await ledger.intend(intent(row))
    assert not await ledger.finish(result(row), [])

    stored = await office.stored(row)
    assert (stored["state"], stored["intent"], stored["lease_owner"]) == ("pending", None, "w2")


async def test_a_copy_whose_lease_ended_is_left_alone(
    office: Office, ledger: Ledger, clock: ManualClock
) -> None:
    (row,) = await in_hand(office)
    clock.forward(LEASE_MS)

    assert not await ledger.intend(intent(row))


async def test_what_comes_while_a_write_is_under_way_shares_the_next_one(
    office: Office, ledger: Ledger, books: Books
) -> None:
    first, *others = await in_hand(office, 20)
    books.open.clear()

    async with asyncio.TaskGroup() as group:
        written = [group.create_task(ledger.intend(intent(first)))]
        await wait_until(lambda: books.transactions, "the first write is under way")
        written += [group.create_task(ledger.intend(intent(row))) for row in others]
        await asyncio.sleep(0)
        books.open.set()

    assert all(each.result() for each in written)
    assert books.transactions == 2


async def test_while_the_database_is_away_it_is_tried_again(
    office: Office, ledger: Ledger, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_FIRST_S", 0.001)
    (row,) = await in_hand(office)
    books.errors = [StoreUnavailableError(), StoreUnavailableError()]

    assert await ledger.intend(intent(row))

    assert books.transactions == 3


async def test_a_worker_that_has_to_end_leaves_what_is_not_written(
    office: Office, ledger: Ledger, books: Books, give_up: asyncio.Event
) -> None:
    (row,) = await in_hand(office)
    books.errors = [StoreUnavailableError()] * 99
    give_up.set()

    with pytest.raises(StoppedError):
        await ledger.finish(result(row), [])

    assert (await office.stored(row))["state"] == "pending"


async def test_an_error_reaches_all_who_wait_for_the_write_and_the_next_write_works(
    office: Office, ledger: Ledger, books: Books
) -> None:
    first, second = await in_hand(office, 2)
    books.errors = [StoreError("refused")]

    failed = await asyncio.gather(
        ledger.intend(intent(first)), ledger.intend(intent(second)), return_exceptions=True
    )

    assert [str(error) for error in failed] == ["refused", "refused"]
    assert await ledger.intend(intent(first))


@pytest.mark.parametrize("errors", [[], [StoreError("refused")]], ids=["written", "refused"])
async def test_one_who_waits_no_longer_keeps_nobody_else_waiting(
    office: Office, ledger: Ledger, books: Books, errors: list[Exception]
) -> None:
    first, second = await in_hand(office, 2)
    books.errors = errors
    books.open.clear()
    impatient = asyncio.create_task(ledger.intend(intent(first)))
    patient = asyncio.create_task(ledger.intend(intent(second)))
    await wait_until(lambda: books.transactions, "the write is under way")

    impatient.cancel()
    await asyncio.wait([impatient])
    books.open.set()

    async with asyncio.timeout(5):
        (told,) = await asyncio.gather(patient, return_exceptions=True)
    assert told is True or str(told) == "refused"
