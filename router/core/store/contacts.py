"""Contacts: whom tasks are from, known by their e-mail address in any case.

An address is one contact's, however many workers meet it at the same time: the table sees to that, and
who comes second is told whom the first one made.
"""

from __future__ import annotations

from collections.abc import Collection
from operator import itemgetter
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, names_of
from router.core.store.read import Query
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
