"""The audit log: what people and programs did that is no task's own history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, get_args

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, names_of
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.schema import Row, audit

_ADD: Final = Insert(audit, names_of(audit))

Action = Literal[
    "key-created",
    "key-rotated",
    "key-revoked",
    "event-replayed",
    "task-deleted",
    "contact-created",
    "contact-changed",
    "delivery-retried",
    "delivery-dropped",
    "deliveries-retried",
    "deliveries-dropped",
    "destination-resumed",
    "database-upgraded",
]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
"""All that is written into the log. Those of `deliveries` are of one command on all that a filter found."""


class Done(Protocol):
    """Returns the entry that tells what somebody, known already, does now."""

    def __call__(self, action: Action, subject: str, /, **detail: Any) -> Row:
        """Return the entry of one action."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: those for which everything that is set holds.

    `since_ms` is included, `until_ms` is not.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def entry(
    entry_id: str, *, at_ms: int, actor: str, action: Action, subject: str, **detail: Any
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


async def list_audit(
    conn: AsyncConnection,
    wanted: AuditFilter | None = None,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """Return a page of entries, newest first.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(audit).where(*_matching(wanted or AuditFilter()))
    return await page_of(conn, query, audit.c.id, limit=limit, cursor=cursor)


def _matching(wanted: AuditFilter) -> Iterator[ColumnElement[bool]]:
    for column in (audit.c.actor, audit.c.action, audit.c.subject):
        value = getattr(wanted, column.name)
        if value is not None:
            yield column == storable(value)
    if wanted.since_ms is not None:
        yield audit.c.at_ms >= wanted.since_ms
    if wanted.until_ms is not None:
        yield audit.c.at_ms < wanted.until_ms
