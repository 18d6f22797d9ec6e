"""What is warned of is so: rules said never to match or to be reached are not, whatever an event holds.

The values of conditions and of events come from one small pool, so that they meet often.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.compiled import CloseAction, TaskAction
from rules.conditions_tree import Leaf
from rules.decision import Decision, Event
from rules.lint.forms import form_of, forms_of, values_of
from rules.lint.never import dead_parts
from rules.loader import load_texts
from rules.plan import decide
from rules.scope import RenderError, Scope
from rules.template import Value
from rules.values import json_equal, json_text
from tests.support.catalogues import catalogues
from tests.support.rule_parts import condition, event, scope
from tests.support.rule_values import json_values, leaves

CATALOGUES = catalogues()
TEXTS = ["a", "ab", "b", "5", "6.0", "09:30", "10.0.0.1", "2026-01-01T00:00:00Z"]
SCALARS = st.sampled_from([*TEXTS, 5, 6, True, False, None])
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), SCALARS, max_size=2),
)
LISTS = st.lists(SCALARS, min_size=1, max_size=3)
RANGES = st.sampled_from(["10.0.0.0/8", "10.0.0.0/31", "11.0.0.0/8", "::/0"])
TESTS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda value: {"eq": value}, VALUES),
    st.builds(lambda value: {"ne": value}, SCALARS),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["in", "not_in"]), LISTS),
    st.builds(
        lambda name, value: {name: value},
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.sampled_from([5, "6", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"]),
    ),
    st.builds(lambda value: {"has": value}, SCALARS),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["has_any", "has_all"]), LISTS),
    st.builds(
        lambda name, value: {name: value},
        st.sampled_from(["starts_with", "ends_with", "matches"]),
        st.sampled_from(["a", "ab", "b", "5"]),
    ),
    st.builds(lambda value: {"exists": value}, st.booleans()),
    st.builds(
        lambda value: {"type": value},
        st.sampled_from(["string", "number", "integer", "boolean", "array", "object", None]),
    ),
    st.builds(lambda value: {"cidr": value}, st.one_of(RANGES, st.lists(RANGES, min_size=1))),
    st.builds(
        lambda value: {"between_times": value},
        st.sampled_from([["09:00", "10:00"], ["10:00", "09:00"], ["09:30", "09:31"]]),
    ),
)
PATHS = st.sampled_from(
    [
        "body.a",
        "body.a",
        "body.b",
        "body.a.b",
        "body.a[0]",
        "event",
        "headers.X-A",
        "query.a",
        "item",
    ]
)
ONE = st.builds(lambda path, tests: {path: tests}, PATHS, TESTS)
CONDITIONS: st.SearchStrategy[Any] = st.recursive(
    ONE,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)
BODIES = st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES})
EVENTS = st.builds(
    lambda body, kind, header, query: event(
        body,
        type=kind,
        headers={} if header is None else {"x-a": header},
        query={} if query is None else {"a": query},
    ),
    st.one_of(BODIES, BODIES, VALUES),
    *([st.sampled_from([None, *TEXTS])] * 3),
)
SEVERAL = st.lists(EVENTS, min_size=10, max_size=30)


def _rule(number: int, when: Any, loop: str | None, mode: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": f"r{number}", "mode": mode, "drop": "x"}
    if when is not None and (loop is not None or "item" not in json.dumps(when)):
        rule["when"] = when
    return rule if loop is None else {**rule, "for_each": loop}


@st.composite
def connectors(draw: st.DrawFn) -> str:
    """Give the text of a connector; some conditions are an earlier one with something more."""
    conditions: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        when = draw(st.one_of(CONDITIONS, CONDITIONS, st.none()))
        if when is not None and conditions and conditions[-1] is not None and draw(st.booleans()):
            when = {"all": [conditions[-1], when]}
        conditions.append(when)
    rules = [
        _rule(
            number,
            when,
            draw(st.sampled_from([None, None, "body.a", "body.b", "query.a"])),
            draw(st.sampled_from(["live", "live", "live", "shadow"])),
        )
        for number, when in enumerate(conditions)
    ]
    return json_text(
        {
            "connector": "shop",
            "source": "none",
            "dedupe": "off",
            "match": draw(st.sampled_from(["first", "first", "all"])),
            "rules": rules,
            "otherwise": {"drop": "x"},
        }
    )


def _named(message: str, words: str) -> str | None:
    found = re.match(rf"the rule `(r\d)` {words}|`(otherwise)` {words}", message)
    return None if found is None else found[1] or found[2]


def _matched(decision: Decision) -> set[str]:
    verdicts = (*decision.verdicts, *decision.shadow)
    return {one.rule for one in verdicts if one.verdict == "matched"}


@given(connectors(), SEVERAL)
def test_a_rule_said_never_to_match_or_to_be_reached_never_matches(
    text: str, events: list[Event]
) -> None:
    loaded = load_texts({"a.yaml": text}, CATALOGUES)
    assert loaded.rule_set is not None, [one.message for one in loaded.problems]
    messages = [one.message for one in loaded.problems]
    never = {name for one in messages if (name := _named(one, "never matches"))}
    behind = {name for one in messages if (name := _named(one, "is never reached"))}
    shop = loaded.rule_set.connectors["shop"]
    for seen in events if never | behind else ():
        decision = decide(shop, seen)
        assert not _matched(decision) & (never | behind)
        assert not {one.rule for one in decision.verdicts} & behind & {"otherwise"}


@given(CONDITIONS, st.lists(st.tuples(EVENTS, VALUES), min_size=10, max_size=30))
def test_a_part_said_never_to_hold_does_not_where_the_rule_matches(
    when: Any, seen: list[tuple[Event, Any]]
) -> None:
    whole = condition(json_text(when))
    for part in dead_parts(whole, None):
        for one, item in seen:
            names = Scope.of_event(one, {}).with_item(item)
            assert not (whole.test(names) and part.condition.test(names))


def _leaf(text: str) -> Leaf | None:
    compiled = condition(text)
    return compiled if isinstance(compiled, Leaf) else None


@given(
    st.one_of(leaves, st.builds(lambda tests: json_text({"body.a": tests}), TESTS)),
    st.one_of(json_values, VALUES),
)
def test_an_operator_says_yes_or_no_of_the_forms_and_values_it_is_known_for(
    text: str, value: Any
) -> None:
    leaf = _leaf(text)
    answer = None if leaf is None else leaf.answer(value)
    if leaf is None or answer is None or leaf.operator.name == "exists":
        return
    assert form_of(value) in forms_of(leaf, answer)
    values = values_of(leaf, answer)
    assert values is None or any(json_equal(value, one) for one in values)


KEYS = st.sampled_from(
    [
        "a",
        "ab",
        "a-{{ body.a }}",
        "{{ body.a }}-a",
        "a{{ body.a }}a",
        "{{ body.b }}",
        "{{ body.a | string }}b",
    ]
)


def _key(value: Value, body: Any) -> str | None:
    try:
        return str(value.render(scope(body)))
    except RenderError:
        return None


@given(KEYS, KEYS, st.lists(st.fixed_dictionaries({"a": st.sampled_from(["", "a", "b", "-a"]), "b": st.sampled_from(["a", "ab", "a-a"])}), min_size=2))  # fmt: skip
def test_a_key_said_to_be_opened_by_no_rule_is_that_of_no_task(
    opened: str, closed: str, bodies: list[Any]
) -> None:
    rules = [
        {"name": "one", "task": {"title": "x", "key": opened}},
        {"name": "two", "complete": {"key": closed}},
    ]
    text = json_text({"connector": "shop", "source": "none", "dedupe": "off", "rules": rules})
    loaded = load_texts({"a.yaml": text}, CATALOGUES)
    assert loaded.rule_set is not None
    one, two = (rule.action for rule in loaded.rule_set.connectors["shop"].rules)
    assert isinstance(one, TaskAction)
    assert isinstance(two, CloseAction)
    assert one.key is not None
    if any(problem.code == "R073" for problem in loaded.problems):
        theirs = {_key(one.key, body) for body in bodies} - {None}
        assert not theirs & {_key(two.key, body) for body in bodies}
