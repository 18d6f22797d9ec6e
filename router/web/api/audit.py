"""`/api/v1/audit`: what was done that is no task's history."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.store.audit import ACTIONS, AuditFilter, list_audit
from router.core.store.present import audit_json
from router.web.api.endpoint import Api
from router.web.api.query import envelope, list_query, one_of

_FILTERS = ("actor", "action", "subject", "since", "until")


async def many(api: Api, request: web.Request) -> Any:
    """List entries of the audit log, the newest first."""
    query = list_query(request, _FILTERS, api.clock)
    one_of("action", query.filters.get("action"), ACTIONS)
    async with api.store.connect() as conn:
        wanted = AuditFilter(**query.filters)
        page = await list_audit(conn, wanted, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, audit_json)
