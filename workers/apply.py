"""Carries out decisions against what the store holds: a pure fold from both to the rows to write.

`route` loads the state inside its transaction, folds, and writes what comes of it. Running it again
over the same events makes the same ids, so a batch that runs twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from router.core.event import IncomingEvent
from rules.decision import CloseTask, Decision, Drop, Identifier, OpenTask, Reason
from workers.board import DONE, Board, Cause, scope_of
from workers.contacts import Contacts, Known, settle
from workers.fields import Row, Statuses
from workers.replays import Run, begin, entry_of
from workers.verdicts import shadow_json, verdict_json

DONE_BEFORE = "done before"
"""Outcome of a rule's action in a replay: an earlier run of the event did it."""

_NOT_DONE_CODES = {
    "ignored": "ignored",
    "older version": "older-version",
    "no open task": "no-open-task",
}
_NO_RULE = Reason("no-rule-matched", "no rule matched")


@dataclass(frozen=True, slots=True)
class Judged:
    """An event and what is decided about it: a decision, or why there is none (held or failed)."""

    event: IncomingEvent
    decision: Decision | None = None
    without: Literal["held", "failed"] = "failed"
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the store held of a batch's business when its transaction began."""

    decided: Collection[str] = ()
    """Ids of events that have their outcome already."""
    earlier: Mapping[str, Row] = field(default_factory=dict)
    """Of events that are replayed, by id: `replays` and `tasks` of their rows."""
    claims: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    """Deduplication claims by connector and key."""
    tasks: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    """By scope and key: the open task, else the one closed last."""
    copies: Mapping[str, Iterable[str]] = field(default_factory=dict)
    """By task id: the destinations that have or await a copy."""
    closings: Mapping[tuple[str, str], Row] = field(default_factory=dict)
    """By scope and key: closings that came before any task of their key."""
    contacts: Mapping[Identifier, Row] = field(default_factory=dict)
    """By what they are known by."""


@dataclass(slots=True)
class Fold:
    """The rows to write; new tasks have no number until `number` gave them theirs.

    `contacts` are written first: `settle_contacts` then lets the tasks show who has each address.
    """

    events: list[Row] = field(default_factory=list)
    claims: dict[tuple[str, str], Row] = field(default_factory=dict)
    new_tasks: list[Row] = field(default_factory=list)
    changed_tasks: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    mentions: list[tuple[dict[str, Any], Row]] = field(default_factory=list)
    """Entries of events' `tasks` with the task each is about."""
    closings: list[Row] = field(default_factory=list)
    contacts: dict[str, Row] = field(default_factory=dict)
    """By address: contacts that are new or got a name."""
    met: dict[str, Known] = field(default_factory=dict)
    """By address: what tasks show of the contacts they are from."""

    def settle_contacts(self, stored: Mapping[str, Row]) -> None:
        """Let the tasks show the contacts that were written as the store has them now."""
        settle(self.met, stored)

    def number(self, numbers: Iterable[int]) -> None:
        """Give the new tasks their numbers, one each, in the order they were made."""
        for row, number in zip(self.new_tasks, numbers, strict=True):
            row["number"] = number
        for entry, row in self.mentions:
            entry["number"] = row["number"]


def scopes(batch: Iterable[Judged]) -> set[str]:
    """Return what must be locked so that no other worker decides about the same at once."""
    found: set[str] = set()
    for judged in batch:
        found.add(judged.event.connector)
        if judged.decision is not None:
            for verdict in judged.decision.verdicts:
                if isinstance(verdict.action, OpenTask | CloseTask):
                    found.add(scope_of(verdict.action.key, judged.event.connector))
    return found


def claim_keys(batch: Iterable[Judged]) -> set[tuple[str, str]]:
    """Return the deduplication keys of a batch, with their connectors."""
    return {
        (judged.event.connector, judged.decision.deduplication.key)
        for judged in batch
        if judged.decision is not None and judged.decision.deduplication.key is not None
    }


def task_keys(batch: Iterable[Judged]) -> set[tuple[str, str]]:
    """Return the task keys a batch may act on, with their scopes."""
    found: set[tuple[str, str]] = set()
    for judged in batch:
        if judged.decision is None:
            continue
        for verdict in judged.decision.verdicts:
            action = verdict.action
            if isinstance(action, OpenTask | CloseTask) and action.key is not None:
                found.add((scope_of(action.key, judged.event.connector), action.key.text))
    return found


def closing_keys(batch: Iterable[Judged]) -> set[tuple[str, str]]:
    """Return the task keys, with their scopes, that a closing before any task may matter to."""
    found: set[tuple[str, str]] = set()
    for judged in batch:
        for verdict in () if judged.decision is None else judged.decision.verdicts:
            action = verdict.action
            if isinstance(action, OpenTask | CloseTask) and action.version and action.key:
                found.add((scope_of(action.key, judged.event.connector), action.key.text))
    return found


def fold(
    batch: Sequence[Judged],
    state: State,
    *,
    now_ms: int,
    rules_hash: str | None,
    statuses: Statuses | None = None,
    counting: Collection[str] = (),
    people: Mapping[str, Row] | None = None,
) -> Fold:
    """Return the rows that carry out what was decided about a batch, in its order.

    An event whose carrying out goes wrong becomes `failed`, and the others are done as if it had
    not been there (decision P5). `people` are those of the directory, by address.
    """
    failed: dict[str, Reason] = {}
    while True:
        contacts = Contacts(state.contacts, people or {}, now_ms)
        attempt = _Attempt(state, now_ms, rules_hash, statuses or Statuses(), counting, contacts)
        for judged in batch:
            reason = failed.get(judged.event.id)
            try:
                attempt.take(judged if reason is None else Judged(judged.event, reason=reason))
            except Exception as error:  # noqa: BLE001  the boundary of one event: others must not wait for it
                message = f"it could not be carried out: {type(error).__name__}: {error}"
                failed[judged.event.id] = Reason("internal", message[:500])
                break
        else:
            return attempt.result()


class _Attempt:
    """One pass over a batch."""

    def __init__(
        self,
        state: State,
        now_ms: int,
        rules_hash: str | None,
        statuses: Statuses,
        counting: Collection[str],
        contacts: Contacts,
    ) -> None:
        self._contacts = contacts
        self._decided = set(state.decided)
        self._earlier = dict(state.earlier)
        self._events: dict[str, Row] = {}
        self._claims = state.claims
        self._now_ms = now_ms
        self._rules_hash = rules_hash
        self._board = Board(
            state.tasks,
            state.copies,
            state.closings,
            now_ms=now_ms,
            statuses=statuses,
            counting=counting,
            contacts=contacts,
        )
        self._fold = Fold()

    def result(self) -> Fold:
        fold_, board = self._fold, self._board
        fold_.events = list(self._events.values())
        fold_.new_tasks = list(board.new.values())
        fold_.changed_tasks = list(board.changed.values())
        fold_.history = board.history
        fold_.deliveries = list(board.deliveries.values())
        fold_.closings = list(board.closings.changed.values())
        fold_.contacts, fold_.met = self._contacts.kept, self._contacts.met
        return fold_

    def take(self, judged: Judged) -> None:
        """Carry out what is decided about one event."""
        event = judged.event
        run: Run | None = None
        if event.replay:
            run = begin(event, self._earlier.get(event.id))
            if run is None:
                return
        elif event.id in self._decided:
            return
        self._decided.add(event.id)
        row = self._row(event, run)
        self._decide(judged, row, run)
        if run is not None and run.late and len(row["tasks"]) == len(run.before):
            return
        self._events[event.id] = self._earlier[event.id] = row

    def _decide(self, judged: Judged, row: Row, run: Run | None) -> None:
        event, decision = judged.event, judged.decision
        if decision is None:
            row["status"] = judged.without
            _give_reason(row, judged.reason)
            return
        # A replay is not deduplicated (U7).
        first = self._first_of(event, decision) if run is None else None
        if first is not None:
            row["status"], row["duplicate_of"] = "duplicate", first
            return
        self._carry_out(event, self._contacts.refuse_unknown(decision), row, run)
        if row["status"] in ("routed", "dropped") and decision.deduplication.key is not None:
            self._claim(event, decision.deduplication.key, decision.deduplication.within_s)

    def _row(self, event: IncomingEvent, run: Run | None) -> Row:
        return {
            "id": event.id,
            "connector": event.connector,
            "status": "dropped",
            "reason": None,
            "code": None,
            "type": event.type,
            "delivery_id": event.delivery_id,
            "received_ms": event.received_ms,
            "decided_ms": self._now_ms,
            "rules_hash": self._rules_hash,
            "decisions": [],
            "tasks": [] if run is None else list(run.before),
            "shadow": [],
            "duplicate_of": None,
            "replays": 0 if run is None else run.number,
            "headers": event.headers,
            "query": event.query,
            "content_type": event.content_type,
            "remote": event.remote,
            "body": event.body,
        }

    def _first_of(self, event: IncomingEvent, decision: Decision) -> str | None:
        """Return the event this one is a duplicate of (U2, U5: a window from the first sighting)."""
        name = decision.deduplication.key
        if name is None:
            return None
        claim = self._claim_of(event.connector, name)
        if claim is None or claim["event_id"] == event.id:
            return None
        earliest = claim["received_ms"] - decision.deduplication.within_s * 1000
        if earliest <= event.received_ms <= claim["until_ms"]:
            first: str = claim["event_id"]
            return first
        return None

    def _claim_of(self, connector: str, name: str) -> Row | None:
        return self._fold.claims.get((connector, name)) or self._claims.get((connector, name))

    def _claim(self, event: IncomingEvent, name: str, within_s: int) -> None:
        held = self._claim_of(event.connector, name)
        if held is not None and held["until_ms"] >= event.received_ms:
            return  # an event that comes late, from before the window: the window stays as it is
        self._fold.claims[event.connector, name] = {
            "connector": event.connector,
            "key": name,
            "event_id": event.id,
            "received_ms": event.received_ms,
            "until_ms": event.received_ms + within_s * 1000,
        }

    def _carry_out(
        self, event: IncomingEvent, decision: Decision, row: Row, run: Run | None
    ) -> None:
        """Do what each verdict says, and say on the event's row what came of it (R1-R10)."""
        refused = decision.refused is not None
        done = False
        not_done: Reason | None = None
        for sequence, verdict in enumerate(decision.verdicts):
            outcome: str | None = None
            task: Row | None = None
            kept: Sequence[str] = ()
            action = verdict.action
            if verdict.refused:
                outcome = "refused"
            elif verdict.verdict == "undecided":
                outcome = "undecided"
            elif isinstance(action, Drop):
                outcome = "dropped"
                not_done = not_done or Reason("dropped", action.reason)
            elif action is not None and not refused:
                cause = Cause(event, verdict, sequence)
                outcome, task, kept = self._act(cause, action, row, run)
                if outcome in DONE or outcome == DONE_BEFORE:
                    done = True
                else:
                    not_done = not_done or Reason(_NOT_DONE_CODES[outcome], outcome)
            row["decisions"].append(verdict_json(verdict, outcome, task, kept))
        row["shadow"] = [shadow_json(verdict) for verdict in decision.shadow if verdict.action]
        if decision.refused is not None:
            row["status"] = "refused"
            _give_reason(row, decision.refused)
        elif decision.undecided is not None:
            row["status"] = "undecided"
            _give_reason(row, decision.undecided, with_place=not decision.verdicts)
        elif done:
            row["status"] = "routed"
        else:
            _give_reason(row, decision.dropped or not_done or _NO_RULE)

    def _act(
        self, cause: Cause, action: OpenTask | CloseTask, row: Row, run: Run | None
    ) -> tuple[str, Row | None, Sequence[str]]:
        """Do what one verdict says, if no earlier run did.

        Returns the outcome, the task it is about, and the fields that a person's change keeps.
        """
        before = None if run is None else run.done_by(cause.verdict)
        if before is not None:
            return DONE_BEFORE, before, ()
        effect = (
            self._board.open(cause, action)
            if isinstance(action, OpenTask)
            else self._board.close(cause, action)
        )
        if effect.task is not None and effect.outcome in DONE:
            entry = entry_of(cause.event, cause.verdict, effect.outcome, effect.task)
            row["tasks"].append(entry)
            self._fold.mentions.append((entry, effect.task))
        return effect.outcome, effect.task, effect.kept


def _give_reason(row: Row, reason: Reason | None, *, with_place: bool = False) -> None:
    """Say why; `with_place` where no rule's entry has the reason's place (a deduplication key's)."""
    if reason is not None:
        placed = with_place and reason.at is not None
        row["reason"] = f"{reason.message} ({reason.at})" if placed else reason.message
        row["code"] = reason.code
