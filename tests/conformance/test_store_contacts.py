"""Contacts: one an address, whoever makes it, and a name that is filled in but never changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.core.errors import StoreError
from router.core.store.contacts import contacts_of, keep_contacts
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from router.core.store.schema import Row
from tests.support.rows import contact_row


async def _keep(store: Store, *rows: Row) -> dict[str, Row]:
    async with store.begin() as conn:
        return await keep_contacts(conn, rows)


async def _found(store: Store, *addresses: str) -> dict[str, Row]:
    async with store.connect() as conn:
        found = await contacts_of(conn, [("email", address) for address in addresses])
    return {address: row for (_, address), row in found.items()}


async def test_contacts_are_read_back_by_their_address(store: Store) -> None:
    ada, bob = contact_row("Ada@acme.example", name="Ada"), contact_row("bob@müller.example")

    assert await _keep(store, bob, ada) == {ada["address"]: ada, bob["address"]: bob}

    assert await _found(store, "ada@acme.example", "nobody@acme.example") == {
        "ada@acme.example": ada
    }
    assert await _found(store, "Ada@acme.example") == {}
    assert await _found(store) == {}


async def test_nobody_to_keep_is_nobody_kept(store: Store) -> None:
    assert await _keep(store) == {}


async def test_who_has_an_address_already_stays_and_is_told(store: Store) -> None:
    first = contact_row("ada@acme.example", name="Ada")
    second = contact_row("ADA@acme.example", name="Another", updated_ms=9)
    await _keep(store, first)

    assert await _keep(store, second) == {"ada@acme.example": first}

    assert await _found(store, "ada@acme.example") == {"ada@acme.example": first}


async def test_a_name_that_is_missing_is_filled_in_once_and_never_taken_away(store: Store) -> None:
    first = contact_row("ada@acme.example", name=None)
    await _keep(store, first)
    await _keep(store, contact_row("ada@acme.example", name=None, updated_ms=7))
    assert await _found(store, "ada@acme.example") == {"ada@acme.example": first}

    named = first | {"name": "Ada", "updated_ms": 9}
    assert await _keep(store, first | {"name": "Ada", "updated_ms": 9}) == {
        "ada@acme.example": named
    }

    await _keep(store, first | {"name": "Another"}, contact_row("bob@acme.example"))
    await _keep(store, first)
    assert (await _found(store, "ada@acme.example"))["ada@acme.example"] == named


async def test_keeping_the_same_again_changes_nothing(store: Store) -> None:
    rows = [contact_row(f"{name}@acme.example", name=name) for name in ("ada", "bob")]

    assert await _keep(store, *rows) == await _keep(store, *reversed(rows))


async def test_an_id_is_one_contacts(store: Store) -> None:
    first = contact_row("ada@acme.example")
    await _keep(store, first)

    with pytest.raises(StoreError):
        await _keep(store, contact_row("bob@acme.example", id=first["id"]))


async def test_a_contact_of_a_transaction_that_is_undone_is_not_there(store: Store) -> None:
    async def undone() -> None:
        async with store.begin() as conn:
            await keep_contacts(conn, [contact_row("ada@acme.example")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()

    assert await _found(store, "ada@acme.example") == {}


async def test_transactions_that_meet_the_same_people_at_once_agree_on_who_they_are(
    store: Store,
) -> None:
    addresses = [f"{n}@acme.example" for n in range(20)]

    async def meet(number: int) -> dict[str, Row]:
        order = addresses if number % 2 else addresses[::-1]
        return await _keep(store, *(contact_row(one, name=f"worker {number}") for one in order))

    told = await asyncio.gather(*(meet(number) for number in range(5)))

    kept = await _found(store, *addresses)
    assert len(kept) == len(addresses)
    assert all(each == kept for each in told)


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[Store]:
    await upgrade(postgres_url)
    opened = await open_store(postgres_url)
    yield opened
    await opened.close()


@pytest.mark.postgresql
async def test_who_comes_second_waits_and_is_told_what_the_first_one_made(
    postgres_store: Store,
) -> None:
    first, second = contact_row("ada@acme.example"), contact_row("ADA@acme.example")
    let_go = asyncio.Event()
    made = asyncio.Event()

    async def make() -> None:
        async with postgres_store.begin() as conn:
            await keep_contacts(conn, [first])
            made.set()
            await let_go.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(make())
        await made.wait()
        waiting = group.create_task(_keep(postgres_store, second))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        let_go.set()

    assert waiting.result()["ada@acme.example"]["id"] == first["id"]


async def test_contacts_are_found_by_number_and_by_id(store: Store) -> None:
    ada = contact_row("ada@acme.example", phone="+442079460018", external_id="cus_1")
    bob = contact_row(None, address="tel:+15550100", phone="+15550100")
    await _keep(store, ada, bob)

    async with store.connect() as conn:
        found = await contacts_of(
            conn,
            [("phone", "+15550100"), ("external_id", "cus_1"), ("external_id", "cus_2")],
        )

    assert found == {("phone", "+15550100"): bob, ("external_id", "cus_1"): ada}


async def test_of_two_with_one_number_the_first_one_made_counts(store: Store) -> None:
    first = contact_row("ada@acme.example", phone="+15550100")
    second = contact_row("bob@acme.example", phone="+15550100")
    await _keep(store, second, first)

    async with store.connect() as conn:
        found = await contacts_of(conn, [("phone", "+15550100")])

    assert found[("phone", "+15550100")] == min(first, second, key=lambda each: each["id"])


async def test_a_number_and_an_id_are_filled_in_once_and_never_taken_away(store: Store) -> None:
    first = contact_row("ada@acme.example", name="Ada")
    await _keep(store, first)
    filled = first | {"phone": "+15550100", "external_id": "cus_1", "updated_ms": 9}
    assert await _keep(store, filled) == {"ada@acme.example": filled}

    await _keep(store, first | {"phone": "+15550199"})
    await _keep(store, first)

    assert await _found(store, "ada@acme.example") == {"ada@acme.example": filled}


async def test_transactions_that_meet_one_number_at_once_agree_on_whose_it_is(store: Store) -> None:
    numbers = [f"+1555010{n}" for n in range(10)]

    async def meet(turn: int) -> dict[str, Row]:
        order = numbers if turn % 2 else numbers[::-1]
        rows = (contact_row(None, address=f"tel:{one}", phone=one) for one in order)
        return await _keep(store, *rows)

    told = await asyncio.gather(*(meet(turn) for turn in range(5)))

    assert len(told[0]) == len(numbers)
    assert all(each == told[0] for each in told)
