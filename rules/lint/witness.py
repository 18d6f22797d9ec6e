"""Makes up an event that several conditions hold for, and proves it by asking them.

For each path a value is taken from what the conditions compare it with. Whether the event does what it
is meant to is then asked of the conditions themselves, so that what is returned is never wrong; where
nothing comes to mind (patterns, expressions, variables), nothing is returned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rules.compiled import Connector, Rule
from rules.conditions_tree import Leaf
from rules.decision import Event
from rules.lint.describe import value_words
from rules.lint.forms import form_of, forms_at
from rules.lint.literals import Literal, Place, grouped, place_of, ways
from rules.networks import network_of
from rules.paths import MISSING, Key, path_text
from rules.scope import Scope
from rules.values import instant, number

MAX_WAYS_TRIED: Final = 8

_ROOTS: Final = frozenset({"body", "headers", "query", "event", "vars", "item"})
_EVENT_KEYS: Final = frozenset({"type", "delivery_id"})
_ANYTHING: Final[Sequence[Any]] = ("x", "1", 1, 0, True, False, None, [], {}, 1.5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN: Final = 4
_MAX_ITEMS: Final = 100


def witness(connector: Connector, rules: Sequence[Rule]) -> str | None:
    """Return the words for an event that all the rules match; None if none was found.

    The rules go through the same list, or through none.
    """
    several = ways([(rule.when, True) for rule in rules])
    for way in (several or ())[:MAX_WAYS_TRIED]:
        chosen = _chosen(way)
        if chosen is None:
            continue
        scope = _scope(connector, rules[0], chosen)
        if scope is not None and all(rule.when is None or rule.when.test(scope) for rule in rules):
            return _words(chosen)
    return None


def _chosen(way: Sequence[Literal]) -> dict[Place, Any] | None:
    """Return a value for each path; None if no value was found for one."""
    chosen: dict[Place, Any] = {}
    for place, literals in grouped(way).items():
        forms = forms_at(place)
        tried = (*_ideas(literals), *_ANYTHING, MISSING)
        fitting = (
            value
            for value in tried
            if (value is MISSING or form_of(value) in forms)
            and all(one.holds(value) for one in literals)
        )
        try:
            chosen[place] = next(fitting)
        except StopIteration:
            return None
    return chosen


def _ideas(literals: Sequence[Literal]) -> Iterator[Any]:
    """Give values that literals may hold for, those that are asked for by name first."""
    leaves = [one.leaf for one in literals if isinstance(one.leaf, Leaf)]
    for leaf in sorted(leaves, key=lambda leaf: leaf.operator.name not in {"eq", "in"}):
        yield from _ideas_of(leaf)
    starts = [leaf.expected for leaf in leaves if leaf.operator.name == "starts_with"]
    ends = [leaf.expected for leaf in leaves if leaf.operator.name == "ends_with"]
    for start in starts or [""]:
        yield from (f"{start}{end}" for end in ends)
        yield from (f"{start}x{end}" for end in ends or [""])
    members = [leaf.expected for leaf in leaves if leaf.operator.name == "has"]
    if members:
        yield members


def _ideas_of(leaf: Leaf) -> Iterator[Any]:
    name, expected = leaf.operator.name, leaf.expected
    if name in {"in", "not_in"}:
        yield from expected
    elif name == "cidr":
        ranges = expected if isinstance(expected, list) else [expected]
        yield from (str(network_of(each).network_address) for each in ranges)
    elif name == "between_times":
        yield expected[0]
    elif name in {"gt", "gte", "lt", "lte"}:
        yield from _near(expected)
    else:
        yield expected
    if name == "has":
        yield [expected]


def _near(bound: Any) -> Iterator[Any]:
    """Give a bound, what is just above it and what is just below."""
    read = number(bound)
    if read is not None:
        yield from (read, str(bound), read + 1, read - 1, str(read + 1), str(read - 1))
        return
    seconds = instant(bound)
    yield bound
    for shift in (1, -1):
        with suppress(OverflowError):
            moment = _EPOCH + timedelta(seconds=int(seconds or 0) + shift)
            yield moment.isoformat().replace("+00:00", "Z")


def _scope(connector: Connector, rule: Rule, chosen: Mapping[Place, Any]) -> Scope | None:
    """Return what rules see of the event that has the chosen values; None if there is no such event."""
    if any(root not in _ROOTS for root, _ in chosen):
        return None
    roots: dict[str, Any] = {"headers": {}, "query": {}, "event": {}}
    ordered = sorted(chosen.items(), key=lambda each: len(each[0][1]))
    for (root, keys), value in ordered:
        if value is not MISSING and root != "vars":
            roots[root] = _put(roots.get(root, MISSING), keys, value)
    item = roots.pop("item", None)
    if rule.for_each is not None:
        root, keys = place_of(rule.for_each)
        roots[root] = _put(roots.get(root, MISSING), keys, [item]) if root == "body" else MISSING
    if any(value is MISSING for value in roots.values()) or roots["event"].keys() - _EVENT_KEYS:
        return None
    event = Event(
        id="",
        connector=connector.name,
        received_at="2026-01-05T09:00:00.000Z",
        source=connector.source,
        type=roots["event"].get("type"),
        delivery_id=roots["event"].get("delivery_id"),
        headers=roots["headers"],
        query=roots["query"],
        body=roots.get("body"),
    )
    scope = Scope.of_event(event, connector.vars)
    return scope if rule.for_each is None else scope.with_item(item)


def _put(container: Any, keys: tuple[Key, ...], value: Any) -> Any:
    """Return a container with a value at the end of a path; MISSING if it cannot have one there."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, str):
        held = {} if container is MISSING else container
        if not isinstance(held, dict):
            return MISSING
        inner = _put(held.get(key, MISSING), tuple(rest), value)
        return MISSING if inner is MISSING else {**held, key: inner}
    held = [] if container is MISSING else container
    size = key + 1 if key >= 0 else -key
    if not isinstance(held, list) or size > _MAX_ITEMS:
        return MISSING
    items = [*held, *[None] * (size - len(held))]
    inner = _put(items[key] if items[key] is not None else MISSING, tuple(rest), value)
    if inner is MISSING:
        return MISSING
    items[key] = inner
    return items


def _words(chosen: Mapping[Place, Any]) -> str:
    """Return what the event is like, in a few words."""
    words = []
    for (root, keys), value in list(chosen.items())[:_SHOWN]:
        path = path_text(root, keys)
        name = "event" if path == "event.type" else path
        is_what = "is not there" if value is MISSING else f"is {value_words(value, path)}"
        words.append(f"`{name}` {is_what}")
    return " and ".join(words) or "anything is sent"
