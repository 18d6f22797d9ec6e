"""Changes of tasks by people, and by programs through the API.

An edit takes the same lock as the routing of events for the task's key, so neither overwrites what the
other just wrote. The fields it changes are remembered, and rules leave them alone (decision K7).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.edited import FIELDS, fields_changed, with_edited
from router.core.errors import StoreError
from router.core.ids import is_id
from router.core.store.deliveries import take_up_failed, wanted_copy
from router.core.store.read import row_of
from router.core.store.routing import Writes, copies_of, lock_scopes, tasks_of_keys, write
from router.core.store.schema import Row, tasks

EDITABLE: Final = frozenset({*FIELDS, "custom", "status", "status_kind"})
"""The columns an edit may set. A status and its kind go together."""

_OPEN: Final = frozenset({"initial", "in_progress"})


class KeyTakenError(StoreError):
    """The task cannot be opened again: another open task has its key."""


class VersionError(StoreError):
    """The task has another version than who wants to change it has seen."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = version


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody wants of a task; a column in `values` takes the place of what the task has.

    `actor` is who, such as `person:jane` or `api:ci`; `history_id` is a new id. Where `values` depend on
    what the task has, they are a function of it; what that raises leaves the task as it is. Where
    `versions` are given, the task must have one of them.
    """

    task_id: str
    values: Row | Callable[[Row], Row]
    actor: str
    history_id: str
    note: str | None = None
    versions: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """A task after an edit, and the destinations whose copies have to follow."""

    task: Row
    destinations: tuple[str, ...] = ()


async def edit_task(conn: AsyncConnection, edit: Edit, *, now_ms: int) -> Edited | None:
    """Change a task by hand; None if there is none with this id.

    What is set to the value it has is no change; where nothing changes, nothing is written.

    Raises:
        KeyTakenError: It was to be opened again, and another open task has its key.
        VersionError: It has none of the versions.
        ValueError: A column cannot be set by hand.
    """
    if not callable(edit.values):
        _check(edit.values)
    found = await _locked(conn, edit.task_id, edit.versions)
    if found is None:
        return None
    values = edit.values
    if callable(values):
        values = values(found)
        _check(values)
    differing = {name: value for name, value in values.items() if found[name] != value}
    if not differing and edit.note is None:
        return Edited(found)
    task, action = changed(found, differing, now_ms)
    if action == "reopened":
        await _check_key(conn, task)
    change = {
        "id": edit.history_id,
        "task_id": task["id"],
        "at_ms": now_ms,
        "actor": edit.actor,
        "action": action if differing else "commented",
        "fields": {name: {"from": found[name], "to": task[name]} for name in differing},
        "note": edit.note,
    }
    copies = (await copies_of(conn, [task["id"]])).get(task["id"], []) if differing else []
    wanted = [wanted_copy(task, destination, now_ms) for destination in copies]
    await write(conn, Writes(changed_tasks=[task], history=[change], deliveries=wanted))
    return Edited(task, tuple(sorted(copies)))


def changed(found: Row, differing: Row, now_ms: int) -> tuple[Row, str]:
    """Return a task with columns changed by hand, and the word for it.

    Who closes a task closes what the sender said up to then: an event of that version or an older one
    does not open it again.
    """
    row = {**found, **differing, "edited": _edited(found, differing)}
    if differing:
        row["version"], row["updated_ms"] = found["version"] + 1, now_ms
    was_open, is_open = found["status_kind"] in _OPEN, row["status_kind"] in _OPEN
    if was_open and not is_open:
        row["completed_ms"] = max(now_ms, found["created_ms"])
        version = found["source"].get("version")
        if version is not None:
            row["source"] = {**found["source"], "closed_version": version}
        return row, "cancelled" if row["status_kind"] == "cancelled" else "completed"
    if is_open and not was_open:
        row["completed_ms"] = None
        row["source"] = {k: v for k, v in found["source"].items() if k != "closed_version"}
        return row, "reopened"
    return row, "updated"


def _edited(found: Row, differing: Row) -> list[str] | None:
    return with_edited(found["edited"], fields_changed(found, differing))


def _check(values: Row) -> None:
    for name in values:
        if name not in EDITABLE:
            raise ValueError(f"{name} cannot be set by hand")
    if ("status" in values) is not ("status_kind" in values):
        raise ValueError("a status and its kind go together")


async def delete_task(
    conn: AsyncConnection,
    task_id: str,
    *,
    actor: str,
    history_id: str,
    now_ms: int,
    versions: Collection[int] | None = None,
) -> Edited | None:
    """Delete a task; None if there is none with this id. Its key is free again, its history stays.

    What becomes of its copies is for their destinations to say (decision V32), so all are to follow:
    also one whose last change failed, for a deletion is another request.

    Raises:
        VersionError: It has none of the versions.
    """
    found = await _locked(conn, task_id, versions)
    if found is None:
        return None
    task = {
        **found,
        "version": found["version"] + 1,
        "updated_ms": now_ms,
        "deleted_ms": now_ms,
    }
    change = {
        "id": history_id,
        "task_id": task_id,
        "at_ms": now_ms,
        "actor": actor,
        "action": "deleted",
        "fields": {},
    }
    copies = (await copies_of(conn, [task_id])).get(task_id, [])
    wanted = [wanted_copy(task, destination, now_ms) for destination in copies]
    await write(conn, Writes(changed_tasks=[task], history=[change], deliveries=wanted))
    await take_up_failed(conn, [row["id"] for row in wanted], now_ms=now_ms)
    return Edited(task, tuple(sorted(copies)))


async def _locked(
    conn: AsyncConnection, task_id: str, versions: Collection[int] | None
) -> Row | None:
    """Return a task that nobody else changes until the transaction ends."""
    if not is_id(task_id):
        return None
    query = select(tasks).where(tasks.c.id == task_id, tasks.c.deleted_ms.is_(None))
    found = await row_of(conn, query)
    if found is None:
        return None
    await lock_scopes(conn, [found["scope"]])
    found = await row_of(conn, query.with_for_update())
    if found is not None and versions is not None and found["version"] not in versions:
        raise VersionError(found["version"])
    return found


async def _check_key(conn: AsyncConnection, task: Row) -> None:
    if task["key"] is None:
        return
    pair = (task["scope"], task["key"])
    held = (await tasks_of_keys(conn, [pair]))[pair]
    if held["id"] != task["id"] and held["status_kind"] in _OPEN:
        raise KeyTakenError
