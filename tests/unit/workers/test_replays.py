"""A replay does what is missing, once; a forced one acts again, once (decisions U7, K6, R12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from router.core.event import IncomingEvent
from rules.decision import Action, CloseTask, Decision, Drop, OpenTask, Reason, RuleVerdict
from tests.support.judging import (
    NOW_MS,
    complete,
    decision,
    deduplicated,
    event,
    judged,
    matched,
    open_task,
)
from workers.apply import Fold, Judged, State, fold
from workers.fields import Row

UNCLEAR = Reason("condition", "abc is no number", "shop.yaml:9:3")


class Shop:
    """Folds one batch after the other, each on what the store would hold after those before."""

    def __init__(self) -> None:
        self.events: dict[str, Row] = {}
        self.tasks: dict[str, Row] = {}
        self.claims: dict[tuple[str, str], Row] = {}
        self.history: dict[str, Row] = {}

    def fold(self, *batch: Judged) -> Fold:
        """Fold a batch and keep what it writes, as the store does."""
        replayed = {one.event.id for one in batch if one.event.replay}
        done = fold(
            batch,
            State(
                decided={one for one in self.events if one not in replayed},
                earlier={one: self.events[one] for one in replayed if one in self.events},
                claims=self.claims,
                tasks={(row["scope"], row["key"]): row for row in self.tasks.values()},
            ),
            now_ms=NOW_MS + 5,
            rules_hash="h",
        )
        first = len(self.tasks) + 1
        done.number(range(first, first + len(done.new_tasks)))
        for row in done.events:
            before = self.events.get(row["id"])
            if before is None or row["replays"] > before["replays"]:
                self.events[row["id"]] = row
        for row in done.new_tasks:
            self.tasks.setdefault(row["id"], row)
        self.tasks |= {row["id"]: row for row in done.changed_tasks}
        for row in done.history:
            self.history.setdefault(row["id"], row)
        self.claims |= done.claims
        return done

    @property
    def task(self) -> Row:
        (row,) = self.tasks.values()
        return row

    def changes(self) -> list[str]:
        return [row["action"] for row in self.history.values()]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def again(of: IncomingEvent, number: int = 1, *, forced: bool = False) -> IncomingEvent:
    return of._replace(replay=number, forced=forced)


def undecided(*verdicts: Action | RuleVerdict) -> Decision:
    unclear = RuleVerdict("unclear", "shop.yaml:9", "undecided", reason=UNCLEAR)
    return decision(*verdicts, unclear, undecided=UNCLEAR)


def outcomes(row: Row) -> list[str | None]:
    return [entry["outcome"] for entry in row["decisions"]]


def did(row: Row) -> list[tuple[str, str]]:
    return [(entry["rule"], entry["action"]) for entry in row["tasks"]]


def test_what_was_undecided_is_done_and_what_was_done_is_not_done_again(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(matched(open_task(), "clear")), of))
    fixed = decision(matched(open_task(), "clear"), matched(open_task(), "unclear"))

    done = shop.fold(judged(fixed, again(of)))

    (row,) = done.events
    assert (row["status"], row["reason"], row["replays"]) == ("routed", None, 1)
    assert outcomes(row) == ["done before", "created"]
    assert did(row) == [("clear", "created"), ("unclear", "created")]
    assert [entry["number"] for entry in row["tasks"]] == [1, 2]
    assert [entry["task_id"] for entry in row["decisions"]] == [one["id"] for one in row["tasks"]]
    assert len(shop.tasks) == len(shop.history) == 2


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (open_task(), "created"),
        (open_task("k"), "created"),
        (open_task("old", on_open="count"), "counted"),
        (open_task("old", fields={"title": "New"}), "updated"),
        (complete("old"), "completed"),
        (CloseTask("cancel", complete("old").key), "cancelled"),
    ],
)
def test_nothing_is_done_twice(shop: Shop, action: OpenTask | CloseTask, change: str) -> None:
    shop.fold(judged(open_task("old")))
    of = event()
    first = shop.fold(judged(action, of))
    before = (dict(shop.tasks), dict(shop.history))

    done = shop.fold(judged(action, again(of)))

    assert did(first.events[0]) == did(done.events[0]) == [("rule 0", change)]
    assert outcomes(done.events[0]) == ["done before"]
    assert (done.events[0]["status"], done.events[0]["replays"]) == ("routed", 1)
    assert done.new_tasks == done.changed_tasks == done.history == done.deliveries == []
    assert (shop.tasks, shop.history) == before


def test_of_several_items_only_those_that_are_missing_are_done(shop: Shop) -> None:
    def counts(*items: int) -> list[RuleVerdict]:
        return [matched(open_task("k", on_open="count"), "firing", item) for item in items]

    of = event()
    shop.fold(judged(undecided(*counts(0, 2)), of))

    done = shop.fold(judged(decision(*counts(0, 1, 2, 3)), again(of)))

    assert outcomes(done.events[0]) == ["done before", "counted", "done before", "counted"]
    assert shop.task["occurrences"] == 4
    assert [entry["item"] for entry in done.events[0]["tasks"]] == [0, 2, 1, 3]


def test_a_rule_with_another_name_is_another_rule(shop: Shop) -> None:
    of = event()
    shop.fold(judged(decision(matched(open_task(), "old name")), of))

    done = shop.fold(judged(decision(matched(open_task(), "new name")), again(of)))

    assert did(done.events[0]) == [("old name", "created"), ("new name", "created")]
    assert len(shop.tasks) == 2


def test_a_rule_that_acted_does_not_act_on_another_task_in_a_replay(shop: Shop) -> None:
    of = event()
    shop.fold(judged(open_task("wrong"), of))

    done = shop.fold(judged(open_task("right"), again(of)))

    assert outcomes(done.events[0]) == ["done before"]
    assert [row["key"] for row in shop.tasks.values()] == ["wrong"]


def test_what_is_said_of_the_event_is_what_the_last_run_decided(shop: Shop) -> None:
    of = event()
    shop.fold(judged(open_task(), of))

    done = shop.fold(judged(Drop("not ours"), again(of)))

    (row,) = done.events
    assert (row["status"], row["reason"], outcomes(row)) == ("dropped", "said so", ["dropped"])
    assert did(row) == [("rule 0", "created")], "what it did once stays said"


def test_an_event_that_is_undecided_again_keeps_what_it_did(shop: Shop) -> None:
    of = event()
    for number in range(3):
        of = again(of, number)
        shop.fold(judged(undecided(matched(open_task(), "clear")), of))

    row = shop.events[of.id]
    assert (row["status"], row["code"], row["replays"]) == ("undecided", "condition", 2)
    assert did(row) == [("clear", "created")]
    assert len(shop.tasks) == 1


def test_a_replay_that_is_refused_does_nothing(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(matched(open_task("a"), "clear")), of))
    bad = RuleVerdict("bad", "shop.yaml:9", "matched", reason=UNCLEAR, refused=True)
    refused = decision(matched(open_task("a"), "clear"), matched(open_task()), bad, refused=UNCLEAR)

    done = shop.fold(judged(refused, again(of)))

    assert (done.events[0]["status"], outcomes(done.events[0])) == (
        "refused",
        [None, None, "refused"],
    )
    assert did(done.events[0]) == [("clear", "created")]
    assert done.new_tasks == []


@pytest.mark.parametrize("without", ["held", "failed"])
def test_a_replay_that_cannot_be_decided_keeps_what_was_done(shop: Shop, without: Any) -> None:
    of = event()
    shop.fold(judged(open_task(), of))

    done = shop.fold(Judged(again(of), None, without, Reason("code", "words")))

    (row,) = done.events
    assert (row["status"], row["code"], row["replays"]) == (without, "code", 1)
    assert did(row) == [("rule 0", "created")]


def test_a_replay_that_cannot_be_carried_out_fails_and_keeps_what_was_done(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(matched(open_task(), "clear")), of))
    broken = decision(
        matched(open_task(), "clear"), matched(open_task(fields={"due_at": "never"}), "broken")
    )

    done = shop.fold(judged(broken, again(of)))

    assert (done.events[0]["status"], done.events[0]["replays"]) == ("failed", 1)
    assert did(done.events[0]) == [("clear", "created")]


def test_a_replay_is_not_deduplicated_and_claims_the_key_like_any_event(shop: Shop) -> None:
    of = event()
    shop.fold(judged(deduplicated("d1", undecided=UNCLEAR), of))
    assert shop.claims == {}

    shop.fold(judged(deduplicated("d1", open_task()), again(of)))
    shop.fold(judged(deduplicated("d1", open_task()), again(of, 2)))
    later = shop.fold(judged(deduplicated("d1", open_task())))

    assert shop.events[of.id]["status"] == "routed"
    assert shop.claims["shop", "d1"]["event_id"] == of.id
    assert [(row["status"], row["duplicate_of"]) for row in later.events] == [("duplicate", of.id)]
    assert len(shop.tasks) == 1


def test_a_duplicate_that_is_forced_acts(shop: Shop) -> None:
    shop.fold(judged(deduplicated("d1", open_task())))
    second = event()
    shop.fold(judged(deduplicated("d1", open_task()), second))

    shop.fold(judged(deduplicated("d1", open_task()), again(second, forced=True)))

    row = shop.events[second.id]
    assert (row["status"], row["duplicate_of"], did(row)) == (
        "routed",
        None,
        [("rule 0", "created")],
    )
    assert len(shop.tasks) == 2


def test_a_replay_that_is_done_is_left_alone(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(), of))
    shop.fold(judged(open_task(), again(of)))

    assert shop.fold(judged([open_task(), open_task()], again(of))) == Fold()


def test_a_replay_asked_for_twice_is_done_once_also_in_one_batch(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(), of))

    done = shop.fold(judged(open_task(), again(of)), judged(open_task(), again(of)))

    assert len(done.events) == len(done.new_tasks) == len(done.history) == 1


def test_the_replay_of_an_event_that_is_forgotten_does_nothing(shop: Shop) -> None:
    assert shop.fold(judged(open_task(), again(event()))) == Fold()
    assert shop.fold(judged(open_task(), again(event(), forced=True))) == Fold()


@pytest.mark.parametrize(
    ("action", "change", "count"),
    [
        (open_task(), "created", 2),
        (open_task("k"), "updated", 1),
        (open_task("k", on_open="count"), "counted", 1),
    ],
)
def test_a_forced_replay_acts_as_if_the_event_were_new(
    shop: Shop, action: OpenTask, change: str, count: int
) -> None:
    of = event()
    shop.fold(judged(action, of))

    done = shop.fold(judged(action, again(of, forced=True)))

    assert did(done.events[0]) == [("rule 0", "created"), ("rule 0", change)]
    assert done.events[0]["tasks"][1]["replay"] == 1
    assert done.events[0]["tasks"][1]["forced"] is True
    assert len(shop.tasks) == count
    assert shop.changes() == ["created", change]


def test_a_forced_replay_opens_a_task_anew_where_that_of_its_key_is_closed(shop: Shop) -> None:
    of = event()
    shop.fold(judged(open_task("k"), of))
    shop.fold(judged(complete("k")))

    done = shop.fold(judged(open_task("k"), again(of, forced=True)))

    assert did(done.events[0])[1:] == [("rule 0", "created")]
    assert len(shop.tasks) == 2


def test_a_forced_replay_that_runs_twice_acts_once(shop: Shop) -> None:
    of = event()
    actions: Sequence[Action] = [open_task(), open_task("k", on_open="count")]
    shop.fold(judged(actions, of))
    first = shop.fold(judged(actions, again(of, forced=True)))

    second = shop.fold(judged(actions, again(of, forced=True)))

    assert len(first.new_tasks) == 1
    assert second == Fold()
    assert sorted(row["occurrences"] for row in shop.tasks.values()) == [1, 1, 2]


def test_each_forced_replay_acts_once(shop: Shop) -> None:
    of = event()
    counts = open_task("k", on_open="count")
    shop.fold(judged(counts, of))

    for number in (1, 2):
        shop.fold(judged(counts, again(of, number, forced=True)))

    assert shop.task["occurrences"] == 3
    assert shop.events[of.id]["replays"] == 2
    assert len(shop.history) == 3


def test_what_a_forced_replay_did_is_not_done_again_by_one_that_is_not(shop: Shop) -> None:
    of = event()
    shop.fold(judged(undecided(), of))
    shop.fold(judged(open_task("k", on_open="count"), again(of, forced=True)))

    done = shop.fold(judged(open_task("k", on_open="count"), again(of, 2)))

    assert outcomes(done.events[0]) == ["done before"]
    assert shop.task["occurrences"] == 1


@pytest.mark.parametrize("together", [True, False])
def test_a_forced_replay_is_not_lost_where_another_had_its_number(
    shop: Shop, *, together: bool
) -> None:
    of = event()
    counts = open_task("k", on_open="count")
    shop.fold(judged(counts, of))
    plain, forced = judged(counts, again(of)), judged(counts, again(of, forced=True))
    if together:
        shop.fold(plain, forced)
    else:
        shop.fold(plain)
        shop.fold(forced)

    assert shop.task["occurrences"] == 2
    assert shop.events[of.id]["replays"] == 2
    assert did(shop.events[of.id]) == [("rule 0", "created"), ("rule 0", "counted")]

    assert shop.fold(forced) == Fold()
    assert shop.task["occurrences"] == 2


def test_the_place_of_a_deduplication_key_that_cannot_be_had_is_said(shop: Shop) -> None:
    reason = Reason("undefined", "dedupe: body has no id", "shop.yaml:7:11")

    done = shop.fold(judged(decision(undecided=reason)))

    assert done.events[0]["reason"] == "dedupe: body has no id (shop.yaml:7:11)"
