"""Compares what a test expects with what there is, field by field.

Mappings are compared partly: what is not named may be anything. Lists are compared exactly, texts to
the letter, numbers by value. `null` is met by null and by nothing. `{matches: …}` is a pattern for a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules.document import Node
from rules.filters_text import compiled_pattern
from rules.models_tests import MATCHES, is_pattern
from rules.problems import Span, did_you_mean
from rules.values import json_equal, json_text, number, storable, type_name

_MOST: Final = 100
_BEFORE: Final = 20
"""How much of a long text is shown before the place where it differs."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as expected.

    `path` says what of (`task.due_date`), `span` where the expectation stands. `rules` names rules
    that were expected to match and did not.
    """

    path: str
    span: Span
    expected: str
    found: str
    hint: str | None = None
    rules: tuple[str, ...] = ()


def differences(expected: Node, found: Any, path: str) -> Iterator[Difference]:
    """Give each difference between what a node expects and what was found."""
    if is_pattern(expected.value) and not isinstance(found, Mapping):
        if not matches(expected.value, found):
            yield Difference(
                path, expected.span, f"matches {shown(expected.value[MATCHES])}", shown(found)
            )
    elif expected.kind == "mapping" and isinstance(found, Mapping):
        yield from _of_mapping(expected, found, path)
    elif expected.kind == "sequence" and isinstance(found, list):
        yield from _of_list(expected, found, path)
    elif not json_equal(expected.value, found):
        yield difference(expected, found, path)


def difference(expected: Node, found: Any, path: str) -> Difference:
    """Return that something is not what a node expects."""
    ours, theirs = expected.value, found
    if isinstance(ours, str) and isinstance(theirs, str):
        return Difference(path, expected.span, *_around(ours, theirs))
    return Difference(path, expected.span, shown(ours), shown(theirs), _type_hint(ours, theirs))


def matches(expected: Any, found: Any) -> bool:
    """Tell whether a text, or a pattern for one, is met."""
    if is_pattern(expected):
        pattern = compiled_pattern(expected[MATCHES])
        return isinstance(found, str) and pattern.search(storable(found)) is not None
    return json_equal(expected, found)


def shown(value: Any) -> str:
    """Return a value as differences show it: as JSON, a long one cut."""
    words = json_text(value)
    return words if len(words) <= _MOST else f"{words[: _MOST - 1]}…"


def _of_mapping(expected: Node, found: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for name, inner in expected.pairs():
        inner_path = f"{path}.{name}" if path else name
        if name in found:
            yield from differences(inner, found[name], inner_path)
        elif inner.value is not None:
            hint = did_you_mean(name, found)
            yield Difference(inner_path, inner.span, shown(inner.value), "nothing", hint)


def _of_list(expected: Node, found: list[Any], path: str) -> Iterator[Difference]:
    """Compare member by member where there are mappings; lists of texts read better whole."""
    if len(expected.items) != len(found) or not any(isinstance(each, dict) for each in found):
        pairs = zip(expected.items, found, strict=False)
        if len(expected.items) != len(found) or any(_differ(*pair) for pair in pairs):
            yield Difference(path, expected.span, shown(expected.value), shown(found))
        return
    for position, (inner, each) in enumerate(zip(expected.items, found, strict=True)):
        yield from differences(inner, each, f"{path}[{position}]")


def _differ(expected: Node, found: Any) -> bool:
    return next(differences(expected, found, ""), None) is not None


def _type_hint(expected: Any, found: Any) -> str | None:
    """Say so where only the type differs (decision C5)."""
    if isinstance(found, str) and not isinstance(expected, str):
        same = json_text(expected) == found or (
            type_name(expected) == "number" and number(expected) == number(found)
        )
        return "only the type differs: it is a text, put it in quotes" if same else None
    if isinstance(expected, str) and not isinstance(found, str):
        same = json_text(found) == expected or (
            type_name(found) == "number" and number(expected) == number(found)
        )
        kind = type_name(found)
        return f"only the type differs: it is a {kind}, write it without quotes" if same else None
    return None


def _around(expected: str, found: str) -> tuple[str, str, str | None]:
    """Return two texts as they are shown, and where they differ; long ones from just before that."""
    ours, theirs = json_text(expected), json_text(found)
    if max(len(ours), len(theirs)) <= _MOST:
        return ours, theirs, _blank_hint(expected, found)
    pairs = zip(expected, found, strict=False)
    same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(found)))
    start = max(same - _BEFORE, 0)
    return (
        _window(expected, start),
        _window(found, start),
        f"they differ from character {same + 1} on",
    )


def _window(words: str, start: int) -> str:
    part = json_text(words[start : start + _MOST])
    return f"{'…' if start else ''}{part}{'…' if len(words) > start + _MOST else ''}"


def _blank_hint(expected: str, found: str) -> str | None:
    if expected.split() == found.split():
        return "only blanks or line breaks differ"
    return "only upper and lower case differ" if expected.casefold() == found.casefold() else None
