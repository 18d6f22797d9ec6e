"""Contacts: whom tasks are from, known by their e-mail address in any case.

An address is one contact's, however many workers meet it at the same time: the table sees to that, and
who comes second is told whom the first one made.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import itemgetter
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.ids import is_id
from router.core.store.bulk import Insert, names_of
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.read import Query, row_of
from router.core.store.schema import Row, contacts

_CONTACTS: Final = Insert(
    contacts,
    names_of(contacts),
    "ON CONFLICT (address) DO UPDATE SET name = excluded.name, updated_ms = excluded.updated_ms "
    "WHERE contacts.name IS NULL AND excluded.name IS NOT NULL",
)
_CONTACTS_OF: Final = Query.for_each_id(contacts, "contacts.address = wanted.id")


async def contacts_of(conn: AsyncConnection, addresses: Collection[str]) -> dict[str, Row]:
    """Return the contacts of addresses in small letters, by address; there need not be one."""
    return {row["address"]: row for row in await _CONTACTS_OF.by_ids(conn, addresses)}


async def keep_contacts(conn: AsyncConnection, rows: Collection[Row]) -> dict[str, Row]:
    """Make contacts, one an address, and return them as they are now, by address.

    Whoever has the address already stays: only a name that is missing is filled in (decision N4).
    """
    # In one order, so that two transactions never wait for each other.
    await _CONTACTS.run(conn, sorted(rows, key=itemgetter("address")))
    return await contacts_of(conn, [row["address"] for row in rows])


async def get_contact(conn: AsyncConnection, contact_id: str) -> Row | None:
    """Return a contact; None if there is none with this id."""
    if not is_id(contact_id):
        return None
    return await row_of(conn, select(contacts).where(contacts.c.id == contact_id))


async def list_contacts(
    conn: AsyncConnection, email: str | None = None, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Return a page of contacts, newest first; with an address, in any case, the one it is of.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(contacts)
    if email is not None:
        query = query.where(contacts.c.address == storable(email.strip().lower()))
    return await page_of(conn, query, contacts.c.id, limit=limit, cursor=cursor)


async def rename_contact(
    conn: AsyncConnection, contact_id: str, name: str | None, *, now_ms: int
) -> Row | None:
    """Give a contact another name and return it; None if there is none with this id.

    Tasks show the name that the contact had when they were made.
    """
    if is_id(contact_id):
        change = update(contacts).where(contacts.c.id == contact_id)
        await conn.execute(change.values(name=storable(name), updated_ms=now_ms))
    return await get_contact(conn, contact_id)
