"""Turns at a destination: how many at once, how many in a span, and none while it is left alone (V7, V27)."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from router.core import keys
from router.core.standing import standings
from tests.support.delivering import config
from tests.support.waiting import wait_until
from workers.destinations.outcome import Kind, Outcome
from workers.turns import Ended, Given, Limits, Result, Turn, Turns

LONG = 60_000_000
SHORT = 60_000
"""Microseconds: short enough to be waited for."""


def limits(**given: Any) -> Limits:
    return Limits(**{"concurrency": 8, "lease_us": LONG, "fresh_us": LONG, **given})


@pytest.fixture
def turns(redis: Redis) -> Turns:
    return Turns(redis)


async def take(turns: Turns, want: int, **given: Any) -> tuple[Turn, ...]:
    return (await turns.exchange("crm", limits(**given), want=want)).turns


async def end(
    turns: Turns, *taken: Turn, result: Result = Result.GOOD, why: str = "", **given: Any
) -> Given:
    ended = [Ended(turn.id, result, why) for turn in taken]
    return await turns.exchange("crm", limits(**given), ended=ended)


async def test_no_more_turns_are_out_than_allowed_whoever_asks(redis: Redis) -> None:
    one, other = Turns(redis), Turns(redis)

    first = await take(one, 5)
    given = await other.exchange("crm", limits(), want=5)

    assert (len(first), len(given.turns)) == (5, 3)
    assert (given.reason, given.wait_s) == ("full", None)
    assert len({turn.id for turn in (*first, *given.turns)}) == 8
    assert await take(other, 1) == ()
    await end(one, *first[:2])
    assert len(await take(other, 9)) == 2


async def test_another_destination_has_turns_of_its_own(turns: Turns) -> None:
    await take(turns, 8)

    assert len((await turns.exchange("other", limits(), want=8)).turns) == 8


async def test_a_turn_that_nobody_gives_back_ends_by_itself(turns: Turns) -> None:
    await take(turns, 8, lease_us=SHORT)

    assert await take(turns, 1) == ()
    await wait_until(lambda: take(turns, 8), "the turns of a dead worker are over")


async def test_a_turn_counts_for_the_rate_until_a_span_after_its_end(turns: Turns) -> None:
    rated: dict[str, Any] = {"count": 2, "span_us": LONG}

    (one, other) = await take(turns, 8, **rated)
    await end(turns, one, **rated)
    given = await turns.exchange("crm", limits(**rated), want=1)

    assert (given.turns, given.reason) == ((), "rate")
    assert given.wait_s is not None
    assert 59 < given.wait_s <= 60
    await end(turns, other, result=Result.UNUSED, **rated)
    assert len(await take(turns, 8, **rated)) == 1


async def test_after_the_span_there_are_turns_again(turns: Turns) -> None:
    rated: dict[str, Any] = {"count": 3, "span_us": SHORT}
    taken = await take(turns, 8, **rated)
    assert len(taken) == 3

    await end(turns, *taken, **rated)
    assert await take(turns, 8, **rated) == ()

    async def all_three() -> bool:
        again = await turns.exchange("crm", limits(**rated), want=3)
        unused = [Ended(turn.id, Result.UNUSED) for turn in again.turns]
        await turns.exchange("crm", limits(**rated), ended=unused)
        return len(again.turns) == 3

    await wait_until(all_three, "the span is over")


async def test_a_turn_under_way_counts_for_the_rate_however_long_it_takes(turns: Turns) -> None:
    rated: dict[str, Any] = {"count": 1, "span_us": SHORT}
    (turn,) = await take(turns, 1, **rated)

    given = await turns.exchange("crm", limits(**rated), want=1)

    assert given.turns == ()
    assert given.wait_s is not None
    assert given.wait_s > 50, "until its lease and a span are over"
    await end(turns, turn, **rated)
    await wait_until(lambda: take(turns, 1, **rated), "a span after its end there is another")


async def test_what_is_kept_of_turns_is_forgotten_in_time(turns: Turns, redis: Redis) -> None:
    await take(turns, 1, count=5, span_us=LONG)

    assert 0 < await redis.pttl(keys.slots("crm")) <= 60_000
    assert 60_000 < await redis.pttl(keys.window("crm")) <= 120_000


async def test_while_it_is_paused_there_is_no_turn(turns: Turns, redis: Redis) -> None:
    await redis.set(keys.pause("crm"), b"{}", px=30_000)
    for_a_time = await turns.exchange("crm", limits(), want=1)
    await redis.set(keys.pause("crm"), b"{}")
    until_told = await turns.exchange("crm", limits(), want=1)

    assert (for_a_time.turns, for_a_time.reason) == ((), "paused")
    assert for_a_time.wait_s is not None
    assert 29 < for_a_time.wait_s <= 30
    assert (until_told.turns, until_told.wait_s) == ((), None)


async def fail(turns: Turns, times: int, **given: Any) -> Given:
    """Let a number of requests go wrong, one after the other."""
    last = None
    for number in range(times):
        (turn,) = await take(turns, 1, **given)
        last = await end(turns, turn, result=Result.BAD, why=f"failure {number + 1}", **given)
    assert last is not None
    return last


async def test_so_many_failures_in_a_row_open_the_breaker_for_all_workers(redis: Redis) -> None:
    one, other = Turns(redis), Turns(redis)

    assert (await fail(one, 4)).opened_for_s is None
    assert (await fail(other, 1)).opened_for_s == 5

    given = await one.exchange("crm", limits(), want=1)
    assert (given.turns, given.reason) == ((), "open")
    assert given.wait_s is not None
    assert 4 < given.wait_s <= 5
    standing = (await standings(redis, ["crm"]))["crm"]
    assert (standing.state, standing.code) == ("open", "breaker-open")
    assert standing.message == "5 failures in a row; the last one: failure 1"


async def test_one_success_starts_the_count_anew(turns: Turns, redis: Redis) -> None:
    await fail(turns, 4)
    (turn,) = await take(turns, 1)

    assert not (await end(turns, turn)).closed

    assert not await redis.exists(keys.breaker("crm"))
    assert (await fail(turns, 4)).opened_for_s is None


async def test_what_shows_nothing_of_the_destination_counts_neither_way(turns: Turns) -> None:
    await fail(turns, 4)
    for result in (Result.NEUTRAL, Result.UNUSED):
        await end(turns, *await take(turns, 1), result=result)

    assert (await fail(turns, 1)).opened_for_s == 5


async def probe(turns: Turns, **given: Any) -> Turn:
    """Return the probe of an open breaker, once its time has come; there is one at a time."""

    async def taken() -> tuple[Turn, ...]:
        return await take(turns, 8, **given)

    (turn,) = await wait_until(taken, "a probe is let through")
    assert await take(turns, 8, **given) == ()
    return turn


async def test_a_probe_that_works_closes_the_breaker(turns: Turns, redis: Redis) -> None:
    await fail(turns, 5, first_us=SHORT)

    assert (await end(turns, await probe(turns))).closed

    assert len(await take(turns, 8)) == 8
    assert not await redis.exists(keys.breaker("crm"))


async def test_a_probe_that_fails_doubles_the_time_up_to_the_longest(turns: Turns) -> None:
    given: dict[str, Any] = {"first_us": SHORT, "longest_us": 5 * SHORT}
    await fail(turns, 5, **given)
    times = []
    for _ in range(4):
        turn = await probe(turns, **given)
        times.append((await end(turns, turn, result=Result.BAD, **given)).opened_for_s)

    assert times == [0.12, 0.24, 0.3, 0.3]


async def test_a_probe_that_shows_nothing_makes_way_for_another(turns: Turns) -> None:
    await fail(turns, 5, first_us=SHORT)
    await end(turns, await probe(turns), result=Result.UNUSED)

    assert len(await take(turns, 8)) == 1


async def test_the_probe_of_a_dead_worker_makes_way_for_another(turns: Turns) -> None:
    await fail(turns, 5, first_us=SHORT)
    await probe(turns, lease_us=SHORT)

    await wait_until(lambda: take(turns, 1), "another probe is let through")


async def test_what_was_under_way_when_it_opened_does_not_keep_it_open_longer(turns: Turns) -> None:
    taken = await take(turns, 8)
    opened = await end(turns, *taken[:5], result=Result.BAD)
    late = await end(turns, *taken[5:7], result=Result.BAD)

    assert (opened.opened_for_s, late.opened_for_s) == (5, None)
    assert (await end(turns, taken[7])).closed, "an answer is an answer"


async def test_a_turn_that_is_given_back_twice_counts_once(turns: Turns) -> None:
    taken = await take(turns, 1)

    for _ in range(5):
        assert (await end(turns, *taken, result=Result.BAD)).opened_for_s is None


async def test_turns_whose_answer_was_lost_are_given_back(
    turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = turns._exchange

    async def lose(**given: Any) -> Any:
        await script(**given)
        raise RedisConnectionError("gone")

    monkeypatch.setattr(turns, "_exchange", lose)
    with pytest.raises(RedisConnectionError):
        await take(turns, 8)
    monkeypatch.setattr(turns, "_exchange", script)

    assert len(await take(turns, 8)) == 8


def test_the_limits_are_those_of_the_configuration() -> None:
    given = config(
        rate="25/2s",
        concurrency=3,
        timeout="4s",
        breaker={"after": 2, "for": "1s", "max": "9s"},
    )

    assert Limits.of(given) == Limits(
        concurrency=3,
        lease_us=10_000_000,
        fresh_us=5_000_000,
        count=25,
        span_us=2_000_000,
        after=2,
        first_us=1_000_000,
        longest_us=9_000_000,
    )
    assert Limits.of(config()).count == 0


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (Outcome(Kind.DELIVERED, status=200), Result.GOOD),
        (Outcome(Kind.REJECTED, "rejected", "no", 422), Result.GOOD),
        (Outcome(Kind.RETRY, "try-again", "later", 409), Result.GOOD),
        (Outcome(Kind.RATE_LIMITED, "rate-limited", "slow", 429), Result.GOOD),
        (Outcome(Kind.AUTH, "credentials", "who?", 401), Result.GOOD),
        (Outcome(Kind.AUTH, "credentials", "the secret is not set"), Result.NEUTRAL),
        (Outcome(Kind.REJECTED, "address", "not public"), Result.NEUTRAL),
        (Outcome(Kind.UNCERTAIN, "no-answer", "500", 500), Result.BAD),
        (Outcome(Kind.UNCERTAIN, "no-answer", "no answer in time"), Result.BAD),
        (Outcome(Kind.UNCERTAIN, "no-id", "no id", 201), Result.BAD),
        (Outcome(Kind.RETRY, "unreachable", "refused"), Result.BAD),
    ],
)
def test_whoever_answers_is_there_and_who_does_not_is_in_trouble(
    outcome: Outcome, result: Result
) -> None:
    assert Result.of(outcome) is result
