"""Deciding is total and deterministic, and the index never changes a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import plan as plan_module
from rules.compiled import CloseAction, Connector, ContactSource, DropAction, Rule, RuleAction
from rules.decision import Decision
from rules.plan import decide
from rules.problems import Report
from rules.routing import Routing
from rules.template import Value, compile_text
from tests.support.rule_files import rule_set
from tests.support.rule_parts import ITEM_SPEC, SPAN, connector, event, rule, task
from tests.support.rule_values import conditions, json_values, templates

BODIES = st.one_of(
    json_values, st.fixed_dictionaries({}, optional=dict.fromkeys("abc", json_values))
)
EVENTS = st.builds(
    event,
    BODIES,
    type=st.sampled_from([None, "a", "b", ""]),
    headers=st.dictionaries(st.sampled_from(["a", "x-a"]), st.text(max_size=3), max_size=2),
)


def _value(source: str) -> Value:
    return compile_text(source, SPAN, Report(), ITEM_SPEC)


VALUES = templates.map(_value)
TASKS = st.builds(
    lambda title, key, version, fields: replace(
        task(), fields={"title": title, **fields}, key=key, version=version
    ),
    VALUES,
    st.one_of(st.none(), VALUES),
    st.one_of(st.none(), VALUES),
    st.dictionaries(
        st.sampled_from(
            ["description", "labels", "due", "due_time", "custom", "links", "reminder", "timezone"]
        ),
        VALUES,
        max_size=3,
    ),
)
ACTIONS: st.SearchStrategy[RuleAction] = st.one_of(
    TASKS,
    st.builds(lambda key, note: CloseAction("complete", key, note=note), VALUES, VALUES),
    st.builds(DropAction, VALUES),
)
RULES = st.builds(
    lambda when, action, for_each, mode: rule("r", when, action, for_each=for_each, mode=mode),
    st.one_of(st.none(), conditions),
    ACTIONS,
    st.sampled_from([None, None, "body", "body.a", "body.b"]),
    st.sampled_from(["live", "live", "live", "shadow", "off"]),
)


ROUTING = rule_set(
    """\
    directory:
      clients: {a: {domains: [x]}, c: }
      projects: {p: {client: a, assignees: [b]}, q: {client: c}}
      routing:
        - {when: {contact.name: {gte: 5}}, set: {client: c}}
        - {when: {contact.email: {has: a}}, set: {project: q, assignees: []}}
        - {set: {project: p}}
    """
).directory.routing
CONTACTS = st.builds(
    lambda email, name, unknown: ContactSource({"email": email, "name": name}, unknown),
    st.one_of(VALUES, st.sampled_from(["a@x", "b@y", " "]).map(_value)),
    VALUES,
    st.sampled_from(["reject", "create", "connector"]),
)


def _connector(
    rules: list[Rule],
    match: Any,
    otherwise: Any,
    dedupe: Any,
    contact: ContactSource | None,
    routing: Routing,
) -> Connector:
    named = [replace(one, name=f"r{number}") for number, one in enumerate(rules)]
    last = None if otherwise is None else Rule("otherwise", "rules.yaml:9", otherwise)
    return connector(
        *named, match=match, otherwise=last, dedupe=dedupe, contact=contact, routing=routing
    )


CONNECTORS = st.builds(
    _connector,
    st.lists(RULES, max_size=6),
    st.sampled_from(["all", "first"]),
    st.one_of(st.none(), ACTIONS),
    st.one_of(st.none(), VALUES),
    st.one_of(st.none(), CONTACTS),
    st.sampled_from([Routing(), ROUTING]),
)


@given(CONNECTORS, EVENTS)
def test_a_decision_is_always_made_and_always_the_same(shop: Connector, seen: Any) -> None:
    decision = decide(shop, seen)
    assert decision == decide(shop, seen)
    for verdict in (*decision.verdicts, *decision.shadow):
        assert (verdict.verdict == "undecided") <= (verdict.reason is not None)
        assert (verdict.action is not None) == (
            verdict.verdict == "matched" and not verdict.refused
        )
        assert verdict.reason is None or verdict.reason.code != "internal"
    done = bool(decision.actions or decision.undecided or decision.refused)
    assert done is (decision.dropped is None)


def _but_not(decision: Decision) -> Decision:
    return decision._replace(
        verdicts=tuple(v for v in decision.verdicts if v.verdict != "not"),
        shadow=tuple(v for v in decision.shadow if v.verdict != "not"),
    )


@given(CONNECTORS, EVENTS)
def test_the_index_never_changes_a_decision(shop: Connector, seen: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_module, "ASK_ALL", 10**9)
        everything = decide(shop, seen)
        patch.setattr(plan_module, "ASK_ALL", -1)
        indexed = decide(shop, seen)
    assert _but_not(indexed) == _but_not(everything)
