"""`/api/v1/audit`: what was done that is no task's history."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.store.audit import list_audit
from router.core.store.present import audit_json
from router.web.api.endpoint import Api
from router.web.api.query import envelope, list_query


async def many(api: Api, request: web.Request) -> Any:
    """List entries of the audit log, the newest first."""
    query = list_query(request, (), api.clock)
    async with api.store.connect() as conn:
        page = await list_audit(conn, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, audit_json)
