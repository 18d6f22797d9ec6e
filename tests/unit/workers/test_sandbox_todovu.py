"""The simulator of a todo.vu connector does what todo.vu says that connectors do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.vendors.calling import Caller, calling
from workers.sandbox.todovu import TodoVu

PATH = "/connectors/1/tasks"
NEW = {"title": "Call back", "contact": "jane@acme.example"}
STRANGER = {"title": "Call back", "contact": "a@b.example"}
HOURS_MS = 3_600_000


@asynccontextmanager
async def connector(
    clock: ManualClock | None = None, **given: Any
) -> AsyncIterator[tuple[Caller, TodoVu]]:
    simulator = TodoVu(clock or ManualClock(), "k3y", **given)
    async with calling(simulator, {"Authorization": "Bearer k3y"}) as call:
        yield call, simulator


async def test_a_task_is_answered_with_its_id() -> None:
    async with connector() as (call, simulator):
        got = await call("POST", PATH, NEW)

        assert (got.status, got.body) == (200, {"id": 1001})
        assert simulator.tasks[0]["creator"] == "contact"


@pytest.mark.parametrize(
    "changed",
    [
        {"title": ""},
        {"title": None},
        {"colour": "red"},
        {"label_ids": [99]},
        {"label_ids": ["shopify"]},
        {"follower_ids": ["jane@acme.example"]},
        {"due": "tomorrow"},
        {"state": "Open"},
    ],
)
async def test_what_is_not_allowed_is_refused(changed: dict[str, Any]) -> None:
    async with connector() as (call, simulator):
        got = await call("POST", PATH, {**NEW, **changed})

        assert got.status == 400
        assert got.body["error"]
        assert simulator.tasks == []


async def test_what_is_no_json_and_what_is_not_proven_is_refused() -> None:
    async with connector() as (call, simulator):
        assert (await call("POST", PATH, raw=b"{")).status == 400
        assert (await call("POST", PATH, [])).status == 400
        assert (await call("POST", PATH, NEW, Authorization="Bearer other")).status == 401
        assert simulator.tasks == []


async def test_a_preset_field_may_not_be_passed_not_even_with_the_same_value() -> None:
    async with connector(preset={"state": "Snoozed"}) as (call, simulator):
        got = await call("POST", PATH, {**NEW, "state": "Snoozed"})

        assert (got.status, got.body["error"]) == (
            400,
            "state is preset on this connector and may not be passed",
        )
        await call("POST", PATH, NEW)
        assert [task["state"] for task in simulator.tasks] == ["Snoozed"]


@pytest.mark.parametrize(
    ("unknown", "status", "creator", "known"),
    [
        ("reject", 400, None, []),
        ("create", 200, "contact", ["a@b.example"]),
        ("connector", 200, "connector", []),
    ],
)
async def test_a_stranger_is_dealt_with_as_the_connector_says(
    unknown: str, status: int, creator: str | None, known: list[str]
) -> None:
    async with connector(unknown=unknown) as (call, simulator):
        assert (await call("POST", PATH, STRANGER)).status == status
        assert [task["creator"] for task in simulator.tasks] == ([creator] if creator else [])
        assert sorted(simulator.contacts - {*simulator.people.values()}) == known
        await call("POST", PATH, {"title": "Of nobody"})
        assert simulator.tasks[-1]["creator"] == "connector"


async def test_a_free_plan_takes_one_task_in_30_hours() -> None:
    clock = ManualClock()
    async with connector(clock, free=True) as (call, simulator):
        assert (await call("POST", PATH, {**NEW, "title": ""})).status == 400
        assert (await call("POST", PATH, NEW)).status == 200
        clock.forward(30 * HOURS_MS - 1)
        assert (await call("POST", PATH, NEW)).status == 429
        clock.forward(1)
        assert (await call("POST", PATH, NEW)).status == 200
        assert (len(simulator.tasks), simulator.refused_for_rate) == (2, 1)
