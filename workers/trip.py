"""One copy on its way to being current: what is sent for it, in order, and what is written of it.

The intent is the last thing written before a request leaves, so a crash leaves behind only those
copies of which a request may have left (decision V28). A creation that may have worked is looked for
before anything else (V3-V5).
"""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from router.core.store.present import task_json
from workers import copies, shown
from workers.destinations.destination import never_omitted
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Ask, BuildError, Change, Request
from workers.fields import Row
from workers.turns import Result, Turn

if TYPE_CHECKING:
    from workers.line import Line

_ROUNDS = 3
"""A creation, then what changed or closed meanwhile; in the third nothing is left."""
_MOST_PAGES = 20
_NAMED = 5


class _OverError(Exception):
    """The trip ends here, with the columns to finish with; None: the copy left our hands."""

    def __init__(self, row: Row | None) -> None:
        super().__init__()
        self.row = row


class Trip:
    """Makes one copy current.

    `attempts` records each request, `turn` is what the next one may be sent with, `showed` and `why`
    are what the last one showed of the destination.
    """

    def __init__(
        self, line: Line, turn: Turn, row: Row, task: Row | None, event: Row | None
    ) -> None:
        self._line = line
        self._task = task
        self._shape = {} if task is None else task_json(task)
        self._event = event
        self._state, self._due_ms = row["state"], row["next_attempt_ms"]
        self._row = dict(row)
        if row["state"] == "pending":
            self._row |= {"attempts": 0, "first_attempt_ms": None}
        self._progress: Row = {}
        self.turn: Turn | None = turn
        self.showed = Result.UNUSED
        self.why = ""
        self.attempts: list[Row] = []

    async def make_current(self) -> Row | None:
        """Send what is needed; return the columns to finish with, None if the copy left our hands."""
        if self._task is None:
            return {"state": "current", "delivered_version": self._row["wanted_version"]}
        try:
            return await self._go(self._task)
        except _OverError as over:
            return over.row

    async def _go(self, task: Row) -> Row:
        is_deleted = task["deleted_ms"] is not None
        is_left = is_deleted and self._line.config.on_delete == "leave"
        if not is_left and copies.may_exist(self._row):
            await self._reconcile(task)
        for _ in range(_ROUNDS):
            changes = self._changes(task)
            for change in changes:
                await self._make(change, task)
            if not changes:
                break
        if is_deleted:
            return self._finished(copies.after_deletion(self._row, task))
        not_shown = shown.differing(self._row["shown"], self._shape) if self._line.by_field else []
        return self._finished(copies.after_success(task, not_shown))

    def _changes(self, task: Row) -> list[Change]:
        line = self._line
        return copies.next_changes(
            self._row,
            task,
            line.printed(self._shape),
            can=line.can,
            on_delete=line.config.on_delete,
        )

    async def _make(self, change: Change, task: Row) -> None:
        """Carry out one change, or note that the destination cannot be asked for it."""
        kept = self._row["create_request"] if change == "create" else None
        if kept is not None and "method" in kept:
            await self._create(Request.from_json(kept), kept)
            return
        request = self._built(change, task) if change in self._line.can else None
        if change == "create":
            if request is None:
                outcome = Outcome(Kind.REJECTED, "no-request", "its type builds no creation")
                raise self._failed(change, outcome)
            await self._create(request, self._to_keep(request, task))
            return
        if request is not None:
            outcome = await self._send(change, request, {"version": task["version"]})
            is_gone = change == "delete" and outcome.kind is Kind.GONE
            if outcome.kind is not Kind.DELIVERED and not is_gone:
                raise self._failed(change, outcome)
        self._note_change(change, task, was_sent=request is not None)

    def _built(self, change: Change, task: Row) -> Request | None:
        line = self._line
        copy = line.copy_of(change, self._row, task, self._shape, self._event)
        try:
            return line.kind.build(line.config, change, copy)
        except BuildError as error:
            raise self._failed(change, Outcome(Kind.REJECTED, error.code, str(error))) from None

    def _to_keep(self, request: Request, task: Row) -> Row:
        """Return what is kept of a creation: it is repeated as it is, and what the copy then shows."""
        line = self._line
        then, kind = copies.after_create(task, line.can)
        return {
            **request.as_json(),
            "version": task["version"],
            "then": then,
            "shown": shown.shown_of(line.printed(self._shape), kind, by_field=line.by_field),
        }

    async def _create(self, request: Request, kept: Row) -> None:
        was_kept = self._row["create_request"] is not None
        now_ms = self._line.desk.now_ms()
        # What an earlier one may have made is there still, whatever is answered to this one.
        kept = {**kept, "sent_ms": now_ms, "may_exist": copies.may_exist(self._row)}
        sent = {"version": kept["version"], "create_request": kept}
        outcome = await self._send("create", request, sent)
        if outcome.kind is Kind.DELIVERED:
            self._note_created(kept, outcome.external_id)
            return
        if not was_kept and (outcome.code == "unreachable" or outcome.kind is Kind.AUTH):
            # Nothing was created: the next attempt may say what is true then, by the rules of then.
            self._go_on(create_request=None)
        raise self._failed("create", outcome)

    def _note_created(self, kept: Row, external_id: str | None) -> None:
        self._go_on(
            external_id=external_id,
            delivered_version=kept.get("then", kept.get("version", 0)),
            shown=kept.get("shown"),
            create_request=None,
        )

    def _note_change(self, change: Change, task: Row, *, was_sent: bool) -> None:
        """Note what the copy shows after a change that was sent, or could not be."""
        before = self._row["shown"]
        unchanged = self._unchanged(change, task, was_sent=was_sent)
        kind = task["status_kind"]
        if "status" in unchanged or not was_sent:
            kind = shown.NEW if before is None else before["kind"]
        if change == "delete" and was_sent:
            kind = shown.REMOVED
        line = self._line
        shape = line.printed(self._shape)
        after = shown.after_change(before, shape, kind, unchanged, by_field=line.by_field)
        self._go_on(shown=after, delivered_version=task["version"])

    def _unchanged(self, change: Change, task: Row, *, was_sent: bool) -> tuple[str, ...]:
        """Return the fields that the copy shows as before, whatever the task says."""
        line = self._line
        omitted: tuple[str, ...]
        if line.kind.omitted is never_omitted:
            omitted = () if was_sent else shown.FIELDS
        else:
            copy = line.copy_of(change, self._row, task, self._shape, self._event)
            omitted = line.kind.omitted(line.config, change, copy)
        if was_sent and change in {"complete", "cancel"}:
            return tuple(name for name in shown.FIELDS if name != "status" or name in omitted)
        return omitted

    async def _reconcile(self, task: Row) -> None:
        """Look for a copy that may exist: adopt it, note that there is none, or leave it to a person."""
        line = self._line
        kept: Row = self._row["create_request"]
        if line.policy.on_uncertain == "repeat":
            if task["deleted_ms"] is not None:
                await self._repeat(kept)
            return
        looked_ms = line.desk.now_ms()
        found, is_complete = await self._look(task)
        if len(found) == 1:
            self._note_created(kept, found[0])
            return
        if found:
            few = ", ".join(found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
            raise self._held(f"there are {len(found)} copies of it: {few}")
        if not is_complete:
            raise self._held("it may have been created, and the destination cannot show all it has")
        sure_ms = kept.get("sent_ms", 0) + copies.look_after_ms(line.config)
        if looked_ms < sure_ms:
            raise _OverError(self._finished({"state": "uncertain", "next_attempt_ms": sure_ms}))
        self._go_on(create_request={**kept, "may_exist": False})

    async def _repeat(self, kept: Row) -> None:
        """Create a copy that may exist once more, only to learn which it is and delete it."""
        if not self._line.kind.is_keyed(self._line.config):
            raise self._held("its task was deleted, and it may have been created")
        await self._create(Request.from_json(kept), kept)

    async def _look(self, task: Row) -> tuple[list[str], bool]:
        """Return the ids of the copies there are, and whether there can be no others."""
        line = self._line
        find, read_found = line.kind.find, line.kind.read_found
        if line.policy.on_uncertain == "hold":
            raise self._held("it may have been created")
        if find is None or read_found is None:
            raise self._held("it may have been created, and the destination cannot be asked")
        kept: Row = self._row["create_request"]
        copy = line.copy_of("look", self._row, task, self._shape, self._event)
        if "method" in kept:
            copy = replace(copy, sent=Request.from_json(kept))
        try:
            request = find(line.config, copy)
        except BuildError as error:
            raise self._held(
                f"it may have been created, and cannot be looked for: {error}"
            ) from None
        if request is None:
            raise self._held("it may have been created, and the destination cannot be asked for it")
        ids: dict[str, None] = {}
        is_complete = False
        ends = perf_counter() + line.look_within_s
        for _ in range(_MOST_PAGES):
            if perf_counter() > ends:
                slow = Outcome(Kind.RETRY, "too-slow", "it took too long to see all it has")
                after = line.policy.after_look(self._row, slow, line.desk.now_ms())
                raise _OverError(self._finished(after))
            await self._be_ready()
            outcome, answer = await self._ask("look", request, repeatable=True)
            if outcome.kind is not Kind.DELIVERED or answer is None:
                after = line.policy.after_look(self._row, outcome, line.desk.now_ms())
                raise _OverError(self._finished(after))
            page = read_found(line.config, copy, request, answer)
            ids |= dict.fromkeys(page.ids)
            request, is_complete = page.next, page.complete and page.next is None
            if request is None:
                break
        return list(ids), is_complete

    async def _send(self, change: Change, request: Request, sent: Row) -> Outcome:
        """Write the intent, then send."""
        await self._be_ready()
        line = self._line
        before = {name: self._row[name] for name in ("attempts", "first_attempt_ms")}
        now_ms = line.desk.now_ms()
        self._row["first_attempt_ms"] = self._row["first_attempt_ms"] or now_ms
        intent = {
            "id": self._row["id"],
            **self._progress,
            "attempts": self._row["attempts"] + 1,
            "first_attempt_ms": self._row["first_attempt_ms"],
            "intent": {"kind": change, "version": sent["version"], "at_ms": now_ms},
        }
        if "create_request" in sent:
            intent["create_request"] = sent["create_request"]
        if not await line.desk.ledger.intend(intent):
            raise _OverError(None)
        if self.turn is None or self.turn.is_over():
            self._row |= before
            raise _OverError(self._unsent(self._row["create_request"]))
        if "create_request" in sent:
            self._go_on(create_request=sent["create_request"])
        repeatable = change != "create" or line.policy.on_uncertain == "repeat"
        outcome, _ = await self._ask(change, request, repeatable=repeatable)
        return outcome

    async def _be_ready(self) -> None:
        """See that the next request may be sent now; else the copy is given back as it is."""
        is_first = self.showed is Result.UNUSED
        may_go = is_first or await self._line.another_turn(self)
        if not may_go or self._line.is_paused or self.turn is None or self.turn.is_over():
            raise _OverError(self._unsent(self._row["create_request"]))

    async def _ask(
        self, ask: Ask, request: Request, *, repeatable: bool
    ) -> tuple[Outcome, Answer | None]:
        line = self._line
        at_ms, started = line.desk.now_ms(), perf_counter()
        self.showed = Result.NEUTRAL
        self._row["attempts"] += 1
        self._row["first_attempt_ms"] = self._row["first_attempt_ms"] or at_ms
        outcome, answer = await line.ask(ask, request, repeatable=repeatable)
        self.showed, self.why = Result.of(outcome), outcome.message
        self.attempts.append(
            {
                "id": line.desk.new_id(),
                "delivery_id": self._row["id"],
                "at_ms": at_ms,
                "kind": ask,
                "outcome": outcome.kind.value,
                "status": outcome.status,
                "message": outcome.message or None,
                "duration_ms": int((perf_counter() - started) * 1000),
            }
        )
        said: Row = {"status": outcome.status, "message": outcome.message}
        if answer is not None and outcome.kind is not Kind.DELIVERED:
            said |= answer.kept()
        self._go_on(last_answer=said)
        return outcome, answer

    def _failed(self, change: Change, outcome: Outcome) -> _OverError:
        line = self._line
        after = line.policy.after_failure(self._row, change, outcome, line.desk.now_ms())
        return _OverError(self._finished(after))

    def _held(self, message: str) -> _OverError:
        return _OverError(self._finished(copies.held_for_a_person(message)))

    def _unsent(self, create_request: Row | None) -> Row:
        """Return the columns that give the copy back: due as it was, with what is done already."""
        state = "pending" if "delivered_version" in self._progress else self._state
        due = {"state": state, "next_attempt_ms": self._due_ms, "create_request": create_request}
        return self._finished(due)

    def _finished(self, columns: Row) -> Row:
        made = {name: self._row[name] for name in ("attempts", "first_attempt_ms")}
        return {**self._progress, **made, **columns}

    def _go_on(self, **columns: object) -> None:
        """Note columns that are written with the next intent or the end, whichever comes first."""
        self._row |= columns
        self._progress |= columns
