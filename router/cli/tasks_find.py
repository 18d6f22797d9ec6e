"""Finding a task by what people call it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store import schema

_LONGEST_NUMBER = 18
"""Digits that surely fit the database's 64 bits."""


async def id_of(conn: AsyncConnection, named: str) -> str:
    """Return the id of the task that `#1042` or `1042` names; other texts as they are."""
    number = named.removeprefix("#")
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        return named
    found = await conn.execute(
        select(schema.tasks.c.id).where(schema.tasks.c.number == int(number))
    )
    return found.scalar_one_or_none() or named
