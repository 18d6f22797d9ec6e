"""Contacts: whom tasks are from, known by their e-mail address in any case, a phone number, an id elsewhere.

An address is one contact's, however many workers meet it at the same time: the table sees to that, and
who comes second is told whom the first one made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.ids import is_id
from router.core.store.bulk import Insert, names_of
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.read import Query, row_of
from router.core.store.schema import Row, contacts

Identifier = tuple[str, str]
"""What somebody is known by: `email` in small letters, `phone` or `external_id`, and its value."""

_FILLED: Final = ("name", "phone", "external_id")
_FILL = ", ".join(f"{name} = COALESCE(contacts.{name}, excluded.{name})" for name in _FILLED)
_LACKS = " OR ".join(
    f"(contacts.{name} IS NULL AND excluded.{name} IS NOT NULL)" for name in _FILLED
)
_CONTACTS: Final = Insert(
    contacts,
    names_of(contacts),
    f"ON CONFLICT (address) DO UPDATE SET {_FILL}, updated_ms = excluded.updated_ms WHERE {_LACKS}",
)
_COLUMN: Final = {"email": "address", "phone": "phone", "external_id": "external_id"}
KNOWN_BY: Final = tuple(_COLUMN)
"""What contacts are known by; each has at least one of them."""

_BY: Final = {
    part: Query.for_each_id(contacts, f"contacts.{column} = wanted.id")
    for part, column in _COLUMN.items()
}


async def contacts_of(
    conn: AsyncConnection, identifiers: Collection[Identifier]
) -> dict[Identifier, Row]:
    """Return the contacts that are known by something, by that; there need not be one.

    Of several with one number or id, which only those made at the same moment can be, the first one made counts.
    """
    found: dict[Identifier, Row] = {}
    for part, query in _BY.items():
        values = [value for name, value in identifiers if name == part]
        rows = await query.by_ids(conn, values)
        for row in sorted(rows, key=itemgetter("id"), reverse=True):
            found[part, row[_COLUMN[part]]] = row
    return found


async def keep_contacts(conn: AsyncConnection, rows: Collection[Row]) -> dict[str, Row]:
    """Make contacts, one an address, and return them as they are now, by address.

    Whoever has the address already stays: only what is missing of name, number and id is filled in
    (decision N4).
    """
    # In one order, so that two transactions never wait for each other.
    await _CONTACTS.run(conn, sorted(rows, key=itemgetter("address")))
    kept = await _BY["email"].by_ids(conn, [row["address"] for row in rows])
    return {row["address"]: row for row in kept}


def identifiers_of(row: Row) -> list[Identifier]:
    """Return what a contact is known by."""
    email = row["email"]
    given = (
        ("external_id", row["external_id"]),
        ("email", None if email is None else email.lower()),
        ("phone", row["phone"]),
    )
    return [(part, value) for part, value in given if value is not None]


def first_known(
    identifiers: Iterable[Identifier], find: Callable[[Identifier], Row | None]
) -> Row | None:
    """Return the contact that is known by the first of these that anybody is known by."""
    return next((row for each in identifiers if (row := find(each)) is not None), None)


def filled_in(
    row: Row,
    given: Mapping[str, Any],
    find: Callable[[Identifier], Row | None],
    now_ms: int,
) -> Row | None:
    """Return a contact with what it lacked of name, number and id; None if that is nothing.

    What another contact is known by stays that one's, and what differs is left (decision N4).
    """
    filled = {
        name: given[name]
        for name in _FILLED
        if row[name] is None
        and given.get(name) is not None
        and (name == "name" or find((name, given[name])) is None)
    }
    return {**row, **filled, "updated_ms": now_ms} if filled else None


def shown_contact(row: Row) -> Row:
    """Return what a task shows of its contact: `phone` and `external_id` only where there are any."""
    shown = {name: row[name] for name in ("id", "email", "name")}
    more = {name: row[name] for name in ("phone", "external_id") if row[name] is not None}
    return {**shown, **more}


async def get_contact(conn: AsyncConnection, contact_id: str) -> Row | None:
    """Return a contact; None if there is none with this id."""
    if not is_id(contact_id):
        return None
    return await row_of(conn, select(contacts).where(contacts.c.id == contact_id))


async def list_contacts(
    conn: AsyncConnection,
    known_by: Collection[Identifier] = (),
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """Return a page of contacts, newest first: those that are known by all of these.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(contacts)
    for part, value in known_by:
        query = query.where(contacts.c[_COLUMN[part]] == storable(value))
    return await page_of(conn, query, contacts.c.id, limit=limit, cursor=cursor)


async def change_contact(conn: AsyncConnection, contact_id: str, values: Row) -> None:
    """Change a contact. Tasks show what it was when they were made.

    Raises:
        StoreError: Somebody else has the address by now.
    """
    await conn.execute(
        update(contacts).where(contacts.c.id == contact_id).values(**storable(values))
    )
