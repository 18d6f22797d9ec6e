"""Runs the tests that rule files bring: each event is routed as a worker would, without a store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from router.cli.envelope import Envelope, body_bytes, read_envelope
from router.cli.failures import CommandError
from router.cli.received import NotTakenError, as_received
from router.cli.why_not import why_not
from router.core.event import IncomingEvent
from router.core.ids import derived_id
from router.core.intake_table import IntakeTable
from router.core.store.present import task_json
from rules.event_files import event_file
from rules.matching import Difference, shown
from rules.rule_tests import RECEIVED_AT, RuleTest, Sent
from rules.ruleset import RuleSet
from rules.testing import Came, unmet, unmet_of_all
from rules.values import instant_ms
from workers.fields import Row
from workers.rehearsal import Rehearsal, Rehearsed

_NO_TIME = "00000000-0000-7000-8000-000000000000"
"""Events of tests have derived ids: a test comes to the same each time, whoever runs it."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """One expectation that did not come true; `event` counts from 1, None: of all events together.

    `why` says why rules that should have matched did not.
    """

    event: int | None
    difference: Difference
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a test.

    `came` tells, of each event that was sent, what came of it. `trouble` says why the test could not be
    run to its end.
    """

    test: RuleTest
    seconds: float
    came: tuple[str, ...] = ()
    unmet: tuple[Unmet, ...] = ()
    trouble: str | None = None

    @property
    def outcome(self) -> Literal["passed", "failed", "error"]:
        """How it ended; `error`: it could not be run."""
        if self.trouble is not None:
            return "error"
        return "failed" if self.unmet else "passed"


def run_tests(rule_set: RuleSet, tests: Sequence[RuleTest]) -> Iterator[Result]:
    """Run tests of a set of rules, each on its own, from an empty store."""
    table = IntakeTable.model_validate(rule_set.intake_table())
    for test in tests:
        began = time.perf_counter()
        run = _Run(rule_set, table, test)
        trouble = None
        try:
            run.send_all()
        except (CommandError, NotTakenError) as error:
            trouble = str(error)
        seconds = time.perf_counter() - began
        yield Result(test, seconds, tuple(run.came), tuple(run.unmet), trouble)


@dataclass(slots=True)
class _Run:
    """One test on its way."""

    rule_set: RuleSet
    table: IntakeTable
    test: RuleTest
    came: list[str] = field(default_factory=list)
    unmet: list[Unmet] = field(default_factory=list)
    _tasks: dict[str, Row] = field(default_factory=dict)
    _copies: dict[str, dict[str, Row]] = field(default_factory=dict)

    def send_all(self) -> None:
        """Send the events in their order.

        Raises:
            CommandError: A file cannot be read.
            NotTakenError: The receiver would not take an event.
        """
        rehearsal = Rehearsal(self.rule_set)
        now_ms: int | None = None
        for number, sent in enumerate(self.test.events, 1):
            webhook = _webhook(self.test, sent)
            now_ms = _received_ms(self.test, sent, webhook, now_ms)
            event = self._event(number, sent, webhook, now_ms)
            routed = rehearsal.route(event)
            self._keep(routed)
            self.came.append(self._told(routed))
            if sent.expect is not None:
                for each in unmet(sent.expect, self._came(routed)):
                    self.unmet.append(Unmet(number, each, self._why(each, event, routed)))
        if self.test.expect is not None:
            tasks = [self._shown(task) for task in self._tasks]
            self.unmet += (Unmet(None, each) for each in unmet_of_all(self.test.expect, tasks))

    def _event(self, number: int, sent: Sent, webhook: Envelope, now_ms: int) -> IncomingEvent:
        test = self.test
        return as_received(
            self.table.connectors[test.connector],
            webhook,
            event_id=derived_id(_NO_TIME, test.connector, test.name, str(number)),
            received_ms=now_ms,
            type_=sent.type,
            delivery_id=sent.delivery_id,
            else_delivery_id=f"delivery {number} of the test",
        )

    def _why(self, each: Difference, event: IncomingEvent, routed: Rehearsed) -> tuple[str, ...]:
        if each.rules and routed.event["status"] == "duplicate":
            return ("a duplicate asks no rule",)
        return tuple(line for rule in each.rules for line in why_not(self.rule_set, event, rule))

    def _keep(self, routed: Rehearsed) -> None:
        for row in routed.tasks:
            self._tasks[row["id"]] = row
        for delivery in routed.written.deliveries:
            copies = self._copies.setdefault(delivery["task_id"], {})
            copies[delivery["destination"]] = {**delivery, "external_id": None}

    def _shown(self, task_id: str) -> dict[str, Any]:
        """Return a task as the API shows it."""
        copies = self._copies.get(task_id, {})
        return task_json(self._tasks[task_id], deliveries=copies.values())

    def _came(self, routed: Rehearsed) -> Came:
        row = routed.event
        return Came(
            status=row["status"],
            reason=row["reason"],
            decisions=row["decisions"],
            actions=row["tasks"],
            shadow=row["shadow"],
            tasks=[self._shown(task) for task in dict.fromkeys(one["id"] for one in row["tasks"])],
            deliver={delivery["destination"] for delivery in routed.written.deliveries},
        )

    def _told(self, routed: Rehearsed) -> str:
        """Return what came of an event in one line: its status, what was done, and the reason."""
        row = routed.event
        done = [
            f"{one['action']} {shown(self._tasks[one['id']]['title'])} ({one['rule']})"
            for one in row["tasks"]
        ]
        said = [*done, row["reason"]] if row["reason"] else done
        return f"{row['status']}: {', '.join(said)}" if said else str(row["status"])


def _webhook(test: RuleTest, sent: Sent) -> Envelope:
    """Return what is sent; the test's own headers and parameters win over those of a file."""
    if sent.file is None:
        return Envelope(body_bytes(sent.body), dict(sent.headers), dict(sent.query))
    found = read_envelope(event_file(test.span.file, sent.file))
    headers, query = {**found.headers, **sent.headers}, {**found.query, **sent.query}
    return Envelope(found.body, headers, query, found.received_at)


def _received_ms(test: RuleTest, sent: Sent, webhook: Envelope, before_ms: int | None) -> int:
    """Return when an event comes: as it says, else so long after the one before, else as its file says.

    Raises:
        CommandError: The file has a `received_at` that is no instant.
    """
    first = test.received_at if before_ms is None else None
    if sent.after_s is not None:
        start = _ms(first or webhook.received_at or RECEIVED_AT) if before_ms is None else before_ms
        return start + sent.after_s * 1000
    said = sent.received_at or first or webhook.received_at
    if said is not None:
        return _ms(said)
    return _ms(RECEIVED_AT) if before_ms is None else before_ms


def _ms(words: str) -> int:
    milliseconds = instant_ms(words)
    if milliseconds is None:
        raise CommandError(f"`received_at` of the file is no instant: {words[:80]}")
    return milliseconds
