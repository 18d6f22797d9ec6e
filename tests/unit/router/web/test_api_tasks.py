"""`/api/v1/tasks`."""

from __future__ import annotations

from typing import Any

import pytest

from router.core.store.schema import Row
from tests.support.rows import HOUR_MS, NOW_MS, delivery_row, history_row, new_id, task_row
from tests.support.site import Site


async def add_tasks(site: Site, count: int = 1, **given: Any) -> list[Row]:
    """Write tasks, their numbers from 1 on."""
    rows = [task_row(number=number + 1, **given) for number in range(count)]
    await site.add(new_tasks=rows)
    return rows


async def titles(site: Site, query: str) -> list[str]:
    return [task["title"] for task in (await site.get(f"/api/v1/tasks?{query}"))["data"]]


async def test_a_task_is_shown_with_its_history_and_copies(site: Site) -> None:
    (row,) = await add_tasks(site)
    await site.add(history=[history_row(row["id"])], deliveries=[delivery_row(row["id"])])

    task = await site.get(f"/api/v1/tasks/{row['id']}")

    assert (task["id"], task["number"], task["title"]) == (row["id"], 1, "Fulfil order")
    assert [change["action"] for change in task["history"]] == ["created"]
    assert task["deliveries"] == [{"destination": "crm", "state": "pending", "external_id": None}]


async def test_lists_have_the_copies_and_leave_the_history_out(site: Site) -> None:
    rows = await add_tasks(site, 2)
    await site.add(deliveries=[delivery_row(rows[0]["id"], name) for name in ("crm", "ads")])

    answer = await site.get("/api/v1/tasks")

    assert [task["number"] for task in answer["data"]] == [2, 1]
    assert [copy["destination"] for copy in answer["data"][1]["deliveries"]] == ["ads", "crm"]
    assert answer["data"][0]["deliveries"] == []
    assert "history" not in answer["data"][0]
    assert answer["next_cursor"] is None


async def test_pages_stay_valid_while_tasks_are_added(site: Site) -> None:
    await add_tasks(site, 5)
    first = await site.get("/api/v1/tasks?limit=2")
    await site.add(new_tasks=[task_row(number=6)])

    second = await site.get(f"/api/v1/tasks?limit=2&cursor={first['next_cursor']}")
    last = await site.get(f"/api/v1/tasks?limit=2&cursor={second['next_cursor']}")

    numbers = [task["number"] for page in (first, second, last) for task in page["data"]]
    assert numbers == [5, 4, 3, 2, 1]
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    "query",
    [
        "status=done",
        "connector=desk",
        "assignee=jane",
        "label=vip",
        "key=k-1",
        "q=WANTED",
        "since=2026-11-23T09:30:00Z",
    ],
)
async def test_filters_leave_the_one_that_is_meant(site: Site, query: str) -> None:
    given = {
        "title": "the wanted one",
        "status": "done",
        "status_kind": "done",
        "assignees": ["jane"],
        "labels": ["vip"],
        "scope": "desk",
        "key": "k-1",
        "created_ms": NOW_MS + HOUR_MS,
        "source": {"connector": "desk"},
    }
    await add_tasks(site)
    await site.add(new_tasks=[task_row(number=2, **given)])

    assert await titles(site, query) == ["the wanted one"]
    assert await titles(site, "until=2026-11-23T09:30:00Z") == ["Fulfil order"]


async def test_a_status_that_no_task_has_is_an_empty_list(site: Site) -> None:
    await add_tasks(site)

    assert await titles(site, "status=nothing") == []


@pytest.mark.parametrize("query", ["cursor=abc", "cursor=", "cursor=LTE"])
async def test_a_cursor_of_another_list_is_refused(site: Site, query: str) -> None:
    assert (await site.get(f"/api/v1/tasks?{query}", status=400))["code"] == "bad-cursor"


async def test_an_unknown_filter_is_refused(site: Site) -> None:
    assert (await site.get("/api/v1/tasks?colour=red", status=400))["code"] == "bad-filter"


async def test_the_copies_of_a_task_have_a_list(site: Site) -> None:
    (row,) = await add_tasks(site)
    copies = [delivery_row(row["id"], name) for name in ("crm", "ads")]
    await site.add(deliveries=copies)

    answer = await site.get(f"/api/v1/tasks/{row['id']}/deliveries")

    assert [copy["destination"] for copy in answer["data"]] == ["ads", "crm"]
    assert {copy["task_id"] for copy in answer["data"]} == {row["id"]}
    assert answer["next_cursor"] is None


@pytest.mark.parametrize("query", ["state=held", "limit=0"])
async def test_the_copies_of_a_task_take_no_filter(site: Site, query: str) -> None:
    row = task_row()
    await site.add(new_tasks=[row])

    answer = await site.get(f"/api/v1/tasks/{row['id']}/deliveries?{query}", status=400)

    assert answer["code"] == "bad-filter"


@pytest.mark.parametrize("ending", ["", "/deliveries"])
@pytest.mark.parametrize("task_id", [new_id(), "1", "%00", "..%2F..", "é"])
async def test_a_task_that_is_not_there_is_404(site: Site, task_id: str, ending: str) -> None:
    assert (await site.get(f"/api/v1/tasks/{task_id}{ending}", status=404))["code"] == "not-found"
