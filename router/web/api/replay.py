"""`POST /api/v1/events/{id}/replay`: an event is decided again, by the rules in force then."""

from __future__ import annotations

from typing import Any

import structlog
from aiohttp import web

from router.core import replay as core
from router.core.ids import is_id
from router.core.store import audit
from router.core.store.engine import Row
from router.core.store.events import get_event
from router.web import problems
from router.web.api.endpoint import Api, body_of
from router.web.problems import Problem, ProblemError

_FORCE = "force"
_WORDS = {"true": True, "false": False}
_HINDRANCES: dict[str, Problem] = {
    problem.code: problem
    for problem in (problems.STILL_ACCEPTED, problems.IS_DUPLICATE, problems.NO_CONNECTOR)
}

_log = structlog.get_logger(__name__)


async def replay(api: Api, request: web.Request) -> Any:
    """Queue a replay. It is done when the event's `replays` is the `replay` answered here, or more."""
    event_id = request.match_info["id"]
    forced = await _is_forced(request)
    row = await _stored(api, event_id) if is_id(event_id) else None
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    # Without an intake table it is not known which connectors there are: the worker will find out.
    connectors = None if api.connectors.hash is None else api.connectors.by_name
    hindrance = core.hindrance(row, forced=forced, connectors=connectors)
    if hindrance is not None:
        raise _problem(hindrance)
    event = core.replay_of(row, forced=forced)
    async with api.store.begin() as conn:
        entry = api.done("event-replayed", event.id, replay=event.replay, force=forced)
        await audit.note(conn, entry)
    await api.intake.put(event)
    _log.info(
        "replay_queued",
        event_id=event.id,
        connector=event.connector,
        replay=event.replay,
        forced=forced,
    )
    return {"event_id": event.id, "replay": event.replay, "force": forced}


async def _stored(api: Api, event_id: str) -> Row | None:
    """Return an event that is in the database; it may wait in Redis still, or move meanwhile."""
    for _ in range(2):
        async with api.store.connect() as conn:
            row = await get_event(conn, event_id)
        if row is not None:
            return row
        if await api.pending.find_event(event_id) is not None:
            raise _problem(core.STILL_ACCEPTED)
    return None


def _problem(hindrance: core.Hindrance) -> ProblemError:
    return ProblemError(_HINDRANCES[hindrance.code], hindrance.message)


async def _is_forced(request: web.Request) -> bool:
    """Return what `?force=` or the body's `force` says; both are read strictly."""
    asked: list[bool] = []
    for name, value in request.query.items():
        if name != _FORCE or value not in _WORDS:
            raise ProblemError(problems.BAD_FILTER, "only force=true or force=false is known")
        asked.append(_WORDS[value])
    body = await body_of(request)
    unknown = sorted(body.keys() - {_FORCE})
    if unknown:
        raise ProblemError(problems.BAD_BODY, f"{unknown[0][:64]} is not known; force is")
    if _FORCE in body:
        if not isinstance(body[_FORCE], bool):
            raise ProblemError(problems.BAD_BODY, "force is true or false")
        asked.append(body[_FORCE])
    if len(set(asked)) > 1:
        raise ProblemError(problems.BAD_BODY, "force is given twice, and differently")
    return any(asked)
