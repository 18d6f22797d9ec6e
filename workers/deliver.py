"""The arq job that delivers: makes a destination's copies of tasks current.

One destination is one job, and its trouble is its own: others have jobs of their own. A job is a nudge;
what is due is in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from router.core.store import deliveries
from router.core.store.retries import CREDENTIALS, NO_DESTINATION, release
from rules.ruleset import Destination as ConfiguredDestination
from workers.copies import held_for_a_person
from workers.destinations import BY_NAME
from workers.destinations.outcome import Kind, Outcome
from workers.fields import Row
from workers.in_force import InForce
from workers.line import LEASE_MARGIN_MS, Desk, Line
from workers.pauses import mark_of
from workers.rules_in_force import RulesInForce

_AT_REST = 64

log = structlog.get_logger(__name__)


class Deliveries:
    """Delivers for one worker."""

    def __init__(self, desk: Desk, rules: RulesInForce) -> None:
        self._desk = desk
        self._rules = rules
        self._returned_by: InForce | None = None

    async def run(self, destination: str) -> None:
        """Make the due copies of a destination current, or note why that is not to be tried."""
        while await self._run(destination):
            pass

    async def _run(self, destination: str) -> bool:
        """Do it by the newest rules; tell whether newer ones came before all was done."""
        began_with = self._rules.current
        newest = await self._rules.newest()
        configured = newest.rule_set.destinations.get(destination)
        if configured is None:
            await self._hold(destination, NO_DESTINATION, "the rules have no such destination")
            is_back = destination in (await self._rules.newest()).rule_set.destinations
            return is_back and await self._release(destination, NO_DESTINATION)
        pause = await self._desk.pauses.of(destination)
        if (
            pause is not None
            and pause.code == CREDENTIALS
            and self._has_changed(configured, pause.mark)
        ):
            await self.resume(destination)
            pause = None
        if pause is None:
            line = self._line(
                newest, configured, is_outdated=lambda: self._rules.current is not began_with
            )
            await line.run()
            pause = await self._desk.pauses.of(destination)
        if pause is not None and pause.code == CREDENTIALS:
            await self._hold(destination, CREDENTIALS, pause.message)
        return self._rules.current is not began_with and not self._desk.stop.is_set()

    async def resume_changed(self) -> None:
        """Let destinations go on that are no longer what they were when their copies were held.

        Those whose configuration or secrets were refused, and those that the rules did not have.
        """
        newest = await self._rules.newest()
        for destination, configured in newest.rule_set.destinations.items():
            pause = await self._desk.pauses.of(destination)
            if (
                pause is not None
                and pause.code == CREDENTIALS
                and self._has_changed(configured, pause.mark)
            ):
                await self.resume(destination)
            if newest is not self._returned_by and await self._release(destination, NO_DESTINATION):
                log.info("destination_resumed", destination=destination)
        self._returned_by = newest

    async def resume(self, destination: str) -> None:
        """End a destination's pause and let the copies that were held for it be sent (V2)."""
        await self._desk.pauses.end(destination)
        log.info("destination_resumed", destination=destination)
        await self._release(destination, CREDENTIALS)

    async def _release(self, destination: str, code: str) -> bool:
        """Let copies be sent that are held with a reason of this code; tell whether there were any."""
        store, now_ms = self._desk.store, self._desk.now_ms()
        return bool(await release(store, destination, code, now_ms=now_ms))

    async def settle_abandoned(self, rows: list[Row]) -> set[str]:
        """Decide about copies whose worker vanished between its intent and the answer.

        A change of a copy is simply sent again. A creation may have worked: it is repeated where that
        cannot make a second copy, else looked for or held (V3-V5). Returns the destinations concerned.
        """
        newest = await self._rules.newest() if rows else self._rules.current
        for row in rows:
            result: Row = {"state": "pending", "next_attempt_ms": self._desk.now_ms()}
            if (row["intent"] or {}).get("kind") == "create":
                result = self._after_lost_creation(row, newest)
            await self._desk.ledger.finish({"id": row["id"], **result}, [])
        return {row["destination"] for row in rows}

    def _after_lost_creation(self, row: Row, rules: InForce) -> Row:
        configured = rules.rule_set.destinations.get(row["destination"])
        message = "the worker ended before the answer came"
        if configured is None:
            return held_for_a_person(f"it may have been created ({message})")
        policy = self._line(rules, configured).policy
        outcome = Outcome(Kind.UNCERTAIN, "no-answer", message)
        result = policy.after_failure(row, "create", outcome, self._desk.now_ms())
        if result["state"] == "retrying":
            result["next_attempt_ms"] = self._desk.now_ms()
        return result

    def _line(
        self,
        rules: InForce,
        configured: ConfiguredDestination,
        is_outdated: Callable[[], bool] = lambda: False,
    ) -> Line:
        kind = BY_NAME[configured.type]
        return Line(
            self._desk,
            configured.name,
            kind,
            kind.of(configured.config),
            ids=rules.ids_of(configured.name),
            is_outdated=is_outdated,
        )

    def _has_changed(self, configured: ConfiguredDestination, mark: str) -> bool:
        kind = BY_NAME[configured.type]
        return mark_of(kind, kind.of(configured.config), self._desk.secrets) != mark

    async def _hold(self, destination: str, code: str, message: str) -> None:
        """Hold every due copy of a destination without sending anything."""
        held = {
            "state": "held",
            "reason": {"code": code, "message": message},
            "next_attempt_ms": None,
        }
        while not self._desk.stop.is_set():
            now_ms = self._desk.now_ms()
            async with self._desk.store.begin() as conn:
                rows = await deliveries.claim_due(
                    conn,
                    destination,
                    owner=self._desk.worker_id,
                    now_ms=now_ms,
                    lease_ms=LEASE_MARGIN_MS,
                    limit=_AT_REST,
                )
                results = [{"id": row["id"], **held} for row in rows]
                await deliveries.finish_attempts(
                    conn, results, owner=self._desk.worker_id, now_ms=now_ms
                )
            if len(rows) < _AT_REST:
                return


async def deliver(ctx: dict[str, Any], destination: str) -> None:
    """Deliver what is due at a destination (arq job `keys.DELIVER_JOB`)."""
    deliveries_of_worker: Deliveries = ctx["deliveries"]
    await deliveries_of_worker.run(destination)
