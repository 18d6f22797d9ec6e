"""Contacts by hand: whoever is unknown is made one, and what one lacks is filled in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from router.core.actor import Actor
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
from router.core.store.engine import Store
from router.core.store.plain import storable
from router.core.store.schema import Row

_OF_CONTACT: Final = (*KNOWN_BY, "name")


class ContactTakenError(StoreError):
    """Another contact is known by this address, number or id."""


class ContactBook:
    """Makes and changes contacts by hand."""

    def __init__(
        self,
        *,
        store: Store,
        reader: Reader,
        names: Callable[[], Names],
        clock: Clock,
        new_id: IdSource,
    ) -> None:
        self._store = store
        self._reader = reader
        self._names = names
        self._clock = clock
        self._new_id = new_id

    async def make(self, given: Given, actor: Actor) -> Row:
        """Return the contact of an address, a number or an id, made if nobody had it (decision N4)."""
        return await self._keep(self._reader.whom(given), actor)

    async def change(self, contact_id: str, given: Given, actor: Actor) -> Row | None:
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

    async def whom(self, given: Any) -> Whom | None:
        """Return whom `contact` of a task names; None if it names nobody.

        Raises:
            NotValidError: It is known by nothing, or its id is nobody's.
        """
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

    async def of_task(self, given: Any, whom: Whom | None, actor: Actor) -> Row | None:
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
