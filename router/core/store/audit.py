"""The audit log: what people and programs did that is no task's own history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, names_of
from router.core.store.page import Page, page_of
from router.core.store.schema import Row, audit

_ADD: Final = Insert(audit, names_of(audit))


def entry(
    entry_id: str, *, at_ms: int, actor: str, action: str, subject: str, **detail: Any
) -> Row:
    """Return an entry: who (`api:ci`, `cli:jane`) did what (`key-created`) to what (an id)."""
    return {
        "id": entry_id,
        "at_ms": at_ms,
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail": detail,
    }


async def note(conn: AsyncConnection, *entries: Mapping[str, Any]) -> None:
    """Keep entries; in the transaction of what they tell of, where there is one."""
    await _ADD.run(conn, [dict(one) for one in entries])


async def list_audit(conn: AsyncConnection, *, limit: int = 50, cursor: str | None = None) -> Page:
    """Return a page of entries, newest first.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    return await page_of(conn, select(audit), audit.c.id, limit=limit, cursor=cursor)
