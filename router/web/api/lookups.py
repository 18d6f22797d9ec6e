"""`/api/v1/people`, `/clients` and so on: what tasks may name, with its ids at destinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from router.core.names import Named, Names
from router.web.api.endpoint import Api, Read
from router.web.api.query import list_query

_OF: dict[str, Callable[[Names], Sequence[Named]]] = {
    "people": lambda names: names.people,
    "clients": lambda names: names.clients,
    "projects": lambda names: names.projects,
    "labels": lambda names: names.labels,
    "statuses": lambda names: names.statuses,
    "task-types": lambda names: names.task_types,
}


def _listing(kind: str) -> Read:
    listed = _OF[kind]

    async def many(api: Api, request: web.Request) -> Any:
        list_query(request, (), api.clock)
        return {
            "data": [one.model_dump(mode="json") for one in listed(api.names)],
            "next_cursor": None,
        }

    many.__doc__ = (
        f"List the {kind.replace('-', ' ')} of the directory, in its order; there is one page."
    )
    return many


LISTINGS: tuple[tuple[str, Read], ...] = tuple((kind, _listing(kind)) for kind in _OF)
