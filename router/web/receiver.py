"""`/hooks/{connector}`: walks a request through the steps and answers, whatever comes."""

from __future__ import annotations

import asyncio
import re

import structlog
from aiohttp import web

from router.core.metrics import REQUEST_SECONDS, REQUESTS
from router.web import problems
from router.web.problems import ProblemError, problem_response
from router.web.reception import Reception, Services
from router.web.refusals import RefusalRecorder
from router.web.steps import walk

_CONNECTOR_NAME = re.compile("[a-z0-9][a-z0-9-]{0,62}")
_NO_NAME = "(no such name)"
UNKNOWN = "(unknown)"

_log = structlog.get_logger(__name__)


class Receiver:
    """Receives webhooks; `in_hand` counts the requests that are not answered yet."""

    def __init__(self, services: Services, recorder: RefusalRecorder) -> None:
        self._services = services
        self._recorder = recorder
        self._time = asyncio.get_running_loop().time
        self._draining = False
        self._idle = asyncio.Event()
        self.in_hand = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request that came through the router."""
        return await self.receive(request, request.match_info["connector"])

    async def receive(self, request: web.Request, name: str) -> web.Response:
        """Answer a request to the connector of a name."""
        began = self._time()
        self.in_hand += 1
        response = await self._answer(Reception(self._services, request, name), began)
        self.in_hand -= 1
        if self._draining:
            response.force_close()
            self._tell_if_idle()
        return response

    async def drain(self, within_s: float) -> bool:
        """Close connections with their next answer; tell whether all in hand was answered in time."""
        self._draining = True
        self._tell_if_idle()
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _tell_if_idle(self) -> None:
        if self.in_hand == 0:
            self._idle.set()

    async def _answer(self, reception: Reception, began: float) -> web.Response:
        try:
            response = await walk(reception)
        except ProblemError as error:
            return self._refuse(reception, error)
        except Exception:  # noqa: BLE001  the boundary: our mistake must not end as a lost webhook
            _log.exception("reception_failed")
            return self._refuse(reception, ProblemError(problems.UNEXPECTED))
        if reception.is_handshake:
            REQUESTS.labels(reception.connector.name, "handshake").inc()
            return response
        reception.connector.accepted.inc()
        REQUEST_SECONDS.observe(self._time() - began)
        return response

    def _refuse(self, reception: Reception, error: ProblemError) -> web.Response:
        """Answer with a problem, count it, and leave a note for the operators."""
        request = reception.request
        asked_for = reception.asked_for
        connector = self._services.connectors.find(asked_for)
        source = connector.source if connector else None
        response = problem_response(error)
        REQUESTS.labels(connector.name if connector else UNKNOWN, error.recorded_as).inc()
        self._recorder.note(
            asked_for if _CONNECTOR_NAME.fullmatch(asked_for) else _NO_NAME,
            bucket=connector.name if connector else UNKNOWN,
            status=response.status,
            code=error.recorded_as,
            reason=error.reason,
            remote=reception.remote.address,
            headers=request.headers,
            hidden=source.hidden if source else frozenset(),
            summed_up=error.problem is problems.RATE_LIMITED,
        )
        return response
