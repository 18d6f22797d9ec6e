"""Tokens, sets of rules, and what is kept for a time only."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from router.core.errors import StoreError
from router.core.store.api_keys import (
    create_key,
    find_key,
    issued_keys,
    list_keys,
    revoke_key,
    revoke_later,
    touch_key,
)
from router.core.store.deliveries import add_attempts
from router.core.store.engine import Store
from router.core.store.refusals import add_refusals
from router.core.store.retention import trim
from router.core.store.routing import Writes, write
from router.core.store.rule_sets import find, forget_before, last_good, put_in_force
from router.core.store.schema import attempts, claims, events, history, refusals, tasks
from tests.support.rows import (
    NOW_MS,
    attempt_row,
    claim_row,
    event_row,
    history_row,
    new_id,
    refusal_row,
    task_row,
)


async def _create(
    store: Store, token_hash: str, name: str = "ci", scopes: Sequence[str] = ()
) -> str:
    key_id = new_id()
    async with store.begin() as conn:
        await create_key(
            conn,
            key_id=key_id,
            name=name,
            scopes=scopes or ["tasks:read", "events:read"],
            token_hash=token_hash,
            now_ms=NOW_MS,
        )
    return key_id


async def test_a_token_is_found_by_its_hash_until_it_is_revoked(store: Store) -> None:
    key_id = await _create(store, "hash-1")
    async with store.begin() as conn:
        found = await find_key(conn, "hash-1", now_ms=NOW_MS)
        assert found is not None
        assert (found["id"], found["scopes"]) == (key_id, ["tasks:read", "events:read"])
        assert await find_key(conn, "hash-2", now_ms=NOW_MS) is None
        assert await revoke_key(conn, key_id, now_ms=NOW_MS + 1)
        assert await find_key(conn, "hash-1", now_ms=NOW_MS + 1) is None
        assert not await revoke_key(conn, key_id, now_ms=NOW_MS + 2)
        assert not await revoke_key(conn, "unknown", now_ms=NOW_MS)


async def test_a_token_that_is_to_end_is_in_force_until_then(store: Store) -> None:
    key_id = await _create(store, "hash-1")
    other = await _create(store, "hash-2")
    async with store.begin() as conn:
        await revoke_later(conn, [key_id], at_ms=NOW_MS + 100, now_ms=NOW_MS)
        await revoke_later(conn, [key_id], at_ms=NOW_MS + 200, now_ms=NOW_MS)
        assert await find_key(conn, "hash-1", now_ms=NOW_MS + 99) is not None
        assert await find_key(conn, "hash-1", now_ms=NOW_MS + 100) is None
        assert await find_key(conn, "hash-2", now_ms=NOW_MS + 100) is not None
        await revoke_later(conn, [key_id, other], at_ms=NOW_MS + 50, now_ms=NOW_MS)
        assert await find_key(conn, "hash-1", now_ms=NOW_MS + 50) is None
        assert await revoke_key(conn, other, now_ms=NOW_MS + 10)
        assert await find_key(conn, "hash-2", now_ms=NOW_MS + 10) is None
        await revoke_later(conn, [other], at_ms=NOW_MS + 40, now_ms=NOW_MS + 20)
        assert await find_key(conn, "hash-2", now_ms=NOW_MS + 30) is None


async def test_keys_that_senders_show_are_found_by_the_secret_they_stand_for(store: Store) -> None:
    first = await _create(store, "hash-1", "form_key", ["hooks"])
    await _create(store, "hash-2", "form_key", ["hooks"])
    await _create(store, "hash-3", "other_key", ["hooks"])
    await _create(store, "hash-4", "form_key", ["tasks:read"])
    async with store.begin() as conn:
        assert await issued_keys(conn, now_ms=NOW_MS) == {
            "form_key": ["hash-1", "hash-2"],
            "other_key": ["hash-3"],
        }
        await revoke_later(conn, [first], at_ms=NOW_MS + 5, now_ms=NOW_MS)
        assert (await issued_keys(conn, now_ms=NOW_MS + 5))["form_key"] == ["hash-2"]


async def test_tokens_are_listed_without_their_hashes(store: Store) -> None:
    first, second = await _create(store, "hash-1"), await _create(store, "hash-2", "ops")
    async with store.begin() as conn:
        await revoke_key(conn, first, now_ms=NOW_MS + 1)
        listed = await list_keys(conn)
    assert [row["id"] for row in listed] == [first, second]
    assert [row["revoked_ms"] for row in listed] == [NOW_MS + 1, None]
    assert "hash-1" not in str(listed)


async def test_two_tokens_never_share_a_hash(store: Store) -> None:
    await _create(store, "hash-1")
    with pytest.raises(StoreError) as refused:
        await _create(store, "hash-1")
    assert "hash-1" not in str(refused.value)


async def test_the_use_of_a_token_is_noted_now_and_then(store: Store) -> None:
    key_id = await _create(store, "hash-1")
    noted: list[int | None] = []
    async with store.begin() as conn:
        for now_ms in (NOW_MS, NOW_MS + 59_999, NOW_MS + 60_000):
            await touch_key(conn, key_id, now_ms=now_ms)
            (row,) = await list_keys(conn)
            noted.append(row["last_used_ms"])
    assert noted == [NOW_MS, NOW_MS, NOW_MS + 60_000]


async def test_the_last_good_set_of_rules_is_the_one_put_in_force_last(store: Store) -> None:
    async with store.begin() as conn:
        assert await last_good(conn) is None
        await put_in_force(conn, "one", {"a.yaml": "x: 1\n"}, {"hash": "one"}, NOW_MS)
        await put_in_force(conn, "two", {"b.yaml": "y: ä\n"}, {"hash": "two"}, NOW_MS + 1)
        good = await last_good(conn)
    assert good == {
        "hash": "two",
        "files": {"b.yaml": "y: ä\n"},
        "intake_table": {"hash": "two"},
        "in_force_ms": NOW_MS + 1,
    }


async def test_a_set_of_rules_that_comes_back_is_in_force_again(store: Store) -> None:
    async with store.begin() as conn:
        await put_in_force(conn, "one", {"a.yaml": "1"}, {}, NOW_MS)
        await put_in_force(conn, "two", {"a.yaml": "2"}, {}, NOW_MS + 1)
        await put_in_force(conn, "one", {"a.yaml": "1"}, {}, NOW_MS + 2)
        await put_in_force(conn, "one", {"a.yaml": "late"}, {}, NOW_MS + 1)
        good = await last_good(conn)
    assert good is not None
    assert (good["hash"], good["files"]) == ("one", {"a.yaml": "1"})


async def test_trimming_takes_what_is_too_old_in_chunks_and_leaves_tasks(store: Store) -> None:
    old, new = NOW_MS - 1, NOW_MS
    task = task_row(created_ms=0, updated_ms=0)
    batch = Writes(
        events=[event_row(received_ms=at) for at in (old, old, old, new)],
        claims=[claim_row(f"k{at}", "e", until_ms=at) for at in (old, new)],
        new_tasks=[task],
        history=[history_row(task["id"], at_ms=0)],
    )
    async with store.begin() as conn:
        await write(conn, batch)
        await add_attempts(conn, [attempt_row("d", at_ms=at) for at in (old, new)])
        await add_refusals(conn, [refusal_row(at_ms=at) for at in (old, old, new)])
    removed: list[int] = []
    while not removed or removed[-1]:
        async with store.begin() as conn:
            removed.append(await trim(conn, NOW_MS, 2))
    assert removed == [6, 1, 0]
    async with store.connect() as conn:
        for table in (events, claims, attempts, refusals, tasks, history):
            assert await conn.scalar(select(func.count()).select_from(table)) == 1, table.name


async def test_trimming_takes_the_oldest_first(store: Store) -> None:
    async with store.begin() as conn:
        rows = [event_row(received_ms=NOW_MS - age) for age in (1, 3, 2)]
        await write(conn, Writes(events=rows))
        assert await trim(conn, NOW_MS, 1) == 1
        left = await conn.scalars(select(events.c.received_ms))
        assert sorted(left) == [NOW_MS - 2, NOW_MS - 1]


async def test_a_set_of_rules_is_found_by_its_hash(store: Store) -> None:
    async with store.begin() as conn:
        assert await find(conn, "one") is None
        await put_in_force(conn, "one", {"a.yaml": "1"}, {}, NOW_MS)
        await put_in_force(conn, "two", {"a.yaml": "2"}, {}, NOW_MS + 1)
        found = await find(conn, "one")
    assert found is not None
    assert (found["files"], found["in_force_ms"]) == ({"a.yaml": "1"}, NOW_MS)


async def test_sets_of_rules_stay_as_long_as_they_were_in_force_within_the_retention(
    store: Store,
) -> None:
    """The one in force at its beginning came before that."""
    async with store.begin() as conn:
        assert await forget_before(conn, NOW_MS) == 0
        for name, at in {"older": -3, "old": -2, "then": -1, "since": 0, "last": 5}.items():
            await put_in_force(conn, name, {"a.yaml": name}, {}, NOW_MS + at)
        assert await trim(conn, NOW_MS) == 2
        assert await trim(conn, NOW_MS) == 0
        left = [
            name for name in ("older", "old", "then", "since", "last") if await find(conn, name)
        ]
        assert left == ["then", "since", "last"]
        assert await trim(conn, NOW_MS + 1000) == 2
        good = await last_good(conn)
    assert good is not None
    assert good["hash"] == "last"
