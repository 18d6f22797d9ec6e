"""Lists of tasks: how they are sorted, page by page, and what filters find."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

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


@pytest.mark.parametrize("q", ["50%", "a_b", "c\\d", "OFF", "über"])
async def test_text_is_found_as_it_is_written(store: Store, q: str) -> None:
    titled = task_row(title="50% off a_b c\\d über")
    await _add(store, [titled, task_row(number=2, title="500 axb cd", description="nothing")])

    async with store.connect() as conn:
        page = await list_tasks(conn, TaskFilter(q=q))

    assert [row["number"] for row in page.rows] == [1]
