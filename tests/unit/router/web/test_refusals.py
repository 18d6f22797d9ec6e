"""Refusals are noted without waiting, written by a task of its own, and capped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from router.core.errors import StoreUnavailableError
from router.core.ids import id_source, is_id
from router.core.redaction import forget_value
from router.web import refusals as module
from router.web.refusals import RefusalRecorder, Row
from tests.support.manual_clock import ManualClock
from tests.support.waiting import wait_until

MINUTE_MS = 60_000


class Book:
    """Keeps what is saved, unless it is closed."""

    def __init__(self) -> None:
        self.batches: list[list[Row]] = []
        self.failure: Exception | None = None
        self.tries = 0

    async def save(self, rows: Sequence[Row]) -> None:
        self.tries += 1
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.batches.append(list(rows))

    @property
    def rows(self) -> list[Row]:
        return [row for batch in self.batches for row in batch]


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.setattr(module, "_LINGER_S", 0)
    monkeypatch.setattr(module, "_AGAIN_S", 0.001)
    return Book()


@pytest.fixture
def recorder(book: Book, clock: ManualClock) -> RefusalRecorder:
    return RefusalRecorder(book.save, new_id=id_source(clock), clock=clock)


def refuse(recorder: RefusalRecorder, count: int = 1, **given: Any) -> None:
    """Note refusals; their `reason` ends with their number, from 1 on."""
    connector = given.get("connector", "shop")
    for number in range(count):
        recorder.note(
            **{
                "connector": connector,
                "bucket": connector,
                "status": 401,
                "code": "bad",
                "reason": f"reason {number + 1}",
                "remote": "203.0.113.9",
                "headers": {"X-Topic": "a"},
                **given,
            }
        )


def limit(recorder: RefusalRecorder, count: int = 1, **given: Any) -> None:
    """Note requests that were beyond a connector's limit."""
    refuse(recorder, count, **{"status": 429, "code": "rate-limited", "summed_up": True, **given})


def unrecorded() -> float:
    return REGISTRY.get_sample_value("hookyard_refusals_unrecorded_total") or 0


async def test_a_note_says_who_when_and_why(
    recorder: RefusalRecorder, book: Book, clock: ManualClock
) -> None:
    refuse(recorder)
    await recorder.close()

    (row,) = book.rows
    assert is_id(row.pop("id"))
    assert row == {
        "connector": "shop",
        "at_ms": clock.now_ms,
        "status": 401,
        "code": "bad",
        "reason": "reason 1",
        "remote": "203.0.113.9",
        "headers": {"x-topic": "a"},
    }


async def test_headers_keep_no_credential_and_are_fit_to_be_stored(
    recorder: RefusalRecorder, book: Book
) -> None:
    forget_value("canary-secret")
    headers = {
        "Authorization": "Bearer canary",
        "X-Own-Proof": "canary",
        "X-Echo": "a canary-secret b",
        "X-Long": "a" * 5000,
        "X-Odd": "\udcff",
    }
    refuse(recorder, headers=headers, hidden=frozenset({"x-own-proof"}))
    await recorder.close()

    (row,) = book.rows
    assert "canary" not in str(row)
    assert row["headers"]["x-own-proof"] == "[redacted]"
    assert row["headers"]["x-long"] == "a" * 500
    assert row["headers"]["x-odd"] == "?"


async def test_a_reason_holds_no_secret(recorder: RefusalRecorder, book: Book) -> None:
    forget_value("canary-secret")
    refuse(recorder, reason="has canary-secret in it")
    await recorder.close()

    assert book.rows[0]["reason"] == "has [redacted] in it"


async def test_within_a_minute_only_so_many_are_noted_and_the_rest_is_counted(
    recorder: RefusalRecorder, book: Book, clock: ManualClock
) -> None:
    before = unrecorded()
    refuse(recorder, 60 + 1200)
    clock.forward(MINUTE_MS)
    refuse(recorder, reason="of the next minute")
    await recorder.close()

    reasons = [row["reason"] for row in book.rows]
    assert reasons[:60] == [f"reason {number}" for number in range(1, 61)]
    assert reasons[60:] == [
        "1,200 more refusals within this minute, the last one: reason 1260",
        "of the next minute",
    ]
    assert unrecorded() - before == 1200
    assert book.rows[60]["headers"] == {}


async def test_each_connector_has_a_cap_of_its_own(recorder: RefusalRecorder, book: Book) -> None:
    refuse(recorder, 61, connector="loud")
    refuse(recorder, connector="quiet")
    await recorder.close()

    assert [row["connector"] for row in book.rows].count("quiet") == 1
    assert len(book.rows) == 62


async def test_all_that_is_unknown_shares_one_cap(recorder: RefusalRecorder, book: Book) -> None:
    for number in range(100):
        refuse(recorder, connector=f"guess-{number}", bucket="(unknown)")
    await recorder.close()

    assert len(book.rows) == 61
    assert book.rows[-1]["reason"].startswith("40 more refusals within this minute")


async def test_what_is_beyond_the_limit_is_one_note_a_minute_with_its_count(
    recorder: RefusalRecorder, book: Book, clock: ManualClock
) -> None:
    limit(recorder, 1500)
    clock.forward(MINUTE_MS)
    limit(recorder, 2)
    await recorder.close()

    assert [(row["status"], row["code"]) for row in book.rows] == [(429, "rate-limited")] * 2
    assert [row["reason"] for row in book.rows] == [
        "1,500 refusals within this minute, the last one: reason 1500",
        "2 refusals within this minute, the last one: reason 2",
    ]


async def test_what_is_summed_up_takes_nothing_of_the_cap_and_counts_as_recorded(
    recorder: RefusalRecorder, book: Book
) -> None:
    before = unrecorded()
    limit(recorder, 500)
    refuse(recorder, 60)
    await recorder.close()

    assert [row["code"] for row in book.rows].count("bad") == 60
    assert unrecorded() == before


async def test_sums_of_several_kinds_and_connectors_are_kept_apart(
    recorder: RefusalRecorder, book: Book
) -> None:
    limit(recorder, 3, connector="a")
    limit(recorder, 5, connector="b")
    refuse(recorder, 62, connector="a")
    await recorder.close()

    sums = sorted((row["connector"], row["reason"][:8]) for row in book.rows[60:])
    assert sums == [("a", "2 more r"), ("a", "3 refusa"), ("b", "5 refusa")]


async def test_a_sum_is_written_when_its_minute_is_over_without_another_refusal(
    recorder: RefusalRecorder, book: Book, clock: ManualClock
) -> None:
    limit(recorder, 3)
    running = asyncio.create_task(recorder.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert book.rows == []

    clock.forward(MINUTE_MS)

    await wait_until(lambda: book.rows, "the sum is written")
    assert book.rows[0]["reason"].startswith("3 refusals within this minute")
    running.cancel()
    await asyncio.wait([running])


async def test_a_burst_shares_a_few_writes(recorder: RefusalRecorder, book: Book) -> None:
    running = asyncio.create_task(recorder.run())
    for number in range(5):
        refuse(recorder, 60, connector=f"c-{number}")

    await wait_until(lambda: len(book.rows) == 300, "all are written")

    assert [len(batch) for batch in book.batches] == [200, 100]
    running.cancel()
    await asyncio.wait([running])


async def test_while_the_database_is_away_notes_wait_for_it(
    recorder: RefusalRecorder, book: Book
) -> None:
    book.failure = StoreUnavailableError()
    running = asyncio.create_task(recorder.run())
    refuse(recorder, 3)
    await wait_until(lambda: book.tries > 2, "it is tried again")

    book.failure = None
    await wait_until(lambda: book.rows, "the notes are written")

    assert [row["reason"] for row in book.rows] == ["reason 1", "reason 2", "reason 3"]
    running.cancel()
    await asyncio.wait([running])


async def test_notes_that_come_during_a_write_are_written_too(
    recorder: RefusalRecorder, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, gate = book.save, asyncio.Event()

    async def slow(rows: Sequence[Row]) -> None:
        await gate.wait()
        await save(rows)

    monkeypatch.setattr(recorder, "_save", slow)
    running = asyncio.create_task(recorder.run())
    refuse(recorder)
    for _ in range(5):
        await asyncio.sleep(0)
    refuse(recorder, reason="meanwhile")
    gate.set()

    await wait_until(lambda: len(book.rows) == 2, "both are written")
    assert not recorder._something.is_set()
    running.cancel()
    await asyncio.wait([running])


async def test_when_too_many_wait_the_rest_is_only_counted(
    recorder: RefusalRecorder, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUFFERED", 10)
    before = unrecorded()
    refuse(recorder, 15)
    await recorder.close()

    assert [row["reason"] for row in book.rows] == [f"reason {n}" for n in range(1, 11)]
    assert unrecorded() - before == 5


@pytest.mark.parametrize("failure", [StoreUnavailableError(), TimeoutError()])
async def test_at_the_end_what_cannot_be_written_is_said(
    recorder: RefusalRecorder, book: Book, failure: Exception
) -> None:
    book.failure = failure
    refuse(recorder, 3)
    with capture_logs() as logs:
        await recorder.close()

    assert [(entry["event"], entry["count"]) for entry in logs] == [("refusals_lost", 3)]


async def test_at_the_end_a_database_that_hangs_is_not_waited_for(
    recorder: RefusalRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(_: Sequence[Row]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "_CLOSE_WITHIN_S", 0.01)
    monkeypatch.setattr(recorder, "_save", hangs)
    refuse(recorder)
    with capture_logs() as logs:
        await recorder.close()

    assert [entry["event"] for entry in logs] == ["refusals_lost"]


async def test_beyond_the_cap_each_kind_of_refusal_is_counted_by_itself(
    recorder: RefusalRecorder, book: Book
) -> None:
    refuse(recorder, 60 + 500, code="signature-missing")
    refuse(recorder, 2, code="signature-mismatch", reason="over 1,312 bytes")
    await recorder.close()

    sums = {row["code"]: row["reason"] for row in book.rows[60:]}
    assert sums["signature-missing"].startswith("500 more refusals within this minute")
    assert sums["signature-mismatch"].endswith("the last one: over 1,312 bytes")


async def test_a_flood_of_days_is_noted_by_the_hour(
    recorder: RefusalRecorder, book: Book, clock: ManualClock
) -> None:
    clock.forward(60 * MINUTE_MS - clock.now_ms % (60 * MINUTE_MS))
    for _ in range(60):
        refuse(recorder, 100)
        clock.forward(MINUTE_MS)
    refuse(recorder, 3)
    await recorder.close()

    alone = [row for row in book.rows if "within this minute" not in row["reason"]]
    assert len(alone) == 600 + 3
    assert len(book.rows) == 600 + 3 + 60


async def test_a_request_of_many_headers_leaves_a_note_of_bounded_size(
    recorder: RefusalRecorder, book: Book
) -> None:
    refuse(recorder, headers={f"X-{'n' * 200}-{number}": "v" * 400 for number in range(500)})
    refuse(recorder, headers={f"X-{number}": "v" * 400 for number in range(500)})
    await recorder.close()

    for row in book.rows:
        assert len(str(row["headers"])) < 20_000
    assert len(book.rows[1]["headers"]) == 60
    assert list(book.rows[1]["headers"].values()).count("(left out)") == 40
