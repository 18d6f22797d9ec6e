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

from router.core.by_hand import Given, Mistake, NotValidError, Reader, Whom
from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreError
from router.core.ids import IdSource
from router.core.names import Names
from router.core.store import audit
from router.core.store.contacts import (
    KNOWN_BY,
    change_contact,
    contacts_of,
    filled_in,
    first_known,
    get_contact,
    identifiers_of,
    keep_contacts,
    shown_contact,
)
from router.core.store.deliveries import wanted_copy
from router.core.store.edits import Edit, Edited, delete_task, edit_task
from router.core.store.engine import Store
from router.core.store.plain import json_text, storable
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

_OF_CONTACT: Final = (*KNOWN_BY, "name")
_OPEN: Final = frozenset({"initial", "in_progress"})

Nudge = Callable[[Collection[str]], Awaitable[None]]
"""Tells workers that copies at these destinations are due; it may fail, they find out in any case."""


class ContactTakenError(StoreError):
    """Another contact is known by this address, number or id."""


class ReusedKeyError(StoreError):
    """The Idempotency-Key was used for another request."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: `api:NAME` or `cli:NAME`, and the id of the token where there is one."""

    kind: str
    name: str
    key_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


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

    async def create(self, given: Given, actor: Actor, idempotency_key: str | None = None) -> Made:
        """Make a task, unless the open task of its key or the one of the same request is there.

        Raises:
            NotValidError: It may not have such fields.
            ReusedKeyError: The idempotency key was another request's.
        """
        names, now = self._names(), self._clock()
        whom = await self._whom(given.get("contact"))
        columns = self._reader.new(given, whom, names, now)
        contact = await self._contact(given.get("contact"), whom, actor)
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
        whom = await self._whom(given.get("contact"))
        contact = await self._contact(given.get("contact"), whom, actor)

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
                await audit.note(conn, self._done("task-deleted", task_id, actor, now_ms, **detail))
        if deleted is None:
            return None
        await self._nudge(deleted.destinations)
        return deleted.task

    async def make_contact(self, given: Given, actor: Actor) -> Row:
        """Return the contact of an address, a number or an id, made if nobody had it (decision N4)."""
        return await self._keep(self._reader.whom(given), actor)

    async def change_contact(self, contact_id: str, given: Given, actor: Actor) -> Row | None:
        """Change what is given of a contact; None if there is none with this id.

        Raises:
            NotValidError: It would be known by nothing, or by something that has not its form.
            ContactTakenError: Another contact is known by it.
        """
        now_ms = epoch_ms(self._clock())
        async with self._store.begin() as conn:
            row = await get_contact(conn, contact_id)
            if row is None:
                return None
            whom = self._reader.whom({name: given.get(name, row[name]) for name in _OF_CONTACT})
            values = {name: getattr(whom, name) for name in _OF_CONTACT}
            changed = [name for name in _OF_CONTACT if values[name] != row[name]]
            if not changed:
                return row
            new = [each for each in whom.identifiers if each[0] in changed]
            if await contacts_of(conn, new):
                raise ContactTakenError
            values |= {"address": whom.address, "updated_ms": now_ms}
            await change_contact(conn, row["id"], values)
            done = self._done("contact-changed", row["id"], actor, now_ms, fields=changed)
            await audit.note(conn, done)
        return {**row, **values}

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

    async def _whom(self, given: Any) -> Whom | None:
        if given is None:
            return None
        if given.get("id") is None or any(given.get(name) for name in KNOWN_BY):
            return self._reader.whom(given)
        async with self._store.connect() as conn:
            row = await get_contact(conn, str(given["id"]))
        if row is None:
            message = "there is no contact with this id"
            raise NotValidError([Mistake("contact", "unknown-contact", message)])
        return Whom(
            email=row["email"],
            name=row["name"],
            phone=row["phone"],
            external_id=row["external_id"],
            identifiers=identifiers_of(row),
            address=row["address"],
        )

    async def _contact(self, given: Any, whom: Whom | None, actor: Actor) -> Row | None:
        """Return what a task shows of its contact; who is unknown is made one (decisions N2, S6)."""
        if given is None or whom is None:
            return None
        address = None if whom.email is None else whom.email.lower()
        for person in self._names().people:
            if person.email is not None and person.email.strip().lower() == address:
                return {
                    "id": person.id,
                    "email": person.email.strip(),
                    "name": person.name or whom.name,
                }
        return shown_contact(await self._keep(whom, actor))

    async def _keep(self, whom: Whom, actor: Actor) -> Row:
        # In a transaction of its own: in one with a task's lock it could wait for a worker that has
        # the contact and waits for the task.
        now_ms = epoch_ms(self._clock())
        given = {name: getattr(whom, name) for name in _OF_CONTACT}
        async with self._store.begin() as conn:
            held = await contacts_of(conn, whom.identifiers)
            before = first_known(whom.identifiers, held.get)
            if before is None:
                made = {"created_ms": now_ms, "updated_ms": now_ms}
                row = {"id": self._new_id(), "address": whom.address, **given, **made}
            else:
                filled = filled_in(before, given, held.get, now_ms)
                if filled is None:
                    return before
                row = filled
            kept = (await keep_contacts(conn, [row]))[storable(row["address"])]
            if before is None and kept["id"] == row["id"]:
                done = self._done("contact-created", kept["id"], actor, now_ms)
                await audit.note(conn, done)
            elif before is not None:
                changed = [name for name in _OF_CONTACT if kept[name] != before[name]]
                done = self._done("contact-changed", kept["id"], actor, now_ms, fields=changed)
                await audit.note(conn, done)
        return kept

    def _done(
        self, action: audit.Action, subject: str, actor: Actor, now_ms: int, **detail: Any
    ) -> Row:
        return audit.entry(
            self._new_id(),
            at_ms=now_ms,
            actor=str(actor),
            action=action,
            subject=subject,
            **detail,
        )


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
