"""The tasks a batch is about, and what its actions make of them (decisions K1-K12).

Pure: it starts from what the store held and ends in rows to write. Later actions see what earlier
ones did (K12); a task that is made and changed in one batch is inserted once, in its last state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from router.core.edited import fields_given, unless_edited, without_edited
from router.core.event import IncomingEvent
from router.core.ids import derived_id
from router.core.store.deliveries import wanted_copy
from rules.decision import CloseTask, OpenTask, RuleVerdict, TaskKey, Update
from rules.values import version_order
from workers.closings import Closings
from workers.contacts import Contacts, Known
from workers.fields import OPEN_KINDS, Row, Statuses, blank, changes, columns

Done = Literal["created", "updated", "counted", "reopened", "completed", "cancelled"]
NotDone = Literal["ignored", "older version", "no open task"]

DONE: frozenset[str] = frozenset(
    {"created", "updated", "counted", "reopened", "completed", "cancelled"}
)
_CLOSINGS: dict[str, tuple[str, Done]] = {
    "complete": ("done", "completed"),
    "cancel": ("cancelled", "cancelled"),
}
_MAX_SEQUENCE = 0xFFF


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action came to, and the task it was about.

    `kept` names the fields that the rule would have changed and a person did (decision K7).
    """

    outcome: Done | NotDone
    task: Row | None = None
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class Cause:
    """Whose action it is: the event, the rule (and item), its place in the event's order of acting."""

    event: IncomingEvent
    verdict: RuleVerdict
    sequence: int

    @property
    def item(self) -> str:
        """The number of the item as a part of derived ids; empty where there is none."""
        return "" if self.verdict.item is None else str(self.verdict.item)

    @property
    def run(self) -> tuple[str, ...]:
        """What a forced replay adds to derived ids; nothing where each action is done once in all runs."""
        return (f"replay {self.event.replay}",) if self.event.forced else ()


def scope_of(key: TaskKey | None, connector: str) -> str:
    """Return the space a key lives in: its connector, or what several connectors share (K1)."""
    return connector if key is None or key.shared is None else f"shared:{key.shared}"


class Board:
    """The tasks of a batch by key.

    Args:
        tasks: By scope and key, the open task of each key, else the one closed last.
        copies: By task id, the destinations that have or await a copy.
        closings: By scope and key, closings that came before any task of their key.
        counting: Destinations that show `occurrences`, so that a count is a change to them (Q8).
        contacts: Who is known; nobody, by default.
    """

    def __init__(
        self,
        tasks: Mapping[tuple[str, str], Row],
        copies: Mapping[str, Iterable[str]],
        closings: Mapping[tuple[str, str], Row] | None = None,
        *,
        now_ms: int,
        statuses: Statuses,
        counting: Collection[str] = (),
        contacts: Contacts | None = None,
    ) -> None:
        self._contacts = contacts or Contacts({}, {}, now_ms)
        self._tasks = dict(tasks)
        self._copies = {task: dict.fromkeys(names) for task, names in copies.items()}
        self._now_ms = now_ms
        self._statuses = statuses
        self._blank = blank(statuses)
        self._counting = counting
        self.closings = Closings(closings or {})
        self.new: dict[str, Row] = {}
        self.changed: dict[str, Row] = {}
        self.history: list[Row] = []
        self.deliveries: dict[tuple[str, str], Row] = {}

    def open(self, cause: Cause, action: OpenTask) -> Effect:
        """Open a task, or act on the one its key has."""
        scope = scope_of(action.key, cause.event.connector)
        key = None if action.key is None else action.key.text
        held = None if key is None else self._tasks.get((scope, key))
        if held is None:
            if key is not None and self.closings.outdate(scope, key, action.version, cause.event):
                return Effect("older version")
            return self._create(cause, action, scope, key)
        if held["id"] == derived_id(cause.event.id, cause.verdict.rule, cause.item, *cause.run):
            return Effect("ignored", held)  # decided again: what it made is there
        if self._is_stale(action.version, held):
            return Effect("older version", held)
        if held["status_kind"] in OPEN_KINDS:
            return self._act_on_open(cause, action, held)
        return self._act_on_closed(cause, action, held, scope)

    def close(self, cause: Cause, action: CloseTask) -> Effect:
        """Complete or cancel the open task of a key; one that is closed stays as it is."""
        scope = scope_of(action.key, cause.event.connector)
        held = self._tasks.get((scope, action.key.text))
        if held is None:
            self.closings.remember(scope, action, cause.event)
            return Effect("no open task")
        seen = held["source"].get("version")
        older = action.version is not None and version_order(action.version, seen) < 0
        if held["status_kind"] not in OPEN_KINDS:
            if not older and action.version is not None:
                self._remember_closing(held, action.version)
            return Effect("no open task", held)
        if older:
            return Effect("older version", held)
        kind, done = _CLOSINGS[action.how]
        row = self._own(held)
        self._change(
            cause,
            row,
            done,
            {
                "status": self._statuses.first(kind),
                "status_kind": kind,
                # Not before it was made, also where events come late: K9 goes by these two.
                "completed_ms": max(cause.event.received_ms, row["created_ms"]),
            },
            note=action.note,
        )
        self._see(row, action.version, closing=True)
        return Effect(done, row)

    def _is_stale(self, version: str | None, held: Row) -> bool:
        """Tell whether a version is older than the task's, or not newer than its closing (K4, K5)."""
        if version is None:
            return False
        source = held["source"]
        if version_order(version, source.get("version")) < 0:
            return True
        is_closed = held["status_kind"] not in OPEN_KINDS
        return is_closed and version_order(version, source.get("closed_version")) <= 0

    def _act_on_open(self, cause: Cause, action: OpenTask, held: Row) -> Effect:
        if action.on_open == "ignore":
            return Effect("ignored", held)
        row = self._own(held)
        known = self._contacts.meet(cause.event, cause.verdict.contact)
        if action.on_open == "count":
            self._change(cause, row, "counted", {"occurrences": row["occurrences"] + 1})
            self._see(row, action.version)
            return Effect("counted", row)
        given = changes(action.lasting, row, self._statuses)
        written, kept = _writable(row, given, action.update)
        written = {**written, **_contact_of(row, known)}
        self._change(cause, row, "updated", written, deliver=action.deliver)
        self._see(row, action.version)
        return Effect("updated", row, kept)

    def _act_on_closed(self, cause: Cause, action: OpenTask, held: Row, scope: str) -> Effect:
        if action.on_closed == "ignore":
            return Effect("ignored", held)
        age_ms = cause.event.received_ms - held["completed_ms"]
        if action.on_closed == "new" or age_ms > action.reopen_within_s * 1000:
            return self._create(cause, action, scope, held["key"], since_ms=held["completed_ms"])
        row = self._own(held)
        given = changes(action.fields, row, self._statuses)
        written, kept = _writable(row, given, action.update)
        values = {
            "status": self._statuses.first("initial"),
            "status_kind": "initial",
            "completed_ms": None,
            **written,
            **_contact_of(row, self._contacts.meet(cause.event, cause.verdict.contact)),
        }
        if action.on_open == "count":
            values["occurrences"] = row["occurrences"] + 1
        self._change(cause, row, "reopened", values, deliver=action.deliver)
        self._see(row, action.version, opening=True)
        return Effect("reopened", row, kept)

    def _create(
        self, cause: Cause, action: OpenTask, scope: str, key: str | None, *, since_ms: int = 0
    ) -> Effect:
        event, verdict = cause.event, cause.verdict
        known = self._contacts.meet(event, verdict.contact)
        defaults = action.defaults
        if known is None and action.without_contact is not None:
            defaults = action.without_contact
        row: Row = {
            **self._blank,
            "id": derived_id(event.id, verdict.rule, cause.item, *cause.run),
            "number": 0,  # the store gives it, see `apply.Fold.number`
            "scope": scope,
            "key": key,
            "created_ms": max(event.received_ms, since_ms),
            "updated_ms": self._now_ms,
            "contact": None if known is None else known.contact,
            "creator": {"type": "connector", "id": event.connector}
            if known is None
            else known.creator,
            "source": {
                "connector": event.connector,
                "event_id": event.id,
                "rule": verdict.rule,
                "version": action.version,
                "at": verdict.at,
            },
            **columns({**defaults, **action.fields}, self._statuses),
        }
        if row["status_kind"] not in OPEN_KINDS:
            row["completed_ms"] = row["created_ms"]
        self.new[row["id"]] = row
        if key is not None:
            self._tasks[scope, key] = row
        self._record(cause, row, "created", {}, None)
        for destination in action.deliver:
            self._deliver(row, destination)
        return Effect("created", row)

    def _own(self, held: Row) -> Row:
        """Return the batch's own copy of a task, so that what the store gave stays as it was."""
        if held["id"] in self.new or held["id"] in self.changed:
            return held
        row = dict(held)
        self.changed[row["id"]] = row
        self._tasks[row["scope"], row["key"]] = row
        return row

    def _change(
        self,
        cause: Cause,
        row: Row,
        done: Done,
        values: Row,
        *,
        note: str | None = None,
        deliver: Collection[str] = (),
    ) -> None:
        """Set columns; what really changes makes a new version and makes copies out of date (K6)."""
        if "custom" in values:
            values = {**values, "custom": {**row["custom"], **values["custom"]}}
        differing = {name: value for name, value in values.items() if row[name] != value}
        fields = {name: {"from": row[name], "to": value} for name, value in differing.items()}
        self._record(cause, row, done, fields, note)
        copies = self._copies.setdefault(row["id"], {})
        missing = [name for name in deliver if name not in copies]
        if differing:
            row.update(differing)
            row["version"] += 1
            row["updated_ms"] = self._now_ms
            concerned = self._counting if done == "counted" else copies
            for destination in copies:
                if destination in concerned:
                    self._deliver(row, destination)
        for destination in missing:
            self._deliver(row, destination)

    def _deliver(self, row: Row, destination: str) -> None:
        """Want a destination to have the task as it is now."""
        self._copies.setdefault(row["id"], {})[destination] = None
        self.deliveries[row["id"], destination] = wanted_copy(row, destination, self._now_ms)

    def _record(
        self, cause: Cause, row: Row, done: Done, fields: dict[str, Any], note: str | None
    ) -> None:
        event, rule = cause.event, cause.verdict.rule
        identifier = derived_id(event.id, "history", row["id"], rule, cause.item, *cause.run)
        # The 12 bits after the version digit carry the order of acting: rows of one event sort by it.
        order = f"{min(cause.sequence, _MAX_SEQUENCE):03x}"
        self.history.append(
            {
                "id": identifier[:15] + order + identifier[18:],
                "task_id": row["id"],
                "at_ms": self._now_ms,
                "event_id": event.id,
                "rule": rule,
                "actor": f"connector:{event.connector}",
                "action": done,
                "fields": fields,
                "note": note,
            }
        )

    def _see(
        self, row: Row, version: str | None, *, closing: bool = False, opening: bool = False
    ) -> None:
        """Remember the sender's newest version, and of a closing that it was one."""
        source = row["source"]
        if version is not None and source.get("version") != version:
            source = {**source, "version": version}
        if closing and version is not None:
            source = {**source, "closed_version": version}
        if opening and "closed_version" in source:
            source = {name: value for name, value in source.items() if name != "closed_version"}
        row["source"] = source

    def _remember_closing(self, held: Row, version: str) -> None:
        """Remember that a closed task was closed again by a newer version: a late opening is older."""
        if version_order(version, held["source"].get("closed_version")) > 0:
            self._see(self._own(held), version, closing=True)


def _writable(row: Row, given: Row, update: Update) -> tuple[Row, tuple[str, ...]]:
    """Return what a rule may write of what it gives, and the fields left as a person has them (K7).

    With `always` it writes all, and the fields are the rule's again.
    """
    if update == "always":
        row["edited"] = without_edited(row["edited"], fields_given(given))
        return given, ()
    written, kept = unless_edited(row, given)
    return written, tuple(kept)


def _contact_of(row: Row, known: Known | None) -> Row:
    """Return the contact a task gets with a change: whoever it is from already stays (decision N4)."""
    if known is None:
        return {}
    held = row["contact"]
    if held is None or (held["id"] == known.contact["id"] and held["name"] is None):
        return {"contact": known.contact}
    return {}
