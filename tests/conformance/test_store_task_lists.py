"""Lists of tasks: how they are sorted, page by page, and what filters find."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from router.core.store import searching
from router.core.store.engine import Store
from router.core.store.page import BadCursorError
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from router.core.store.tasks import ORDERS, TaskFilter, list_tasks
from tests.support.rows import NOW_MS, task_row

DUES = (None, 5, 3, None, 5)


def _tasks() -> list[Row]:
    return [
        task_row(
            number=number,
            created_ms=NOW_MS + number // 2,
            updated_ms=NOW_MS - number // 3,
            due_ms=due,
        )
        for number, due in enumerate(DUES, 1)
    ]


async def _add(store: Store, rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(new_tasks=rows))


async def _numbers(store: Store, sort: str, limit: int) -> list[int]:
    """Return the numbers of all pages."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        async with store.connect() as conn:
            page = await list_tasks(conn, TaskFilter(), limit=limit, cursor=cursor, sort=sort)
        assert "ordered_by" not in page.rows[0]
        found += [row["number"] for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 200])
@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("-created", [5, 4, 3, 2, 1]),
        ("created", [1, 2, 3, 4, 5]),
        ("-updated", [2, 1, 5, 4, 3]),
        ("updated", [3, 4, 5, 1, 2]),
        ("due", [3, 2, 5, 1, 4]),
    ],
)
async def test_pages_of_any_size_are_the_list_in_its_order(
    store: Store, sort: str, numbers: list[int], limit: int
) -> None:
    await _add(store, _tasks())

    assert await _numbers(store, sort, limit) == numbers


async def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    await _add(store, _tasks())
    async with store.connect() as conn:
        for one, other in pairwise(ORDERS):
            page = await list_tasks(conn, TaskFilter(), limit=1, sort=one)
            with pytest.raises(BadCursorError):
                await list_tasks(conn, TaskFilter(), cursor=page.next_cursor, sort=other)


@pytest.mark.parametrize("name", ["status_kind", "client", "project"])
async def test_tasks_are_found_by_kind_client_and_project(store: Store, name: str) -> None:
    wanted: dict[str, Any] = {name: "done"}
    await _add(store, [task_row(**{name: "done"}), task_row(number=2)])

    async with store.connect() as conn:
        page = await list_tasks(conn, TaskFilter(**wanted))

    assert [row["number"] for row in page.rows] == [1]


@pytest.mark.parametrize(
    ("sort", "since", "until"),
    [
        ("created", [2, 3, 4], [1]),
        ("-updated", [1, 4], [3, 2]),
        ("due", [1], [4]),
    ],
)
async def test_a_span_is_one_of_the_time_that_is_sorted_by(
    store: Store, sort: str, since: list[int], until: list[int]
) -> None:
    times = [(1, 10, 90, 70), (2, 20, 20, None), (3, 30, 30, None), (4, 40, 80, 5)]
    await _add(
        store,
        [
            task_row(number=number, created_ms=created, updated_ms=updated, due_ms=due)
            for number, created, updated, due in times
        ],
    )
    bound = 20 if sort == "created" else 50

    async with store.connect() as conn:
        after = await list_tasks(conn, TaskFilter(since_ms=bound), sort=sort)
        before = await list_tasks(conn, TaskFilter(until_ms=bound), sort=sort)

    assert [row["number"] for row in after.rows] == since
    assert [row["number"] for row in before.rows] == until


@pytest.mark.parametrize("q", ["50%", "a_b", "c\\d", "OFF", "über"])
async def test_text_is_found_as_it_is_written(store: Store, q: str) -> None:
    titled = task_row(title="50% off a_b c\\d über")
    await _add(store, [titled, task_row(number=2, title="500 axb cd", description="nothing")])

    async with store.connect() as conn:
        page = await list_tasks(conn, TaskFilter(q=q))

    assert [row["number"] for row in page.rows] == [1]


def _many() -> list[Row]:
    """Return tasks of which every third one is labelled, those in the middle more often."""
    return [
        task_row(
            number=number,
            created_ms=NOW_MS + number // 2,
            updated_ms=NOW_MS + 100 - number % 7,
            due_ms=None if number % 4 else NOW_MS - number,
            deleted_ms=NOW_MS if number % 11 == 0 else None,
            title="Call back" if number % 5 else "Send an offer",
            labels=["big"] if number % 3 == 0 or 20 < number < 30 else [],
            client="acme" if number % 2 else None,
        )
        for number in range(1, 61)
    ]


_SORTED: dict[str, Callable[[Row], tuple[int, int]]] = {
    "-created": lambda row: (-row["created_ms"], -row["number"]),
    "created": lambda row: (row["created_ms"], row["number"]),
    "-updated": lambda row: (-row["updated_ms"], -row["number"]),
    "updated": lambda row: (row["updated_ms"], row["number"]),
    "due": lambda row: (row["due_ms"] or 2**63, row["number"]),
}
_PASSING: list[tuple[dict[str, Any], Callable[[Row], bool]]] = [
    ({"label": "big"}, lambda row: "big" in row["labels"]),
    ({"q": "offer"}, lambda row: "offer" in row["title"]),
    ({"q": "nobody"}, lambda _row: False),
    ({"label": "big", "client": "acme"}, lambda row: bool(row["labels"] and row["client"])),
]


@pytest.mark.parametrize(
    ("stretch", "few", "sample"), [(3, 1, 1), (3, 999, 2), (999, 1, 5), (25, 8, 10), (1, 1, 999)]
)
async def test_what_passes_is_found_whichever_way_it_is_looked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, stretch: int, few: int, sample: int
) -> None:
    for name, value in {"STRETCH": stretch, "FEW": few, "SAMPLE": sample}.items():
        monkeypatch.setattr(searching, name, value)
    rows = _many()
    await _add(store, rows)

    async with store.connect() as conn:
        for given, passes in _PASSING:
            for sort, place in _SORTED.items():
                found: list[int] = []
                cursor: str | None = None
                while True:
                    page = await list_tasks(
                        conn, TaskFilter(**given), limit=4, cursor=cursor, sort=sort
                    )
                    assert len(page.rows) == 4 or page.next_cursor is None
                    found += [row["number"] for row in page.rows]
                    cursor = page.next_cursor
                    if cursor is None:
                        break
                wanted = [row for row in rows if passes(row) and row["deleted_ms"] is None]
                assert found == [row["number"] for row in sorted(wanted, key=place)], (given, sort)
