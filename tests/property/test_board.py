"""Whatever the order, the repeats and the batches: one open task a key, and the newest version counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.decision import Action, CloseTask, OpenTask, TaskKey
from tests.support.judging import NOW_MS, decision, event
from tests.support.memory import Memory
from workers.apply import Judged

WEEK_MS = 7 * 86_400_000


def _split(batch: Sequence[Judged], cuts: Sequence[int]) -> list[Sequence[Judged]]:
    """Cut a sequence into batches."""
    places = sorted({0, len(batch), *(cut % (len(batch) + 1) for cut in cuts)})
    return [batch[start:end] for start, end in pairwise(places)]


CUTS = st.lists(st.integers(0, 40), max_size=6)

VERSIONS = {
    "numbers": lambda rank: str(rank * 7),
    "fractions": lambda rank: f"{rank * 0.7:.2f}" if rank % 2 else f"{rank * 0.7:.1f}",
    "instants": lambda rank: (
        f"2026-01-0{rank}T23:30:00Z" if rank % 2 else f"2026-01-0{rank}T20:30:00-03:00"
    ),
    "texts": lambda rank: f"v{rank}",
}


@dataclass(frozen=True)
class Step:
    """What a sender says of a thing at one of its versions."""

    how: str
    rank: int
    received_ms: int


@dataclass(frozen=True)
class Sender:
    """A sender that gives each version a content of its own, and the rule for its events."""

    kind: str
    on_open: Any
    on_closed: Any

    def version(self, rank: int) -> str:
        return VERSIONS[self.kind](rank)

    def judged(self, step: Step) -> Judged:
        action: Action
        if step.how == "open":
            fields = {"title": f"as of {step.rank}"}
            key, version = TaskKey("k"), self.version(step.rank)
            action = OpenTask(fields, key, version, self.on_open, self.on_closed)
        elif step.how == "complete":
            action = CloseTask("complete", TaskKey("k"), self.version(step.rank))
        else:
            action = CloseTask("cancel", TaskKey("k"), self.version(step.rank))
        return Judged(event(received_ms=step.received_ms), decision(action))


SENDERS = st.builds(
    Sender,
    st.sampled_from(list(VERSIONS)),
    st.sampled_from(["update", "count"]),
    st.sampled_from(["reopen", "new"]),
)
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["open", "complete", "open", "cancel"]),
        st.integers(1, 3),
        st.sampled_from([NOW_MS, NOW_MS + 1, NOW_MS + WEEK_MS]),
    ),
    min_size=1,
    max_size=12,
)


@given(SENDERS, STEPS, CUTS, st.lists(st.integers(0, 11), max_size=4))
def test_the_newest_version_counts_whatever_the_order_of_arrival(
    sender: Sender, steps: list[Step], cuts: list[int], again: list[int]
) -> None:
    """Holds for what a sender gives versions of one kind, under all policies but `ignore`.

    Whether there is an open task, its version and, if rules update, what it says are those of the
    delivery in order. Closed tasks may be fewer: what is over before it was heard of makes none.
    """
    events = [sender.judged(step) for step in steps]
    store = Memory()
    repeated = events + [events[number % len(events)] for number in again]
    for batch in _split(repeated, cuts):
        store.route(*batch)

    in_order = Memory()
    for step in sorted(steps, key=lambda step: (step.rank, step.how != "open")):
        in_order.route(sender.judged(Step(step.how, step.rank, NOW_MS)))

    newest = max(step.rank for step in steps)
    is_over = any(step.rank == newest and step.how != "open" for step in steps)
    assert len(store.open_tasks()) == len(in_order.open_tasks()) == (0 if is_over else 1)
    for mine, other in zip(store.open_tasks(), in_order.open_tasks(), strict=True):
        assert mine["source"]["version"] == other["source"]["version"] == sender.version(newest)
        if sender.on_open == "update":
            assert mine["title"] == other["title"] == f"as of {newest}"


KEYS = st.builds(TaskKey, st.sampled_from(["a", "b"]), st.sampled_from([None, None, ""]))
ANY_VERSION = st.sampled_from([None, "1", "2", "10", "2026-01-02T00:00:00Z", "x"])
SPANS = st.sampled_from([60, 3_600, 7 * 86_400])


def _opening(*given: Any, update: Any) -> OpenTask:
    return OpenTask(*given)._replace(update=update)


ACTIONS: st.SearchStrategy[Action] = st.one_of(
    st.builds(
        _opening,
        st.fixed_dictionaries(
            {"title": st.sampled_from(["x", "y"])},
            optional={"labels": st.just(["l"]), "custom": st.sampled_from([{"a": 1}, {"b": 2}])},
        ),
        st.one_of(KEYS, st.none()),
        ANY_VERSION,
        st.sampled_from(["update", "count", "ignore"]),
        st.sampled_from(["reopen", "new", "ignore"]),
        SPANS,
        st.sampled_from([(), ("crm",), ("ops", "crm")]),
        update=st.sampled_from(["unless_edited", "always"]),
    ),
    st.builds(
        CloseTask, st.sampled_from(["complete", "cancel"]), KEYS, ANY_VERSION, st.none(), SPANS
    ),
)
EVENTS = st.lists(
    st.builds(
        lambda connector, received_ms, actions: Judged(
            event(connector, received_ms=received_ms), decision(*actions)
        ),
        st.sampled_from(["shop", "store"]),
        st.sampled_from([NOW_MS, NOW_MS + 1, NOW_MS + 60_000, NOW_MS + 60_001, NOW_MS + WEEK_MS]),
        st.lists(ACTIONS, min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=10,
)


@given(EVENTS, CUTS, st.lists(st.integers(0, 9), max_size=3))
def test_how_events_are_batched_and_repeated_changes_nothing(
    events: list[Judged], cuts: list[int], again: list[int]
) -> None:
    one_by_one = Memory()
    for judged in events:
        one_by_one.route(judged)

    batched = Memory()
    repeated = events + [events[number % len(events)] for number in again]
    for batch in _split(repeated, cuts):
        batched.route(*batch)

    assert batched.tasks == one_by_one.tasks
    assert batched.events == one_by_one.events
    assert batched.history == one_by_one.history
    assert batched.closings == one_by_one.closings
    assert batched.wanted == one_by_one.wanted
