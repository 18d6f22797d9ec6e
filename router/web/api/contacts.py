"""`/api/v1/contacts`: whom tasks are from."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.clock import epoch_ms
from router.core.store import audit
from router.core.store.contacts import get_contact, list_contacts, rename_contact
from router.core.store.present import contact_json
from router.web import problems
from router.web.api.bodies import JSON, MERGE_PATCH, given_of, no_query, read_body
from router.web.api.endpoint import Answer, Api
from router.web.api.models import ContactNew, ContactPatch
from router.web.api.query import envelope, list_query
from router.web.problems import ProblemError


async def many(api: Api, request: web.Request) -> Any:
    """List contacts, the newest first."""
    query = list_query(request, ("email",), api.clock)
    async with api.store.connect() as conn:
        email = query.filters.get("email")
        page = await list_contacts(conn, email, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, contact_json)


async def one(api: Api, request: web.Request) -> Any:
    """Show a contact."""
    async with api.store.connect() as conn:
        row = await get_contact(conn, request.match_info["id"])
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return contact_json(row)


async def create(api: Api, request: web.Request) -> Answer:
    """Make a contact; who has the address already is answered, with a name if it had none."""
    no_query(request)
    given = given_of(await read_body(request, ContactNew))
    row = await api.board.make_contact(given, api.caller.actor)
    return Answer(contact_json(row), 201)


async def patch(api: Api, request: web.Request) -> Answer:
    """Give a contact another name."""
    no_query(request)
    given = given_of(await read_body(request, ContactPatch, (MERGE_PATCH, JSON), needed=True))
    contact_id = request.match_info["id"]
    if "name" not in given:
        return Answer(await one(api, request))
    name = api.board.contact_name(given["name"])
    async with api.store.begin() as conn:
        row = await rename_contact(conn, contact_id, name, now_ms=epoch_ms(api.clock()))
        if row is not None:
            await audit.note(conn, api.done("contact-changed", row["id"], fields=["name"]))
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return Answer(contact_json(row))
