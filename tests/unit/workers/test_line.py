"""One destination at work: claims, intents, requests, results (V2-V10, V28, V32, Q2-Q6)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core.errors import StoreUnavailableError
from router.core.store import deliveries
from router.core.store.engine import Row, Store
from router.core.store.routing import Writes, write
from tests.support.delivering import CREATED, Office, config
from tests.support.rows import HOUR_MS, NOW_MS, event_row
from tests.support.waiting import wait_until
from tests.support.working import rows
from workers import line as line_module
from workers.destinations import http
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Request
from workers.line import Line
from workers.pauses import CREDENTIALS, RATE_LIMITED
from workers.turns import Limits

SILENCE = Outcome(Kind.UNCERTAIN, "no-answer", "no answer in time")
UNREACHABLE = Outcome(Kind.RETRY, "unreachable", "connection refused")


@pytest.fixture
def office(store: Store, redis: Redis) -> Office:
    return Office(store, redis)


def line(office: Office, **given: Any) -> Line:
    return Line(office.desk, "crm", http.DESTINATION, config(**given))


async def claimed(office_line: Line, number: int) -> list[Coroutine[None, None, None]]:
    """Return the trips of copies that are in hand, not begun yet."""
    return await office_line._claim(list((await office_line._exchange(number)).turns))


async def run(office: Office, *answers: Answer | Outcome, **given: Any) -> None:
    """Let the line run once; requests are answered in turn."""
    office.sender.script.extend(answers)
    await line(office, **given).run()


def said(request: Request) -> tuple[str, str, bytes]:
    return request.method, request.url.rpartition("/")[2], request.body


async def test_a_due_copy_is_created_and_is_current(office: Office) -> None:
    row = await office.copy()

    await run(office)

    stored = await office.stored(row)
    assert (stored["state"], stored["delivered_version"], stored["external_id"]) == (
        "current",
        1,
        "ext-1",
    )
    assert (stored["attempts"], stored["intent"], stored["lease_owner"]) == (1, None, None)
    assert (stored["create_request"], stored["last_answer"]["status"]) == (None, 201)
    (request,) = office.sender.requests
    assert said(request) == ("POST", "tasks", b'{"subject":"Fulfil order"}')
    assert request.headers["Idempotency-Key"] == row["id"]


async def test_what_is_not_due_is_not_sent(office: Office) -> None:
    await office.copy(next_attempt_ms=NOW_MS + 1)
    await office.copy("other", number=2)
    await office.copy(number=3, state="held")

    await run(office)

    assert office.sender.requests == []


async def test_the_intent_is_there_before_the_request_leaves(office: Office) -> None:
    row = await office.copy()
    seen: list[Row] = []

    async def look(_: Request) -> None:
        seen.append(await office.stored(row))

    office.sender.before = look
    await run(office)

    (during,) = seen
    assert during["intent"] == {"kind": "create", "version": 1, "at_ms": NOW_MS}
    assert (during["attempts"], during["first_attempt_ms"]) == (1, NOW_MS)
    assert Request.from_json(during["create_request"]) == office.sender.requests[0]


async def test_a_copy_that_others_took_meanwhile_is_not_sent(office: Office) -> None:
    row = await office.copy()
    other = Office(office.store, office.pauses._redis, "w2")
    office_line = line(office)
    (trip,) = await claimed(office_line, 1)
    office.clock.forward(HOUR_MS)
    other.clock.forward(HOUR_MS)
    async with office.store.begin() as conn:
        await deliveries.claim_due(
            conn, "crm", owner="w2", now_ms=office.clock.now_ms, lease_ms=HOUR_MS, limit=1
        )

    await trip

    assert office.sender.requests == []
    assert (await office.stored(row))["lease_owner"] == "w2"


async def test_a_worker_that_was_frozen_has_the_copy_sent_again(office: Office) -> None:
    row = await office.copy(delivered_version=0)
    other = Office(office.store, office.pauses._redis, "w2")

    async def meanwhile(_: Request) -> None:
        office.sender.before = lambda _: None
        office.clock.forward(HOUR_MS)
        other.clock.forward(HOUR_MS)
        async with office.store.begin() as conn:
            abandoned = await deliveries.abandoned_intents(
                conn, owner="w2", now_ms=other.clock.now_ms, lease_ms=HOUR_MS, limit=9
            )
        await other.desk.ledger.finish(
            {"id": abandoned[0]["id"], "state": "pending", "next_attempt_ms": 0}, []
        )
        await line(other).run()

    office.sender.before = meanwhile
    with capture_logs() as logs:
        await run(office)

    stored = await office.stored(row)
    assert (stored["state"], stored["delivered_version"]) == ("pending", 0)
    assert [entry["event"] for entry in logs] == ["delivery_lease_lost"]


async def test_changes_go_as_they_are_at_the_destination(office: Office) -> None:
    row = await office.copy()
    await run(office)
    await office.change(row["task_id"], title="Second")
    await office.change(row["task_id"], title="Third")
    await run(office)

    assert [said(each)[:2] for each in office.sender.requests] == [
        ("POST", "tasks"),
        ("PUT", "ext-1"),
    ]
    assert office.sender.requests[1].body == b'{"subject":"Third"}'
    assert office.sender.requests[1].headers["Idempotency-Key"] == f"{row['id']}-u3"
    assert (await office.stored(row))["delivered_version"] == 3


async def test_a_completion_follows_the_update_and_each_is_an_attempt(office: Office) -> None:
    complete = {"method": "POST", "url": "https://helpdesk.example/done/{{ external_id }}"}
    row = await office.copy()
    await run(office, complete=complete)
    await office.change(row["task_id"], title="Second")
    await office.change(row["task_id"], status="done", status_kind="done", completed_ms=NOW_MS)
    await run(office, complete=complete)

    assert [said(each)[:2] for each in office.sender.requests] == [
        ("POST", "tasks"),
        ("PUT", "ext-1"),
        ("POST", "ext-1"),
    ]
    kinds = [each["kind"] for each in await rows(office.store, "attempts")]
    assert kinds == ["create", "update", "complete"]


async def test_a_task_that_is_closed_before_its_copy_exists_is_created_and_completed(
    office: Office,
) -> None:
    complete = {"method": "POST", "url": "https://helpdesk.example/done/{{ external_id }}"}
    done = {"version": 2, "status": "done", "status_kind": "done", "completed_ms": NOW_MS}
    row = await office.copy(task=done)

    await run(office, complete=complete)

    assert [said(each)[:2] for each in office.sender.requests] == [
        ("POST", "tasks"),
        ("POST", "ext-1"),
    ]
    assert (await office.stored(row))["delivered_version"] == 2


async def test_what_a_destination_cannot_change_is_left_and_said(office: Office) -> None:
    row = await office.copy()
    await run(office, update=None)
    await office.change(row["task_id"], title="Second")
    await run(office, update=None)

    stored = await office.stored(row)
    assert len(office.sender.requests) == 1
    assert (stored["state"], stored["delivered_version"]) == ("current", 2)
    assert stored["reason"]["code"] == "not-changeable"


async def test_a_creation_without_effect_is_built_anew_one_that_may_have_left_is_repeated(
    office: Office,
) -> None:
    row = await office.copy()
    await run(office, UNREACHABLE)
    assert (await office.stored(row))["create_request"] is None
    await office.change(row["task_id"], title="Second")
    office.clock.forward(HOUR_MS)
    await run(office, SILENCE)
    await office.change(row["task_id"], title="Third")
    office.clock.forward(HOUR_MS)
    await run(office)

    assert [said(each) for each in office.sender.requests] == [
        ("POST", "tasks", b'{"subject":"Fulfil order"}'),
        ("POST", "tasks", b'{"subject":"Second"}'),
        ("POST", "tasks", b'{"subject":"Second"}'),
        ("PUT", "ext-1", b'{"subject":"Third"}'),
    ]
    stored = await office.stored(row)
    assert (stored["state"], stored["delivered_version"]) == ("current", 3)


async def test_a_creation_that_may_have_left_is_repeated_also_after_refused_credentials(
    office: Office,
) -> None:
    row = await office.copy()
    await run(office, SILENCE)
    await office.change(row["task_id"], title="Second")
    office.clock.forward(HOUR_MS)

    await run(office, Answer(401))

    stored = await office.stored(row)
    assert stored["state"] == "held"
    assert office.sender.requests[0] == office.sender.requests[1]
    async with office.store.begin() as conn:
        await conn.exec_driver_sql("UPDATE deliveries SET state = 'pending', next_attempt_ms = 0")
    await office.pauses.end("crm")

    await run(office)

    assert [said(each) for each in office.sender.requests[2:]] == [
        ("POST", "tasks", b'{"subject":"Fulfil order"}'),
        ("PUT", "ext-1", b'{"subject":"Second"}'),
    ]


async def test_without_keys_a_creation_that_may_have_worked_is_held(office: Office) -> None:
    row = await office.copy()

    await run(office, SILENCE, idempotency_header=None)

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("held", "uncertain")
    assert stored["create_request"] is not None
    assert office.sender.repeatable == [False]


@pytest.mark.parametrize("given", [{}, {"on_uncertain": "retry", "idempotency_header": None}])
async def test_where_it_makes_no_second_copy_it_is_repeated(
    office: Office, given: dict[str, Any]
) -> None:
    row = await office.copy()

    await run(office, SILENCE, **given)

    assert (await office.stored(row))["state"] == "retrying"
    assert office.sender.repeatable == [True]


async def test_an_update_that_fails_after_the_creation_keeps_the_id(office: Office) -> None:
    row = await office.copy()
    await run(office, SILENCE)
    await office.change(row["task_id"], title="Second")
    office.clock.forward(HOUR_MS)
    await run(office, CREATED, Answer(422, body=b"no"))

    stored = await office.stored(row)
    assert (stored["state"], stored["external_id"]) == ("failed", "ext-1")
    assert (stored["delivered_version"], stored["attempts"]) == (1, 3)
    assert "422: no" in stored["reason"]["message"]


async def test_a_request_that_cannot_be_built_fails_and_is_no_attempt(office: Office) -> None:
    row = await office.copy(task={"description": None})

    await run(office, body={"size": "{{ task.description | length }}"})

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("failed", "template")
    assert office.sender.requests == []
    assert stored["attempts"] == 0


async def test_a_deleted_task_leaves_its_copy_alone(office: Office) -> None:
    row = await office.copy(task={"deleted_ms": NOW_MS})

    await run(office)

    assert office.sender.requests == []
    stored = await office.stored(row)
    assert (stored["state"], stored["lease_owner"]) == ("current", None)


async def test_a_copy_whose_task_is_gone_is_left_alone(office: Office) -> None:
    row = await office.copy()
    async with office.store.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM tasks")

    await run(office)

    assert office.sender.requests == []
    assert (await office.stored(row))["state"] == "current"


async def test_templates_see_the_event_of_the_task_as_long_as_it_is_kept(office: Office) -> None:
    body = {"from": "{{ event.type | default('nothing') }}"}
    event = event_row(type="orders/create")
    async with office.store.begin() as conn:
        await write(conn, Writes(events=[event]))
    source = {"connector": "shop", "rule": "r", "version": None, "at": "shop.yaml:1"}
    await office.copy(task={"source": {**source, "event_id": event["id"]}})
    await office.copy(number=2, task={"source": {**source, "event_id": None}})

    await run(office, body=body)

    sent = {request.body for request in office.sender.requests}
    assert sent == {b'{"from":"orders/create"}', b'{"from":"nothing"}'}


@pytest.mark.parametrize("status", [401, 403])
async def test_refused_credentials_pause_the_destination(office: Office, status: int) -> None:
    held = await office.copy()
    other = await office.copy(number=2)

    with capture_logs() as logs:
        await run(office, Answer(status), concurrency=1)

    pause = await office.pauses.of("crm")
    assert pause is not None
    assert (pause.code, bool(pause.mark)) == (CREDENTIALS, True)
    assert [entry["event"] for entry in logs] == ["destination_paused"]
    assert (await office.stored(held))["state"] == "held"
    assert (await office.stored(other))["state"] == "pending"
    assert len(office.sender.requests) == 1


async def test_a_429_pauses_the_destination_for_as_long_as_it_asks(office: Office) -> None:
    row = await office.copy()

    await run(office, Answer(429, {"retry-after": "90"}), retry={"max": "10s"})

    pause = await office.pauses.of("crm")
    assert pause is not None
    assert pause.code == RATE_LIMITED
    assert 80_000 < await office.pauses._redis.pttl("hookyard:v1:pause:crm") <= 90_000
    stored = await office.stored(row)
    assert (stored["state"], stored["next_attempt_ms"]) == ("retrying", NOW_MS + 90_000)


async def test_a_429_without_a_hint_pauses_it_for_one_step(office: Office) -> None:
    await office.copy()

    await run(office, Answer(429), retry={"first": "7s"})

    assert 6_000 < await office.pauses._redis.pttl("hookyard:v1:pause:crm") <= 7_000


async def test_copies_that_were_claimed_before_the_pause_are_given_back(office: Office) -> None:
    copies = [await office.copy(number=number) for number in range(1, 4)]
    office.sender.script.append(Answer(429))
    one = line(office)
    first, *others = await claimed(one, 3)

    await first
    for other in others:
        await other

    assert len(office.sender.requests) == 1
    stored = [await office.stored(row) for row in copies]
    assert [row["lease_owner"] for row in stored] == [None, None, None]
    assert sorted(row["state"] for row in stored) == ["pending", "pending", "retrying"]


async def test_no_more_requests_are_under_way_than_allowed_and_all_are_sent(
    office: Office,
) -> None:
    for number in range(1, 12):
        await office.copy(number=number)
    running = most = 0

    async def count(_: Request) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    office.sender.before = count
    await run(office, concurrency=4)

    assert len(office.sender.requests) == 11
    assert 1 < most <= 4


async def test_a_slow_request_does_not_hold_up_copies_that_are_due_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_module, "_LOOK_AGAIN_S", 0.01)
    await office.copy(number=1)
    arrived = asyncio.Event()

    async def wait_for_the_second(_: Request) -> None:
        if len(office.sender.requests) == 1:
            await office.copy(number=2)
            await arrived.wait()
        arrived.set()

    office.sender.before = wait_for_the_second
    async with asyncio.timeout(10):
        await run(office, concurrency=4)

    assert len(office.sender.requests) == 2


async def test_after_the_stop_nothing_is_begun_but_what_is_in_hand_is_finished(
    office: Office,
) -> None:
    copies = [await office.copy(number=number) for number in (1, 2, 3)]

    def stop(_: Request) -> None:
        office.stop.set()

    office.sender.before = stop
    await run(office, concurrency=1)

    states = sorted([(await office.stored(row))["state"] for row in copies])
    assert states == ["current", "pending", "pending"]
    assert len(office.sender.requests) == 1


async def test_a_run_ends_after_a_while_so_that_new_rules_are_seen(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.copy()
    monkeypatch.setattr(line_module, "_LONGEST_RUN_S", -1.0)

    await run(office)

    assert office.sender.requests == []


async def test_a_mistake_of_ours_ends_the_run_and_what_is_under_way(office: Office) -> None:
    await office.copy()
    await office.copy(number=2)
    cancelled = asyncio.Event()

    async def break_or_hang(_: Request) -> None:
        if len(office.sender.requests) == 1:
            await wait_until(lambda: len(office.sender.requests) == 2, "both are under way")
            raise RuntimeError("a mistake")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    office.sender.before = break_or_hang
    with pytest.raises(RuntimeError, match="a mistake"):
        await run(office)

    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_attempts_start_anew_when_a_copy_that_was_at_rest_is_to_be_sent(
    office: Office,
) -> None:
    row = await office.copy(attempts=9, first_attempt_ms=NOW_MS - 48 * HOUR_MS)

    await run(office, Answer(409))

    stored = await office.stored(row)
    assert (stored["state"], stored["attempts"]) == ("retrying", 1)


async def test_an_attempt_goes_on_counting_while_it_is_retried(office: Office) -> None:
    row = await office.copy(state="retrying", attempts=2, first_attempt_ms=NOW_MS - HOUR_MS)

    await run(office, Answer(409), retry={"first": "5s"})

    stored = await office.stored(row)
    assert (stored["attempts"], stored["first_attempt_ms"]) == (3, NOW_MS - HOUR_MS)
    assert stored["next_attempt_ms"] == NOW_MS + 20_000


async def test_each_request_of_a_copy_takes_a_turn_where_there_is_a_rate(office: Office) -> None:
    complete = {"method": "POST", "url": "https://helpdesk.example/done/{{ external_id }}"}
    done = {"version": 2, "status": "done", "status_kind": "done", "completed_ms": NOW_MS}
    row = await office.copy(task=done)

    await run(office, complete=complete, rate="1/h", timeout="50ms")

    stored = await office.stored(row)
    assert [said(each)[0] for each in office.sender.requests] == ["POST"]
    assert (stored["state"], stored["external_id"], stored["delivered_version"]) == (
        "pending",
        "ext-1",
        1,
    )
    assert (stored["lease_owner"], stored["intent"], stored["attempts"]) == (None, None, 1)

    await run(office, complete=complete, timeout="50ms")
    assert [said(each)[1] for each in office.sender.requests] == ["tasks", "ext-1"]
    assert (await office.stored(row))["state"] == "current"


async def test_a_trip_waits_for_its_next_turn_and_goes_before_others(office: Office) -> None:
    complete = {"method": "POST", "url": "https://helpdesk.example/done/{{ external_id }}"}
    done = {"version": 2, "status": "done", "status_kind": "done", "completed_ms": NOW_MS}
    for number in (1, 2, 3):
        await office.copy(number=number, task=done)

    await run(office, complete=complete, rate="1/20ms", concurrency=1)

    assert [said(each)[0] for each in office.sender.requests] == ["POST"] * 6
    assert [said(each)[1] for each in office.sender.requests] == ["tasks", "ext-1"] * 3


async def test_where_the_rate_is_used_up_copies_wait_unclaimed(office: Office) -> None:
    copies = [await office.copy(number=number) for number in (1, 2, 3)]

    await run(office, rate="2/h")

    assert len(office.sender.requests) == 2
    stored = [await office.stored(row) for row in copies]
    assert sorted(row["state"] for row in stored) == ["current", "current", "pending"]
    assert {row["lease_owner"] for row in stored} == {None}


async def test_failures_in_a_row_open_the_breaker_and_the_others_are_not_sent(
    office: Office,
) -> None:
    copies = [await office.copy(number=number) for number in range(1, 9)]
    breaker = {"after": 3, "for": "1h", "max": "1h"}

    with capture_logs() as logs:
        await run(office, *[UNREACHABLE] * 8, concurrency=1, breaker=breaker)
        await run(office, concurrency=1, breaker=breaker)

    assert len(office.sender.requests) == 3
    states = [(await office.stored(row))["state"] for row in copies]
    assert sorted(states) == ["pending"] * 5 + ["retrying"] * 3
    (opened,) = [entry for entry in logs if entry["event"] == "breaker_opened"]
    assert (opened["destination"], opened["next_try_in_s"]) == ("crm", 3600)
    assert opened["reason"] == "connection refused"


async def test_when_the_probe_works_the_breaker_closes_and_all_are_sent(office: Office) -> None:
    copies = [await office.copy(number=number) for number in range(1, 9)]
    breaker = {"after": 2, "for": "20ms", "max": "20ms"}

    with capture_logs() as logs:
        await run(
            office,
            *[UNREACHABLE] * 4,
            concurrency=2,
            breaker=breaker,
            retry={"for": "1h", "first": "0ms"},
        )

    events = [entry["event"] for entry in logs]
    assert events == ["breaker_opened"] * 3 + ["breaker_closed"]
    for row in copies:
        assert (await office.stored(row))["state"] == "current"


async def test_refusals_of_tasks_do_not_open_the_breaker(office: Office) -> None:
    for number in range(1, 9):
        await office.copy(number=number)

    with capture_logs() as logs:
        await run(office, *[Answer(422)] * 8, concurrency=1, breaker={"after": 2})

    assert len(office.sender.requests) == 8
    assert logs == []


async def test_a_copy_whose_turn_is_over_before_it_can_be_sent_is_given_back_untried(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await office.copy()
    one = line(office)
    intend = office.desk.ledger.intend

    async def slowly(intent: Row) -> bool:
        written = await intend(intent)
        (turn,) = turns
        turn.until = 0.0
        return written

    turns = list((await one._exchange(1)).turns)
    (trip,) = await one._claim(turns)
    monkeypatch.setattr(office.desk.ledger, "intend", slowly)  # the database takes its time
    await trip

    assert office.sender.requests == []
    stored = await office.stored(row)
    assert (stored["state"], stored["attempts"], stored["first_attempt_ms"]) == ("pending", 0, None)
    assert (stored["intent"], stored["lease_owner"]) == (None, None)


async def test_turns_are_given_back_also_when_the_run_is_broken_off(office: Office) -> None:
    for number in (1, 2, 3):
        await office.copy(number=number)
    sent = asyncio.Event()

    async def hang(_: Request) -> None:
        sent.set()
        await asyncio.Event().wait()

    office.sender.before = hang
    running = asyncio.create_task(line(office).run())
    await sent.wait()
    running.cancel()
    await asyncio.wait([running])

    turns = await office.desk.turns.exchange("crm", Limits.of(config()), want=99)
    assert len(turns.turns) == config().concurrency


async def test_an_outdated_line_begins_nothing_more(office: Office) -> None:
    await office.copy()

    await Line(office.desk, "crm", http.DESTINATION, config(), is_outdated=lambda: True).run()

    assert office.sender.requests == []


class Away:
    """Redis is away for as many calls as it is told; `calls` counts all."""

    def __init__(self, office: Office, times: int) -> None:
        self.calls = 0
        self._times = times
        self._exchange = office.desk.turns.exchange

    async def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls <= self._times:
            raise RedisConnectionError("gone")
        return await self._exchange(*given, **named)


async def test_while_redis_is_away_it_waits_and_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await office.copy()
    monkeypatch.setattr(office.desk.turns, "exchange", Away(office, 2))

    await run(office)

    assert (await office.stored(row))["state"] == "current"


async def test_a_stop_while_redis_is_away_ends_the_run_and_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await office.copy()
    away = Away(office, 10**6)
    monkeypatch.setattr(office.desk.turns, "exchange", away)
    running = asyncio.create_task(run(office))
    await wait_until(lambda: away.calls > 1, "it waits for Redis")

    office.stop.set()
    await running

    assert (await office.stored(row))["state"] == "pending"
    assert office.sender.requests == []


async def test_what_is_under_way_at_the_stop_is_finished_also_while_redis_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await office.copy()
    away = Away(office, 10**6)

    async def lose_redis(_: Request) -> None:
        monkeypatch.setattr(office.desk.turns, "exchange", away)
        await office.copy(number=2)
        office.stop.set()

    office.sender.before = lose_redis
    await run(office, rate="100/s")

    assert (await office.stored(row))["state"] == "current"


async def test_turns_are_given_back_when_nothing_could_be_claimed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError

    monkeypatch.setattr("workers.line.deliveries.claim_due", fails)
    with pytest.raises(StoreUnavailableError):
        await run(office)

    turns = await office.desk.turns.exchange("crm", Limits.of(config()), want=99)
    assert len(turns.turns) == config().concurrency


async def test_a_pause_that_cannot_be_kept_is_said_and_what_came_of_the_request_is_written(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> None:
        raise RedisConnectionError("gone")

    row = await office.copy()
    monkeypatch.setattr(office.pauses, "put", fails)

    with capture_logs() as logs:
        await run(office, Answer(401))

    assert (await office.stored(row))["state"] == "held"
    assert [entry["event"] for entry in logs] == ["pause_not_kept", "destination_paused"]
