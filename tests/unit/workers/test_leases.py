"""Taking batches in hand: one worker has a batch, small ones are taken together."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from router.core import keys
from router.core.pending import PendingBatches
from tests.support.batches import put_batch, webhook
from workers import leases as leases_module
from workers.leases import LEASE_MS, Leases


@pytest.fixture
def pending(redis: Redis) -> PendingBatches:
    return PendingBatches(redis)


@pytest.fixture
def leases(redis: Redis, pending: PendingBatches) -> Leases:
    return Leases(redis, pending, "w1")


async def put(redis: Redis, *titles: str) -> str:
    return await put_batch(redis, *(webhook("open", {"title": title}) for title in titles))


async def test_a_batch_is_leased_with_its_events(redis: Redis, leases: Leases) -> None:
    batch_id = await put(redis, "a", "b")

    taken = await leases.take(batch_id)

    assert taken.ids == [batch_id]
    assert [event.body for event in taken.events()] == [b'{"title": "a"}', b'{"title": "b"}']
    assert await redis.get(keys.lease(batch_id)) == b"w1"
    assert 0 < await redis.pttl(keys.lease(batch_id)) <= LEASE_MS
    assert leases.held == {batch_id}
    assert not taken.full


async def test_others_that_wait_are_taken_along_oldest_first(redis: Redis, leases: Leases) -> None:
    batches = [await put(redis, f"{number}") for number in range(30)]

    taken = await leases.take(batches[20])

    assert sorted(taken.ids) == batches
    assert [event.body for event in taken.events()][:2] == [b'{"title": "0"}', b'{"title": "1"}']
    assert not taken.full


async def test_what_others_have_is_left_to_them(redis: Redis, leases: Leases) -> None:
    theirs, ours = await put(redis, "a"), await put(redis, "b")
    await redis.set(keys.lease(theirs), "w2")

    taken = await leases.take(theirs)

    assert taken.ids == [ours]
    assert await redis.get(keys.lease(theirs)) == b"w2"


async def test_where_nothing_waits_nothing_is_taken(leases: Leases) -> None:
    taken = await leases.take(None)

    assert (taken.ids, taken.full) == ([], False)


async def test_a_batch_that_is_finished_is_taken_without_events(
    redis: Redis, leases: Leases
) -> None:
    batch_id = await put(redis, "a")
    await redis.delete(keys.batch(batch_id))

    taken = await leases.take(batch_id)

    assert (taken.ids, taken.finished, taken.events()) == ([batch_id], [batch_id], [])


async def test_no_more_events_are_taken_than_fit_a_transaction(
    redis: Redis, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "MAX_EVENTS", 10)
    batches = [await put(redis, *"abcd") for _ in range(5)]

    taken = await leases.take(None)

    assert 10 <= taken.count() < 10 + 4 * leases_module._GROWTH
    assert taken.full
    assert [await redis.exists(keys.lease(one)) for one in batches] == [
        one in taken.ids for one in batches
    ]


async def test_large_batches_are_taken_one_by_one(
    redis: Redis, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "MAX_BYTES", 1)
    first, second = await put(redis, "a"), await put(redis, "b")

    taken = await leases.take(None)

    assert taken.ids == [first]
    assert taken.full
    assert not await redis.exists(keys.lease(second))
    assert leases.held == {first}


async def test_a_page_of_candidates_says_that_there_may_be_more(
    redis: Redis, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "_LOOK_AT", 2)
    for title in "abc":
        await put(redis, title)

    taken = await leases.take(None)

    assert (len(taken.ids), taken.full) == (2, True)


async def test_what_is_given_back_others_can_take(
    redis: Redis, pending: PendingBatches, leases: Leases
) -> None:
    batch_id = await put(redis, "a")
    await leases.take(batch_id)

    await leases.give_back([batch_id])

    assert leases.held == set()
    assert (await Leases(redis, pending, "w2").take(None)).ids == [batch_id]


async def test_a_lease_that_is_somebody_elses_by_now_is_not_given_back(
    redis: Redis, leases: Leases
) -> None:
    batch_id = await put(redis, "a")
    await leases.take(batch_id)
    await redis.set(keys.lease(batch_id), "w2")

    await leases.give_back([batch_id])

    assert await redis.get(keys.lease(batch_id)) == b"w2"


async def test_a_lease_that_is_renewed_lasts_its_full_time(redis: Redis, leases: Leases) -> None:
    batch_id = await put(redis, "a")
    await leases.take(batch_id)
    await redis.pexpire(keys.lease(batch_id), 10_000)

    await leases.renew([batch_id])

    assert await redis.pttl(keys.lease(batch_id)) > 50_000


async def test_what_is_finished_is_no_longer_held(redis: Redis, leases: Leases) -> None:
    batch_id = await put(redis, "a")
    await leases.take(batch_id)

    leases.forget([batch_id])

    assert leases.held == set()


async def test_what_was_leased_when_redis_went_away_is_not_held_back_from_anybody(
    redis: Redis, pending: PendingBatches, leases: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [await put(redis, "a"), await put(redis, "b")]

    async def fails(_: object) -> None:
        raise RedisConnectionError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(pending, "load_all", fails)
        with pytest.raises(RedisConnectionError):
            await leases.take(batches[0])
    assert leases.held == set()

    taken = await leases.take(None)

    assert taken.ids == batches


async def test_a_batch_that_cannot_be_read_holds_up_no_other_and_is_kept(
    redis: Redis, leases: Leases
) -> None:
    strange, ours = await put(redis, "a"), await put(redis, "b")
    await redis.set(keys.batch(strange), b"from another release")

    taken = await leases.take(strange)

    assert taken.ids == [ours]
    assert await redis.get(keys.batch(strange)) == b"from another release"
    assert await redis.zscore(keys.PENDING, strange) is not None
    assert strange not in leases.held
