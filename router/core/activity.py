"""What a connector received and what came of it, as JSON: for the API and the command."""

from __future__ import annotations

from typing import Any, Final

from router.core.clock import Clock, epoch_ms, from_epoch_ms, rfc3339_of_ms
from router.core.store.activity import DAY_MS, Days
from router.core.store.page import Page
from router.core.store.schema import Row

SHOWN_DAYS: Final = 7


def since_of(since_ms: int | None, clock: Clock) -> int:
    """Return from when on activity is shown: as asked for, else a week of whole days, today included."""
    if since_ms is not None:
        return since_ms
    return (epoch_ms(clock()) // DAY_MS - SHOWN_DAYS + 1) * DAY_MS


def activity_json(page: Page, counts: Days, refused: Days, base_url: str) -> dict[str, Any]:
    """Return `{"data": [what came], "days": [counts, the newest day first], "next_cursor"}`."""
    days = sorted(counts.keys() | refused.keys(), reverse=True)
    return {
        "data": [_entry(row, base_url) for row in page.rows],
        "days": [
            {
                "date": from_epoch_ms(day).date().isoformat(),
                "events": counts.get(day, {}),
                "refusals": refused.get(day, {}),
            }
            for day in days
        ],
        "next_cursor": page.next_cursor,
    }


def _entry(row: Row, base_url: str) -> dict[str, Any]:
    errors = [error for entry in row["decisions"] for error in entry.get("errors", ())]
    return {
        "event_id": row["id"],
        "received_at": rfc3339_of_ms(row["received_ms"]),
        "status": row["status"],
        "reason": row["reason"],
        "code": row["code"],
        "errors": errors,
        "tasks": [
            {
                **{name: task[name] for name in ("id", "number", "action", "rule")},
                "url": f"{base_url}/api/v1/tasks/{task['id']}",
            }
            for task in row["tasks"]
        ],
        "duplicate_of": row["duplicate_of"],
    }
