"""`/api/v1/contacts`: whom tasks are from."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.contact_book import ContactTakenError
from router.core.store.contacts import KNOWN_BY, get_contact, list_contacts
from router.core.store.present import contact_json
from router.web import problems
from router.web.api.bodies import JSON, MERGE_PATCH, given_of, no_query, read_body
from router.web.api.endpoint import Answer, Api
from router.web.api.models import ContactNew, ContactPatch
from router.web.api.query import envelope, list_query
from router.web.problems import ProblemError


async def many(api: Api, request: web.Request) -> Any:
    """List contacts, the newest first."""
    query = list_query(request, KNOWN_BY, api.clock)
    known_by = [
        (name, _as_kept(name, query.filters[name])) for name in KNOWN_BY if name in query.filters
    ]
    async with api.store.connect() as conn:
        page = await list_contacts(conn, known_by, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, contact_json)


def _as_kept(name: str, words: str) -> str:
    """Return how the store has what contacts are known by. In a query `+` is a blank where it is not written %2B."""
    if name == "phone":
        return f"+{words.strip().lstrip('+')}"
    return words.strip().lower() if name == "email" else words


async def one(api: Api, request: web.Request) -> Any:
    """Show a contact."""
    async with api.store.connect() as conn:
        row = await get_contact(conn, request.match_info["id"])
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return contact_json(row)


async def create(api: Api, request: web.Request) -> Answer:
    """Make a contact; who is known already is answered, with what was missing filled in."""
    no_query(request)
    given = given_of(await read_body(request, ContactNew))
    row = await api.board.contacts.make(given, api.caller.actor)
    return Answer(contact_json(row), 201)


async def patch(api: Api, request: web.Request) -> Answer:
    """Change a contact's name, phone number or external id."""
    no_query(request)
    given = given_of(await read_body(request, ContactPatch, (MERGE_PATCH, JSON), needed=True))
    contact_id = request.match_info["id"]
    try:
        row = await api.board.contacts.change(contact_id, given, api.caller.actor)
    except ContactTakenError:
        raise ProblemError(problems.CONTACT_TAKEN) from None
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return Answer(contact_json(row))
