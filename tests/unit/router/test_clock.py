from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from router.core.clock import epoch_ms, from_epoch_ms, rfc3339, utc_now


def test_now_is_aware_of_utc() -> None:
    assert utc_now().tzinfo is UTC


def test_milliseconds_go_both_ways() -> None:
    at = datetime(2026, 11, 23, 9, 12, 45, 120000, tzinfo=UTC)

    assert from_epoch_ms(epoch_ms(at)) == at


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 23, 10, 12, 45, 120999, tzinfo=timezone(timedelta(hours=1)))

    assert rfc3339(at) == "2026-11-23T09:12:45.120Z"
