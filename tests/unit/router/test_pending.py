from __future__ import annotations

from datetime import timedelta

import fakeredis
import pytest
import zstandard
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core import keys
from router.core import pending as module
from router.core.event import IncomingEvent
from router.core.ids import IdSource, id_source, id_time_ms
from router.core.pending import PendingBatches
from tests.support.batches import put_batch, webhook
from tests.support.manual_clock import ManualClock


@pytest.fixture
def redis() -> Redis:
    return fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())


@pytest.fixture
def pending(redis: Redis) -> PendingBatches:
    return PendingBatches(redis)


class Line:
    """Puts batches one millisecond after the other."""

    def __init__(self, redis: Redis) -> None:
        self.clock = ManualClock()
        self._redis = redis
        self._new_id: IdSource = id_source(self.clock)

    def event(self, connector: str = "shop") -> IncomingEvent:
        return webhook(connector, clock=self.clock, id=self._new_id())

    async def put(self, *events: IncomingEvent) -> str:
        """Store a batch of the events, or of a new one, and return its id."""
        self.clock.forward(1)
        given = events or (self.event(),)
        batch_id = await put_batch(self._redis, *given, clock=self.clock)
        self.clock.forward(1)
        return batch_id

    async def put_events(self, count: int) -> list[IncomingEvent]:
        """Store events, each in a batch of its own."""
        events: list[IncomingEvent] = []
        for _ in range(count):
            event = self.event()
            await self.put(event)
            events.append(event)
        return events


@pytest.fixture
def line(redis: Redis) -> Line:
    return Line(redis)


async def _make_unreadable(redis: Redis, batch_id: str) -> None:
    await redis.set(keys.batch(batch_id), zstandard.compress(b"of another release"))


def _ids(events: list[IncomingEvent]) -> list[str]:
    return [event.id for event in events]


async def test_a_batch_is_loaded_until_it_is_finished(line: Line, pending: PendingBatches) -> None:
    events = [line.event(), line.event()]
    batch_id = await line.put(*events)

    assert await pending.load(batch_id) == events
    assert await pending.finish(batch_id)
    assert await pending.load(batch_id) is None
    assert not await pending.finish(batch_id)


async def test_several_batches_are_loaded_at_once_without_the_finished_ones(
    line: Line, pending: PendingBatches
) -> None:
    one, other, finished = await line.put(), await line.put(), await line.put()
    await pending.finish(finished)

    loaded = await pending.load_all([other, finished, one])

    assert list(loaded) == [other, one]


async def test_nothing_asked_for_is_nothing_done() -> None:
    server = fakeredis.FakeServer()
    server.connected = False
    pending = PendingBatches(fakeredis.FakeAsyncRedis(server=server))

    assert await pending.load_all([]) == {}
    assert await pending.finish_all([]) == 0


async def test_an_unreadable_batch_is_left_where_it_is_and_said_once(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    bad, good = await line.put(), await line.put()
    await _make_unreadable(redis, bad)

    with capture_logs() as logs:
        loaded = await pending.load_all([bad, good])
        await pending.load(bad)

    assert list(loaded) == [good]
    assert pending.unreadable == {bad}
    assert [(line["event"], line["batch_id"]) for line in logs] == [("batch_unreadable", bad)]
    assert await pending.oldest(9) == [bad, good]


async def test_the_oldest_come_first(line: Line, pending: PendingBatches) -> None:
    batches = [await line.put() for _ in range(5)]

    assert await pending.oldest(3) == batches[:3]
    assert await pending.oldest(9, after=batches[2]) == batches[3:]
    assert await pending.oldest(9, after=batches[-1]) == []


async def test_finishing_takes_all_away_that_was_stored_for_a_batch(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    batch_id = await line.put()
    await redis.set(keys.lease(batch_id), "worker")
    await redis.set(retry_key_prefix + batch_id, "1")

    assert await pending.finish(batch_id)

    assert await redis.keys() == []


async def test_finishing_one_batch_leaves_the_others(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    one, other = await line.put(), await line.put()

    await pending.finish(one)

    assert await pending.oldest(9) == [other]
    assert await redis.zrange(keys.QUEUE, 0, -1) == [other.encode()]
    assert await redis.exists(job_key_prefix + other) == 1
    assert await pending.load(other) is not None


async def test_a_job_in_progress_is_left_to_arq(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    batch_id = await line.put()
    await redis.set(in_progress_key_prefix + batch_id, "1")
    await redis.set(retry_key_prefix + batch_id, "1")

    assert await pending.finish(batch_id)

    assert await redis.zscore(keys.QUEUE, batch_id) is not None
    assert await redis.exists(job_key_prefix + batch_id, retry_key_prefix + batch_id) == 2
    assert await redis.exists(keys.batch(batch_id)) == 0


async def test_events_are_counted_down_as_batches_are_finished(
    line: Line, pending: PendingBatches
) -> None:
    three = await line.put(line.event(), line.event(), line.event())
    one = await line.put()
    assert await pending.count_events() == 4

    assert await pending.finish_all([three]) == 1
    assert await pending.count_events() == 1
    assert await pending.finish_all([one, three]) == 1
    assert await pending.count_events() == 0


async def test_a_batch_that_is_finished_twice_counts_once(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    batch_id = await line.put()
    await line.put()
    other = PendingBatches(redis)
    await pending.load(batch_id)
    await other.load(batch_id)

    finished = [await pending.finish(batch_id), await other.finish(batch_id)]

    assert finished == [True, False]
    assert await pending.count_events() == 1


async def test_the_count_begins_anew_once_nothing_is_pending(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    await redis.set(keys.PENDING_EVENTS, 1000)

    await pending.finish(await line.put())

    assert await pending.count_events() == 0
    assert await redis.exists(keys.PENDING_EVENTS) == 0


async def test_a_count_is_never_less_than_nothing(redis: Redis, pending: PendingBatches) -> None:
    await redis.set(keys.PENDING_EVENTS, -3)

    assert await pending.count_events() == 0


async def test_an_unreadable_batch_can_be_finished(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    batch_id = await line.put()
    await _make_unreadable(redis, batch_id)

    assert await pending.finish(batch_id)
    assert await pending.oldest(9) == []


async def test_only_so_many_sizes_are_remembered_and_the_count_stays_right(
    line: Line, pending: PendingBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    batches = [await line.put(line.event(), line.event()) for _ in range(3)]
    left = await line.put()
    await pending.load_all(batches)
    assert list(pending._events_of) == batches[1:]

    assert await pending.finish_all(batches) == 3

    assert await pending.count_events() == 1
    assert await pending.oldest(9) == [left]
    assert not pending._events_of


async def test_the_age_of_the_backlog_is_that_of_its_oldest_batch(
    line: Line, pending: PendingBatches
) -> None:
    assert await pending.oldest_ms() is None
    first = await line.put()
    await line.put()

    assert await pending.oldest_ms() == id_time_ms(first)
    await pending.finish(first)
    assert (await pending.oldest_ms() or 0) > id_time_ms(first)


async def test_any_event_that_waits_is_found_by_its_id(line: Line, pending: PendingBatches) -> None:
    events = await line.put_events(20)

    assert [await pending.find_event(event.id) for event in events] == events


async def test_an_event_is_found_behind_others_that_came_while_it_waited_to_be_stored(
    line: Line, pending: PendingBatches
) -> None:
    event = line.event()
    await line.put_events(30)
    await line.put(event)

    assert await pending.find_event(event.id) == event


async def test_an_event_that_is_not_there_is_not_found(line: Line, pending: PendingBatches) -> None:
    before, between = line.event(), await line.put_events(1)
    await line.put_events(20)

    assert await pending.find_event(before.id) is None
    assert await pending.find_event(between[0].id) == between[0]
    await line.put_events(1)
    assert await pending.find_event(line.event().id) is None


async def test_for_an_event_no_batches_are_read_that_came_too_late_for_it(
    redis: Redis, line: Line, pending: PendingBatches
) -> None:
    missing = line.event()
    line.clock.forward(int(timedelta(minutes=2).total_seconds() * 1000))
    await line.put_events(20)

    assert await pending.find_event(missing.id) is None

    assert len(pending._events_of) == 8, "one look is enough to see that it is not there"


async def test_for_an_event_no_more_than_so_many_batches_are_read(
    line: Line, pending: PendingBatches
) -> None:
    late = line.event()
    await line.put_events(64)
    await line.put(late)

    assert await pending.find_event(late.id) is None
    assert len(pending._events_of) == 64


async def test_the_newest_events_come_first(line: Line, pending: PendingBatches) -> None:
    events = await line.put_events(12)
    together = [line.event(), line.event()]
    await line.put(*together)

    assert await pending.recent_events(3) == [together[1], together[0], events[-1]]
    assert _ids(await pending.recent_events(99)) == _ids([*events, *together])[::-1]
    assert await pending.recent_events(1) == [together[1]]


@pytest.mark.parametrize("together", [1, 3, 30])
async def test_pages_of_waiting_events_go_on_where_the_last_one_ended(
    line: Line, pending: PendingBatches, together: int
) -> None:
    events: list[IncomingEvent] = []
    for _ in range(21):
        batch = [line.event() for _ in range(together)]
        await line.put(*batch)
        events += batch
    seen: list[IncomingEvent] = []
    before = seek = None

    while page := await pending.newest(4, before=before, seek=seek):
        seen += [place.event for place in page]
        before, seek = seen[-1].id, page[-1].seek
        await line.put()

    assert _ids(seen) == _ids(events)[::-1]


async def test_events_that_are_not_to_be_kept_are_passed_over(
    line: Line, pending: PendingBatches
) -> None:
    shop = line.event("shop")
    await line.put(shop, line.event("alerts"))
    await line.put(line.event("alerts"))

    found = await pending.newest(9, keep=lambda event: event.connector == "shop")

    assert [place.event for place in found] == [shop]


async def test_a_replay_is_no_event_that_waits(line: Line, pending: PendingBatches) -> None:
    replay, event = line.event()._replace(replay=1), line.event()
    batch_id = await line.put(replay, event)

    assert await pending.load(batch_id) == [replay, event]
    assert await pending.recent_events(9) == [event]
    assert await pending.find_event(replay.id) is None
    assert await pending.find_event(event.id) == event
    assert await pending.count_events() == 2


async def test_for_a_page_no_more_than_so_many_batches_are_read(
    line: Line, pending: PendingBatches
) -> None:
    events = await line.put_events(70)

    found = await pending.newest(99)

    assert _ids([place.event for place in found]) == _ids(events)[:-65:-1]
