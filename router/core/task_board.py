"""Tasks made and changed by hand: by clients of the API and by the command.

Everything is one transaction a change, and copies at destinations are told to follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.actor import Actor
from router.core.by_hand import Given, Reader
from router.core.clock import Clock, epoch_ms
from router.core.contact_book import ContactBook
from router.core.errors import StoreError
from router.core.ids import IdSource
from router.core.names import Names
from router.core.store import audit
from router.core.store.deliveries import wanted_copy
from router.core.store.edits import Edit, Edited, delete_task, edit_task
from router.core.store.engine import Store
from router.core.store.plain import json_text
from router.core.store.read import row_of
from router.core.store.routing import (
    Writes,
    allocate_numbers,
    lock_scopes,
    tasks_of_keys,
    write,
)
from router.core.store.schema import Row, idempotency, tasks

SCOPE: Final = "api:"
"""The space of the keys of tasks that no connector made; no connector can be called so."""

IDEMPOTENT_MS: Final = 48 * 3_600_000
"""How long an `Idempotency-Key` is known."""

_OPEN: Final = frozenset({"initial", "in_progress"})

Nudge = Callable[[Collection[str]], Awaitable[None]]
"""Tells workers that copies at these destinations are due; it may fail, they find out in any case."""


class ReusedKeyError(StoreError):
    """The Idempotency-Key was used for another request."""


@dataclass(frozen=True, slots=True)
class Made:
    """The task of a request to make one; `is_new` if it was not there before."""

    task: Row
    is_new: bool


class TaskBoard:
    """Makes and changes tasks by hand."""

    def __init__(
        self,
        *,
        store: Store,
        reader: Reader,
        names: Callable[[], Names],
        clock: Clock,
        new_id: IdSource,
        nudge: Nudge,
    ) -> None:
        self._store = store
        self._reader = reader
        self._names = names
        self._clock = clock
        self._new_id = new_id
        self._nudge = nudge
        self.contacts = ContactBook(
            store=store, reader=reader, names=names, clock=clock, new_id=new_id
        )
        """Whom tasks are from."""

    async def create(self, given: Given, actor: Actor, idempotency_key: str | None = None) -> Made:
        """Make a task, unless the open task of its key or the one of the same request is there.

        Raises:
            NotValidError: It may not have such fields.
            ReusedKeyError: The idempotency key was another request's.
        """
        names, now = self._names(), self._clock()
        whom = await self.contacts.whom(given.get("contact"))
        columns = self._reader.new(given, whom, names, now)
        contact = await self.contacts.of_task(given.get("contact"), whom, actor)
        now_ms = epoch_ms(now)
        if columns["status_kind"] not in _OPEN:
            columns["completed_ms"] = now_ms
        row = {
            **columns,
            "id": self._new_id(),
            "scope": SCOPE,
            "contact": contact,
            "creator": {"type": "api", "id": actor.name},
            "created_ms": now_ms,
            "updated_ms": now_ms,
            "source": dict.fromkeys(("connector", "event_id", "rule", "version", "at")),
        }
        deliver = list(dict.fromkeys(given.get("deliver") or ()))
        request = _Request(actor, idempotency_key, _digest(given), now_ms)
        async with self._store.begin() as conn:
            if row["key"] is not None or idempotency_key is not None:
                await lock_scopes(conn, [SCOPE])
            found = await _there(conn, row, request)
            if found is None:
                await self._insert(conn, row, actor, deliver, now_ms)
            if found is None or found[1]:
                await _remember(conn, request, (row if found is None else found[0])["id"])
        if found is not None:
            return Made(found[0], is_new=False)
        await self._nudge(deliver)
        return Made(row, is_new=True)

    async def patch(
        self,
        task_id: str,
        given: Given,
        actor: Actor,
        versions: Collection[int] | None = None,
    ) -> Edited | None:
        """Change a task as a merge patch says; None if there is none with this id.

        Raises:
            NotValidError: It may not have such fields; nothing is changed.
            KeyTakenError, VersionError: See `edit_task`.
        """
        names, now = self._names(), self._clock()
        whom = await self.contacts.whom(given.get("contact"))
        contact = await self.contacts.of_task(given.get("contact"), whom, actor)

        def values(row: Row) -> Row:
            found = self._reader.changes(given, row, names, now)
            return {**found, "contact": contact} if "contact" in given else found

        return await self._edit(task_id, values, actor, None, versions)

    async def complete(
        self,
        task_id: str,
        actor: Actor,
        note: str | None = None,
        versions: Collection[int] | None = None,
    ) -> Edited | None:
        """Complete a task; one that is closed stays as it is."""
        return await self._turn(task_id, actor, note, versions, is_open=True)

    async def reopen(
        self,
        task_id: str,
        actor: Actor,
        note: str | None = None,
        versions: Collection[int] | None = None,
    ) -> Edited | None:
        """Open a task again; one that is open stays as it is."""
        return await self._turn(task_id, actor, note, versions, is_open=False)

    async def comment(self, task_id: str, actor: Actor, note: str) -> Edited | None:
        """Add a note to a task's history."""
        return await self._edit(task_id, {}, actor, self._reader.note(note), None)

    async def delete(
        self, task_id: str, actor: Actor, versions: Collection[int] | None = None
    ) -> Row | None:
        """Delete a task; None if there is none with this id."""
        now_ms = epoch_ms(self._clock())
        async with self._store.begin() as conn:
            deleted = await delete_task(
                conn,
                task_id,
                actor=str(actor),
                history_id=self._new_id(),
                now_ms=now_ms,
                versions=versions,
            )
            if deleted is not None:
                task = deleted.task
                detail = {"number": task["number"], "title": task["title"]}
                await audit.note(
                    conn,
                    audit.entry(
                        self._new_id(),
                        at_ms=now_ms,
                        actor=str(actor),
                        action="task-deleted",
                        subject=task_id,
                        **detail,
                    ),
                )
        if deleted is None:
            return None
        await self._nudge(deleted.destinations)
        return deleted.task

    async def _turn(
        self,
        task_id: str,
        actor: Actor,
        note: str | None,
        versions: Collection[int] | None,
        *,
        is_open: bool,
    ) -> Edited | None:
        kind = "done" if is_open else "initial"
        status = self._reader.first_status(kind, self._names())

        def values(row: Row) -> Row:
            turns = (row["status_kind"] in _OPEN) is is_open
            return {"status": status, "status_kind": kind} if turns else {}

        said = None if note is None else self._reader.note(note)
        return await self._edit(task_id, values, actor, said, versions)

    async def _edit(
        self,
        task_id: str,
        values: Row | Callable[[Row], Row],
        actor: Actor,
        note: str | None,
        versions: Collection[int] | None,
    ) -> Edited | None:
        edit = Edit(task_id, values, str(actor), self._new_id(), note, versions)
        async with self._store.begin() as conn:
            edited = await edit_task(conn, edit, now_ms=epoch_ms(self._clock()))
        if edited is not None:
            await self._nudge(edited.destinations)
        return edited

    async def _insert(
        self, conn: AsyncConnection, row: Row, actor: Actor, deliver: Iterable[str], now_ms: int
    ) -> None:
        (row["number"],) = await allocate_numbers(conn, 1)
        created = {
            "id": self._new_id(),
            "task_id": row["id"],
            "at_ms": now_ms,
            "actor": str(actor),
            "action": "created",
            "fields": {},
        }
        copies = [wanted_copy(row, destination, now_ms) for destination in deliver]
        await write(conn, Writes(new_tasks=[row], history=[created], deliveries=copies))


@dataclass(frozen=True, slots=True)
class _Request:
    """A request to make a task, as it is known again."""

    actor: Actor
    key: str | None
    digest: str
    now_ms: int

    @property
    def caller(self) -> str:
        return self.actor.key_id or str(self.actor)


async def _there(conn: AsyncConnection, row: Row, request: _Request) -> tuple[Row, bool] | None:
    """Return the task that is there already, and whether the request is to be remembered for it."""
    if request.key is not None:
        query = select(idempotency).where(
            idempotency.c.caller == request.caller,
            idempotency.c.key == request.key,
            idempotency.c.until_ms > request.now_ms,
        )
        known = await row_of(conn, query)
        if known is not None:
            if known["digest"] != request.digest:
                raise ReusedKeyError
            made = await row_of(conn, select(tasks).where(tasks.c.id == known["task_id"]))
            if made is not None:
                return made, False
    if row["key"] is not None:
        pair = (SCOPE, row["key"])
        held = (await tasks_of_keys(conn, [pair])).get(pair)
        if held is not None and held["status_kind"] in _OPEN:
            return held, True
    return None


async def _remember(conn: AsyncConnection, request: _Request, task_id: str) -> None:
    if request.key is None:
        return
    same = (idempotency.c.caller == request.caller, idempotency.c.key == request.key)
    await conn.execute(idempotency.delete().where(*same))
    await conn.execute(
        insert(idempotency).values(
            caller=request.caller,
            key=request.key,
            digest=request.digest,
            task_id=task_id,
            until_ms=request.now_ms + IDEMPOTENT_MS,
        )
    )


def _digest(given: Given) -> str:
    ordered = json_text(_sorted(dict(given)))
    return hashlib.sha256(ordered.encode()).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value
