"""Reading the filters of a list: `?limit=&cursor=` and the names the list knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from router.core.clock import Clock
from router.core.store.page import MOST
from router.core.when import instant_ms
from router.web import problems
from router.web.problems import ProblemError

_LIMIT = 50
_MAX_DIGITS = 9
_TIMES = {"since": "since_ms", "until": "until_ms"}

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for; `filters` holds `since_ms` and `until_ms` in milliseconds."""

    limit: int
    cursor: str | None
    filters: Mapping[str, Any]


def list_query(request: web.Request, known: Collection[str], clock: Clock) -> ListQuery:
    """Read the query of a list whose filters are known.

    Raises:
        ProblemError: A filter is not known or cannot be used.
    """
    filters: dict[str, Any] = {}
    limit, cursor = _LIMIT, None
    for name, value in request.query.items():
        if name == "limit":
            limit = _limit(value)
        elif name == "cursor":
            cursor = value
        elif name not in known:
            wanted = ", ".join((*sorted(known), "limit", "cursor"))
            raise ProblemError(problems.BAD_FILTER, f"{name[:64]} is none of {wanted}")
        elif name in _TIMES:
            filters[_TIMES[name]] = _instant_ms(name, value, clock)
        else:
            filters[name] = value
    return ListQuery(limit, cursor, filters)


def envelope(rows: Rows, next_cursor: str | None, shape: Callable[..., Any]) -> dict[str, Any]:
    """Return a list's answer."""
    return {"data": [shape(row) for row in rows], "next_cursor": next_cursor}


def one_of(name: str, value: str | None, choices: Collection[str]) -> None:
    """Refuse a filter whose value can match nothing."""
    if value is not None and value not in choices:
        raise ProblemError(problems.BAD_FILTER, f"{name} is one of {', '.join(choices)}")


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value[:_MAX_DIGITS]) < 1:
        raise ProblemError(problems.BAD_FILTER, "limit is a whole number from 1 on")
    return min(int(value[:_MAX_DIGITS]), MOST)


def _instant_ms(name: str, value: str, clock: Clock) -> int:
    """Return an instant; `7d` is seven days ago, without an offset it is UTC."""
    try:
        return instant_ms(value, clock)
    except ValueError:
        raise ProblemError(
            problems.BAD_FILTER, f"{name} is an RFC 3339 instant, or a span such as 7d"
        ) from None
