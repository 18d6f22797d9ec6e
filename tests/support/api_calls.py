"""One request for each address of the API that changes something, and all that is stored, to see what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from sqlalchemy import select

from router.core.event import IncomingEvent
from router.core.store.schema import metadata
from router.web.api.routes import ACTIONS, CHANGES
from tests.support.rows import delivery_row, event_row, new_id, task_row
from tests.support.site import OPEN, Site

Call = tuple[str, Any]
"""The address with its ids, and the body."""

CHANGING: Final = [
    *((method, path, scope) for method, path, scope, _ in CHANGES),
    *(("POST", path, scope) for path, scope, _ in ACTIONS),
]
"""Method, path and scope of each address that changes something."""


async def _task(site: Site, **given: Any) -> str:
    row = task_row(number=1, **given)
    await site.add(new_tasks=[row])
    return str(row["id"])


async def _contact(site: Site) -> str:
    made = await site.call("POST", "/contacts", {"email": "old@example.net"}, status=201)
    return str(made["id"])


async def _event(site: Site) -> str:
    await site.use(OPEN)
    row = event_row(connector="open")
    await site.add(events=[row])
    return str(row["id"])


async def _delivery(site: Site) -> str:
    row = delivery_row(new_id(), "crm", state="failed")
    await site.add(deliveries=[row])
    return str(row["id"])


async def _nothing(_site: Site) -> str:
    return ""


_PREPARED: Final[Mapping[tuple[str, str], tuple[Callable[[Site], Awaitable[str]], Any]]] = {
    ("POST", "/tasks"): (_nothing, {"title": "New"}),
    ("PATCH", "/tasks/{id}"): (_task, {"title": "Another"}),
    ("DELETE", "/tasks/{id}"): (_task, None),
    ("POST", "/tasks/{id}/complete"): (_task, {}),
    ("POST", "/tasks/{id}/reopen"): (
        lambda site: _task(site, status="done", status_kind="done"),
        {},
    ),
    ("POST", "/tasks/{id}/comments"): (_task, {"note": "Seen"}),
    ("POST", "/contacts"): (_nothing, {"email": "new@example.net"}),
    ("PATCH", "/contacts/{id}"): (_contact, {"name": "New Name"}),
    ("POST", "/events/{id}/replay"): (_event, {}),
    ("POST", "/deliveries/{id}/retry"): (_delivery, {}),
    ("POST", "/deliveries/{id}/drop"): (_delivery, {"reason": "not wanted"}),
}


async def prepare(site: Site, method: str, path: str) -> Call:
    """See to it that a request of this address would change something, and return it."""
    assert (method, path) in _PREPARED, (
        f"{method} {path} is new: say here what it needs and what is sent to it"
    )
    thing, body = _PREPARED[method, path]
    return path.replace("{id}", await thing(site)), body


Stored = tuple[dict[str, list[tuple[Any, ...]]], list[IncomingEvent]]


async def all_stored(site: Site) -> Stored:
    """Return all rows of all tables but tokens, which say when they were used, and what waits in Redis."""
    tables: dict[str, list[tuple[Any, ...]]] = {}
    async with site.store.connect() as conn:
        for table in metadata.sorted_tables:
            if table.name != "api_keys":
                rows = (await conn.execute(select(table))).all()
                tables[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return tables, await site.events()
