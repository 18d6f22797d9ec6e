"""Tasks changed by hand: what is written, remembered and asked of copies; and beside routing (K7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from router.core.errors import StoreError
from router.core.store.deliveries import get_delivery
from router.core.store.edits import (
    Edit,
    Edited,
    KeyTakenError,
    VersionError,
    delete_task,
    edit_task,
)
from router.core.store.engine import Store
from router.core.store.routing import Writes, lock_scopes, tasks_of_keys, write
from router.core.store.schema import Row
from router.core.store.tasks import get_task, task_history
from tests.support.rows import NOW_MS, closed, delivery_row, new_id, task_row

LATER_MS = NOW_MS + 60_000
DONE = {"status": "done", "status_kind": "done"}
OPEN = {"status": "open", "status_kind": "initial"}


async def _write(store: Store, **rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(**rows))


async def _task(store: Store, task_id: str) -> Row:
    async with store.connect() as conn:
        found = await get_task(conn, task_id)
    assert found is not None
    return found


async def _edit(store: Store, task_id: str, **values: Any) -> Edited | None:
    note = values.pop("note", None)
    edit = Edit(task_id, values, "person:jane", new_id(), note)
    async with store.begin() as conn:
        return await edit_task(conn, edit, now_ms=LATER_MS)


async def _history(store: Store, task_id: str) -> list[Row]:
    async with store.connect() as conn:
        return await task_history(conn, task_id)


def versioned(**given: Any) -> Row:
    """Return an open task of a sender that gives versions."""
    row = task_row(key="k", **given)
    return row | {"source": row["source"] | {"version": "7"}}


async def test_an_edit_makes_a_version_a_line_of_history_and_remembers_its_fields(
    store: Store,
) -> None:
    task = task_row(key="k", labels=["a"], custom={"x": 1, "y": 2})
    await _write(store, new_tasks=[task])

    values = {"title": "As Jane says", "labels": ["a"], "custom": {"x": 1, "y": 3}}
    edited = await _edit(store, task["id"], **values)

    assert edited is not None
    stored = await _task(store, task["id"])
    assert edited == Edited(stored)
    assert stored == dict.fromkeys(stored) | {"all_day": False} | task | {
        "title": "As Jane says",
        "custom": {"x": 1, "y": 3},
        "version": 2,
        "updated_ms": LATER_MS,
        "edited": ["custom.y", "title"],
    }
    (change,) = await _history(store, task["id"])
    assert change == {
        "id": change["id"],
        "task_id": task["id"],
        "at_ms": LATER_MS,
        "event_id": None,
        "rule": None,
        "actor": "person:jane",
        "action": "updated",
        "fields": {
            "title": {"from": "Fulfil order", "to": "As Jane says"},
            "custom": {"from": {"x": 1, "y": 2}, "to": {"x": 1, "y": 3}},
        },
        "note": None,
    }


async def test_later_edits_add_to_what_was_changed_by_hand(store: Store) -> None:
    task = task_row(edited=["title"])
    await _write(store, new_tasks=[task])

    await _edit(store, task["id"], due_date="2026-12-01", due_ms=1)
    await _edit(store, task["id"], title="Again", due_ms=2)

    stored = await _task(store, task["id"])
    assert (stored["edited"], stored["version"]) == (["due", "title"], 3)


async def test_an_edit_that_changes_nothing_writes_nothing(store: Store) -> None:
    task = task_row()
    await _write(store, new_tasks=[task], deliveries=[delivery_row(task["id"], state="current")])

    edited = await _edit(store, task["id"], title="Fulfil order", labels=[])

    assert edited == Edited(await _task(store, task["id"]))
    assert edited.task["version"] == 1
    assert await _history(store, task["id"]) == []


async def test_a_note_alone_goes_into_the_history(store: Store) -> None:
    task = task_row()
    await _write(store, new_tasks=[task], deliveries=[delivery_row(task["id"], state="current")])

    edited = await _edit(store, task["id"], note="Asked the customer")

    assert edited is not None
    assert (edited.task["version"], edited.destinations) == (1, ())
    (change,) = await _history(store, task["id"])
    assert (change["note"], change["fields"]) == ("Asked the customer", {})
    assert change["action"] == "commented"


async def test_an_edit_may_depend_on_what_the_task_has(store: Store) -> None:
    task = task_row(custom={"n": 1})
    await _write(store, new_tasks=[task])

    async def add() -> None:
        edit = Edit(
            task["id"], lambda row: {"custom": {"n": row["custom"]["n"] + 1}}, "api:ci", new_id()
        )
        async with store.begin() as conn:
            await edit_task(conn, edit, now_ms=LATER_MS)

    await asyncio.gather(*(add() for _ in range(5)))

    assert (await _task(store, task["id"]))["custom"] == {"n": 6}


async def test_of_edits_of_one_version_one_is_done_and_the_others_are_told(store: Store) -> None:
    task = task_row()
    await _write(store, new_tasks=[task])

    async def rename(title: str) -> int:
        edit = Edit(task["id"], {"title": title}, "api:ci", new_id(), versions={1})
        try:
            async with store.begin() as conn:
                await edit_task(conn, edit, now_ms=LATER_MS)
        except VersionError as error:
            return error.version
        return 1

    versions = await asyncio.gather(*(rename(f"As {number} says") for number in range(4)))

    assert sorted(versions) == [1, 2, 2, 2]
    assert len(await _history(store, task["id"])) == 1


async def test_a_deleted_task_keeps_its_history_and_gives_its_key_away(store: Store) -> None:
    task = task_row(key="k")
    await _write(store, new_tasks=[task], deliveries=[delivery_row(task["id"], state="current")])

    async with store.begin() as conn:
        with pytest.raises(VersionError):
            await delete_task(
                conn, task["id"], actor="api:ci", history_id=new_id(), now_ms=1, versions={7}
            )
        gone = await delete_task(
            conn, task["id"], actor="api:ci", history_id=new_id(), now_ms=LATER_MS
        )
        again = await delete_task(conn, task["id"], actor="api:ci", history_id=new_id(), now_ms=1)

    assert gone is not None
    assert (gone.task["deleted_ms"], gone.destinations) == (LATER_MS, ("crm",))
    assert again is None
    (change,) = await _history(store, task["id"])
    assert (change["action"], change["actor"]) == ("deleted", "api:ci")
    async with store.connect() as conn:
        assert await get_task(conn, task["id"]) is None
        copy = await get_delivery(conn, delivery_row(task["id"])["id"])
    assert copy is not None
    assert (copy["state"], copy["wanted_version"]) == ("pending", gone.task["version"])
    await _write(store, new_tasks=[task_row(key="k", number=2)])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pending", "pending"),
        ("failed", "pending"),
        ("retrying", "retrying"),
        ("uncertain", "uncertain"),
        ("held", "held"),
        ("dropped", "dropped"),
    ],
)
async def test_every_copy_is_to_follow_a_deletion_but_what_waits_for_a_person_waits_on(
    store: Store, before: str, after: str
) -> None:
    task = task_row()
    row = delivery_row(
        task["id"], state=before, next_attempt_ms=None if after == "held" else LATER_MS * 2
    )
    await _write(store, new_tasks=[task], deliveries=[row])

    async with store.begin() as conn:
        await delete_task(conn, task["id"], actor="a", history_id=new_id(), now_ms=LATER_MS)

    async with store.connect() as conn:
        copy = await get_delivery(conn, row["id"])
    assert copy is not None
    assert (copy["state"], copy["wanted_version"]) == (after, task["version"] + 1)
    is_taken_up = before == "failed"
    assert copy["next_attempt_ms"] == (LATER_MS if is_taken_up else row["next_attempt_ms"])


async def test_every_copy_is_to_follow_an_edit(store: Store) -> None:
    task = task_row()
    copies = [delivery_row(task["id"], name, state="current") for name in ("crm", "chat")]
    await _write(store, new_tasks=[task], deliveries=copies)

    edited = await _edit(store, task["id"], priority="high")

    assert edited is not None
    assert edited.destinations == ("chat", "crm")
    async with store.connect() as conn:
        for copy in copies:
            row = await get_delivery(conn, copy["id"])
            assert row is not None
            assert (row["state"], row["wanted_version"]) == ("pending", 2)
            assert row["next_attempt_ms"] == LATER_MS


@pytest.mark.parametrize(("kind", "action"), [("done", "completed"), ("cancelled", "cancelled")])
async def test_who_closes_a_task_closes_what_the_sender_said_so_far(
    store: Store, kind: str, action: str
) -> None:
    task = versioned()
    await _write(store, new_tasks=[task])

    await _edit(store, task["id"], status=kind, status_kind=kind)

    stored = await _task(store, task["id"])
    assert (stored["status_kind"], stored["completed_ms"]) == (kind, LATER_MS)
    assert (stored["source"]["closed_version"], stored["edited"]) == ("7", None)
    assert (await _history(store, task["id"]))[0]["action"] == action


async def test_a_task_is_never_closed_before_it_was_made(store: Store) -> None:
    task = task_row(created_ms=LATER_MS + 5)
    await _write(store, new_tasks=[task])

    await _edit(store, task["id"], **DONE)

    stored = await _task(store, task["id"])
    assert (stored["completed_ms"], stored["source"]) == (LATER_MS + 5, task["source"])


async def test_a_task_is_opened_again_by_hand(store: Store) -> None:
    task = closed(versioned(), NOW_MS)
    task["source"] |= {"closed_version": "7"}
    await _write(store, new_tasks=[task])

    await _edit(store, task["id"], **OPEN)

    stored = await _task(store, task["id"])
    assert (stored["completed_ms"], stored["source"].get("closed_version")) == (None, None)
    assert stored["source"]["version"] == "7"
    assert (await _history(store, task["id"]))[0]["action"] == "reopened"


async def test_from_one_status_to_another_of_its_side_nothing_is_opened_or_closed(
    store: Store,
) -> None:
    one, two = task_row(), closed(task_row(number=2), NOW_MS)
    await _write(store, new_tasks=[one, two])

    await _edit(store, one["id"], status="doing", status_kind="in_progress")
    await _edit(store, two["id"], status="cancelled", status_kind="cancelled")

    for row, completed_ms in ((one, None), (two, NOW_MS)):
        assert (await _task(store, row["id"]))["completed_ms"] == completed_ms
        assert (await _history(store, row["id"]))[0]["action"] == "updated"


async def test_a_task_is_not_opened_again_beside_another_open_one_of_its_key(
    store: Store,
) -> None:
    old = closed(task_row(key="k"), NOW_MS)
    await _write(store, new_tasks=[old, task_row(key="k", number=2)])

    with pytest.raises(KeyTakenError, match="another open task has its key"):
        await _edit(store, old["id"], **OPEN)

    assert (await _task(store, old["id"]))["status_kind"] == "done"
    assert await _history(store, old["id"]) == []
    assert issubclass(KeyTakenError, StoreError)


async def test_an_older_task_may_be_opened_again_where_all_of_its_key_are_closed(
    store: Store,
) -> None:
    old, free = closed(task_row(key="k"), NOW_MS), closed(task_row(number=3), NOW_MS)
    await _write(store, new_tasks=[old, closed(task_row(key="k", number=2), NOW_MS + 1), free])

    await _edit(store, old["id"], **OPEN)
    await _edit(store, free["id"], **OPEN)

    async with store.begin() as conn:
        assert (await tasks_of_keys(conn, [("shop", "k")]))["shop", "k"]["id"] == old["id"]


@pytest.mark.parametrize("task_id", ["nonsense", "01935000-0000-7000-8000-000000000000"])
async def test_a_task_that_is_not_there_is_none(store: Store, task_id: str) -> None:
    assert await _edit(store, task_id, title="x") is None


async def test_a_deleted_task_is_none(store: Store) -> None:
    task = task_row(deleted_ms=NOW_MS)
    await _write(store, new_tasks=[task])

    assert await _edit(store, task["id"], title="x") is None


@pytest.mark.parametrize(
    "values",
    [{"key": "k"}, {"version": 9}, {"source": {}}, {"edited": []}, {"status": "done"}, {"x": 1}],
)
async def test_what_cannot_be_set_by_hand_is_an_error(store: Store, values: Row) -> None:
    task = task_row()
    await _write(store, new_tasks=[task])

    with pytest.raises(ValueError, match=r"by hand|go together"):
        await _edit(store, task["id"], **values)


async def test_an_edit_waits_for_the_routing_of_its_key_and_sees_what_that_wrote(
    store: Store,
) -> None:
    task = task_row(key="k")
    await _write(store, new_tasks=[task])
    entered, let_go = asyncio.Event(), asyncio.Event()

    async def routing() -> None:
        async with store.begin() as conn:
            await lock_scopes(conn, ["shop"])
            held = (await tasks_of_keys(conn, [("shop", "k")]))["shop", "k"]
            entered.set()
            await let_go.wait()
            changed = held | {"title": "As the sender says", "version": 2}
            await write(conn, Writes(changed_tasks=[changed]))

    async with asyncio.TaskGroup() as group:
        group.create_task(routing())
        await entered.wait()
        editing = group.create_task(_edit(store, task["id"], priority="high"))
        done, _ = await asyncio.wait([editing], timeout=0.2)
        assert not done
        let_go.set()

    stored = await _task(store, task["id"])
    assert (stored["title"], stored["priority"], stored["version"]) == (
        "As the sender says",
        "high",
        3,
    )
