"""What becomes of an event: duplicates (U), outcomes (R), and one that spoils nothing (P5)."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Drop, Reason, RuleVerdict, Step
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
from workers.apply import Fold, Judged, State, claim_keys, fold, scopes, task_keys

HOUR_MS = 3_600_000


def run(*batch: Judged, state: State | None = None, **given: Any) -> Fold:
    done = fold(batch, state or State(), now_ms=NOW_MS, rules_hash="h", **given)
    done.number(range(1, len(done.new_tasks) + 1))
    return done


def held_claims(done: Fold) -> State:
    return State(claims=done.claims)


def statuses(done: Fold) -> list[str]:
    return [row["status"] for row in done.events]


def test_an_event_that_has_its_outcome_is_left_alone() -> None:
    of = event()

    done = run(judged(open_task(), of), state=State(decided={of.id}))

    assert done == Fold()


def test_an_event_that_comes_twice_in_a_batch_is_decided_once() -> None:
    of = event()

    done = run(judged(open_task(), of), judged(open_task(), of))

    assert len(done.events) == len(done.new_tasks) == 1


def test_a_duplicate_within_the_window_has_no_effect_and_names_the_first() -> None:
    first = event()
    claimed = run(judged(deduplicated("d1", open_task()), first))

    second = run(
        judged(deduplicated("d1", open_task()), received_ms=NOW_MS + HOUR_MS),
        state=held_claims(claimed),
    )

    assert statuses(second) == ["duplicate"]
    assert second.events[0]["duplicate_of"] == first.id
    assert second.events[0]["decisions"] == []
    assert second.new_tasks == []
    assert second.claims == {}


def test_after_the_window_the_key_acts_and_claims_again() -> None:
    claimed = run(judged(deduplicated("d1", open_task())))
    later = event(received_ms=NOW_MS + HOUR_MS + 1)

    done = run(judged(deduplicated("d1", open_task()), later), state=held_claims(claimed))

    assert statuses(done) == ["routed"]
    assert done.claims["shop", "d1"]["event_id"] == later.id


def test_the_window_is_fixed_from_the_first_sighting() -> None:
    batch = [
        judged(deduplicated("d1", open_task()), received_ms=NOW_MS + offset)
        for offset in (0, HOUR_MS - 1, HOUR_MS + 1)
    ]

    assert statuses(run(*batch)) == ["routed", "duplicate", "routed"]


def test_an_event_from_long_before_a_claim_is_no_duplicate_and_leaves_the_claim() -> None:
    claimed = run(judged(deduplicated("d1", open_task())))

    done = run(
        judged(deduplicated("d1", open_task()), received_ms=NOW_MS - HOUR_MS - 1),
        state=held_claims(claimed),
    )

    assert statuses(done) == ["routed"]
    assert done.claims == {}


def test_duplicates_inside_one_batch_are_seen() -> None:
    first = event()
    done = run(
        judged(deduplicated("d1", open_task()), first),
        judged(deduplicated("d1", open_task())),
        judged(deduplicated("d2", open_task())),
    )

    assert statuses(done) == ["routed", "duplicate", "routed"]
    assert done.events[1]["duplicate_of"] == first.id


def test_a_key_is_claimed_for_its_connector_alone() -> None:
    done = run(
        judged(deduplicated("d1", open_task()), connector="shop"),
        judged(deduplicated("d1", open_task()), connector="store"),
    )

    assert statuses(done) == ["routed", "routed"]


def test_an_event_is_no_duplicate_of_itself() -> None:
    of = event()
    claimed = run(judged(deduplicated("d1", open_task()), of))

    done = run(judged(deduplicated("d1", open_task()), of), state=held_claims(claimed))

    assert statuses(done) == ["routed"]


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (deduplicated("d1", open_task()), "routed"),
        (deduplicated("d1", Drop("enough")), "dropped"),
        (deduplicated("d1", undecided=Reason("u", "unclear")), "undecided"),
        (deduplicated("d1", open_task(), undecided=Reason("u", "unclear")), "undecided"),
        (deduplicated("d1", refused=Reason("r", "blank title")), "refused"),
    ],
)
def test_only_routed_and_dropped_claim_the_key(what: Any, status: str) -> None:
    done = run(judged(what))

    assert statuses(done) == [status]
    assert bool(done.claims) == (status in {"routed", "dropped"})


def test_a_failed_event_claims_nothing() -> None:
    done = run(judged(deduplicated("d1", open_task(fields={"due_at": "never"}))))

    assert statuses(done) == ["failed"]
    assert done.claims == {}


def test_a_task_makes_the_event_routed() -> None:
    row = run(judged(open_task())).events[0]

    assert (row["status"], row["reason"], row["code"]) == ("routed", None, None)
    assert row["rules_hash"] == "h"
    assert row["decided_ms"] == NOW_MS
    assert [(entry["action"], entry["number"], entry["rule"]) for entry in row["tasks"]] == [
        ("created", 1, "rule 0")
    ]


def test_without_a_matching_rule_the_event_is_dropped() -> None:
    given = run(judged(decision(dropped=Reason("no-rule-matched", "no rule matched"))))
    bare = run(judged(decision()))

    for done in (given, bare):
        assert (done.events[0]["status"], done.events[0]["reason"]) == (
            "dropped",
            "no rule matched",
        )


def test_a_drop_beside_a_task_is_noted_and_the_task_is_done() -> None:
    row = run(judged([Drop("not ours"), open_task()])).events[0]

    assert row["status"] == "routed"
    assert [entry["outcome"] for entry in row["decisions"]] == ["dropped", "created"]


def test_what_is_decided_is_done_beside_an_undecided_rule() -> None:
    reason = Reason("not-comparable", "abc is no number", "shop.yaml:9:3")
    unclear = RuleVerdict("unclear", "shop.yaml:9", "undecided", reason=reason)

    done = run(judged(decision(matched(open_task()), unclear, undecided=reason)))

    row = done.events[0]
    assert (row["status"], row["code"]) == ("undecided", "not-comparable")
    assert len(done.new_tasks) == len(row["tasks"]) == 1
    assert row["decisions"][1]["reason"]["message"] == "abc is no number"


def test_a_refusal_does_nothing_of_the_event() -> None:
    reason = Reason("blank-title", "the title is blank")
    bad = RuleVerdict("bad", "shop.yaml:9", "matched", reason=reason, refused=True)

    done = run(judged(decision(matched(open_task()), bad, refused=reason)))

    assert (done.events[0]["status"], done.events[0]["reason"]) == ("refused", "the title is blank")
    assert done.new_tasks == done.history == done.deliveries == []
    assert [entry["outcome"] for entry in done.events[0]["decisions"]] == [None, "refused"]


def test_an_event_without_a_connector_is_held() -> None:
    judgement = Judged(event(), None, "held", Reason("no-connector", "there is no connector shop"))

    row = run(judgement).events[0]

    assert (row["status"], row["code"]) == ("held", "no-connector")


def test_the_trace_is_kept() -> None:
    step = Step("body.total gte 500", "matched", 500, 640, "shop.yaml:5")
    verdict = RuleVerdict("big", "shop.yaml:4", "matched", action=open_task(), why=(step,))

    entry = run(judged(decision(verdict))).events[0]["decisions"][0]

    assert entry["why"] == [
        {
            "text": "body.total gte 500",
            "verdict": "matched",
            "expected": 500,
            "found": 640,
            "at": "shop.yaml:5",
            "reason": None,
            "depth": 0,
        }
    ]
    assert entry["at"] == "shop.yaml:4"


def test_a_shadow_rule_is_recorded_and_has_no_effect() -> None:
    done = run(judged(decision(shadow=(matched(open_task(), "trial"), matched(complete("a"))))))

    assert done.new_tasks == []
    assert done.events[0]["shadow"] == [
        {"rule": "trial", "action": "task", "fields": {"title": "Look into it"}},
        {"rule": "rule", "action": "complete", "fields": {"key": "a"}},
    ]


def test_an_event_that_goes_wrong_spoils_no_other() -> None:
    batch = [
        judged(deduplicated("d1", open_task("a"))),
        judged([open_task("b"), open_task("a", fields={"due_at": "never"})]),
        judged(open_task("a", on_open="count")),
    ]

    done = run(*batch)

    assert statuses(done) == ["routed", "failed", "routed"]
    assert done.events[1]["code"] == "internal"
    assert "due_at" in done.events[1]["reason"]
    assert done.events[1]["tasks"] == []
    assert [row["key"] for row in done.new_tasks] == ["a"]
    assert done.new_tasks[0]["occurrences"] == 2


def test_what_a_batch_touches_is_known_before_it_is_folded() -> None:
    batch = [
        judged(deduplicated("d1", open_task("a"), complete("b", shared="s"))),
        judged(open_task(), connector="store"),
        Judged(event("gone"), None, "held"),
    ]

    assert scopes(batch) == {"shop", "store", "shared:s", "gone"}
    assert claim_keys(batch) == {("shop", "d1")}
    assert task_keys(batch) == {("shop", "a"), ("shared:s", "b")}
