"""The operators of conditions: what each expects, and what it says of a value that is there.

An operator is compiled with its expected value into a test: True, False, or None for *undecided*, where
the value found cannot be compared (decision C4). A path that leads nowhere never comes here:
every operator but `exists` is false for it (decision C2).
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rules.document import Node
from rules.filters_text import compiled_pattern
from rules.operators_place import between_times, cidr
from rules.problems import Report, did_you_mean
from rules.scope import RenderError, ScopeSpec
from rules.values import (
    instant,
    is_integer,
    json_equal,
    number,
    scalar_key,
    shown,
    storable,
    type_name,
)

Test = Callable[[Any], bool | None]
Compile = Callable[[Node, Report, ScopeSpec], Test | None]

TYPES: Final = ("string", "number", "integer", "boolean", "array", "object", "null")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: how it is compiled, and what it wants to find (empty: it decides on everything)."""

    name: str
    compile: Compile
    wants: str = ""


def refuse(node: Node, report: Report, name: str, expected: str) -> None:
    """Report a value an operator cannot use."""
    report.add(
        "R053",
        node.span,
        f"`{name}` cannot use this value",
        found=shown(node.value),
        expected=expected,
    )


def equal_test(expected: Any) -> Test:
    """Return the test of `eq`: the same JSON value."""
    if type(expected) is str:
        return lambda found: type(found) is str and found == expected
    if expected is None or isinstance(expected, bool):
        return lambda found: found is expected
    return lambda found: json_equal(found, expected)


def _eq(node: Node, _report: Report, _spec: ScopeSpec) -> Test:
    return equal_test(node.value)


def _ne(node: Node, _report: Report, _spec: ScopeSpec) -> Test:
    equal = equal_test(node.value)
    return lambda found: not equal(found)


def member_test(expected: list[Any]) -> Callable[[Any], bool]:
    """Return the test of `in`: one of the values; a list never is."""
    keys = frozenset(key for value in expected if (key := scalar_key(value)) is not None)
    mappings = [value for value in expected if isinstance(value, dict)]

    def is_member(found: Any) -> bool:
        if isinstance(found, list):
            return False
        if isinstance(found, dict):
            return any(json_equal(found, value) for value in mappings)
        return scalar_key(found) in keys

    return is_member


def _in(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
    if node.kind != "sequence":
        refuse(node, report, "in", "a list of values")
        return None
    return member_test(node.value)


def _not_in(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
    if node.kind != "sequence":
        refuse(node, report, "not_in", "a list of values")
        return None
    is_member = member_test(node.value)
    return lambda found: not is_member(found)


def _order(name: str, holds: Callable[[Any, Any], bool]) -> Compile:
    def compiled(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
        limit = number(node.value)
        read: Callable[[Any], Any] = number
        if limit is None:
            moment = instant(node.value)
            if moment is None:
                refuse(node, report, name, "a number, or a date and time of RFC 3339")
                return None
            return _ordered(instant, moment, holds)
        return _ordered(read, limit, holds)

    return compiled


def _ordered(read: Callable[[Any], Any], limit: Any, holds: Callable[[Any, Any], bool]) -> Test:
    def compare(found: Any) -> bool | None:
        value = read(found)
        return None if value is None else holds(value, limit)

    return compare


def _has_one(found: Any, wanted: Any) -> bool | None:
    if isinstance(found, list):
        return any(json_equal(item, wanted) for item in found)
    if isinstance(wanted, str):
        if isinstance(found, str):
            return wanted in found
        if isinstance(found, dict):
            return wanted in found
    return None


def _has(node: Node, _report: Report, _spec: ScopeSpec) -> Test:
    wanted = node.value
    return lambda found: _has_one(found, wanted)


def _has_several(name: str, *, every: bool) -> Compile:
    def compiled(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
        wanted = node.value
        if node.kind != "sequence":
            refuse(node, report, name, "a list of values")
            return None
        if not wanted:
            report.add("R054", node.span, f"`{name}` is empty", expected="a list of values")
            return None

        def compare(found: Any) -> bool | None:
            answers = [_has_one(found, one) for one in wanted]
            if every:
                return False if False in answers else None if None in answers else True
            return True if True in answers else None if None in answers else False

        return compare

    return compiled


def _text_test(name: str, holds: Callable[[str, str], bool]) -> Compile:
    def compiled(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
        wanted = node.value
        if not isinstance(wanted, str):
            refuse(node, report, name, "a text")
            return None
        return lambda found: holds(found, wanted) if isinstance(found, str) else None

    return compiled


def _matches(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
    if not isinstance(node.value, str):
        refuse(node, report, "matches", "a regular expression of RE2")
        return None
    try:
        pattern = compiled_pattern(node.value)
    except RenderError as error:
        report.add("R056", node.span, error.reason, found=node.value)
        return None
    search = pattern.search
    return lambda found: search(storable(found)) is not None if isinstance(found, str) else None


def _exists(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
    wanted = node.value
    if not isinstance(wanted, bool):
        refuse(node, report, "exists", "true or false")
        return None
    return lambda _: wanted


def _type(node: Node, report: Report, _spec: ScopeSpec) -> Test | None:
    wanted = node.value
    if wanted is None:
        # `type: null` reads as the name of the type, which YAML takes for nothing.
        wanted = "null"
    if wanted not in TYPES:
        hint = did_you_mean(wanted, TYPES) if isinstance(wanted, str) else None
        report.add("R053", node.span, "there is no such type", expected=", ".join(TYPES), hint=hint)
        return None
    if wanted == "integer":
        return is_integer
    return lambda found: type_name(found) == wanted


_LIST = "a list, a text or a mapping"
_ORDERED = "a number, a text that spells one, or a date and time of RFC 3339"

OPERATORS: Final[dict[str, Operator]] = {
    operator.name: operator
    for operator in (
        Operator("eq", _eq),
        Operator("ne", _ne),
        Operator("in", _in),
        Operator("not_in", _not_in),
        Operator("gt", _order("gt", python.gt), _ORDERED),
        Operator("gte", _order("gte", python.ge), _ORDERED),
        Operator("lt", _order("lt", python.lt), _ORDERED),
        Operator("lte", _order("lte", python.le), _ORDERED),
        Operator("has", _has, _LIST),
        Operator("has_any", _has_several("has_any", every=False), _LIST),
        Operator("has_all", _has_several("has_all", every=True), _LIST),
        Operator("matches", _matches, "a text"),
        Operator("starts_with", _text_test("starts_with", str.startswith), "a text"),
        Operator("ends_with", _text_test("ends_with", str.endswith), "a text"),
        Operator("exists", _exists),
        Operator("type", _type),
        Operator("cidr", cidr, "an IP address"),
        Operator("between_times", between_times, "a date and time with an offset, or HH:MM"),
    )
}

_ELSEWHERE: Final = {
    "eq": ("=", "==", "===", "is", "equal", "equals", "$eq"),
    "ne": ("!=", "<>", "!==", "is_not", "not_equal", "not_equals", "neq", "$ne"),
    "gt": (">", "greater", "greater_than", "more_than", "above", "after", "$gt"),
    "gte": (">=", "at_least", "min", "minimum", "ge", "$gte"),
    "lt": ("<", "less", "less_than", "below", "before", "$lt"),
    "lte": ("<=", "at_most", "max", "maximum", "le", "$lte"),
    "in": ("one_of", "any_of", "is_in", "$in"),
    "not_in": ("none_of", "nin", "$nin"),
    "has": ("contains", "includes", "include", "$contains"),
    "has_any": ("contains_any",),
    "has_all": ("contains_all", "all_of"),
    "matches": ("=~", "~", "regex", "regexp", "pattern", "like", "glob", "$regex"),
    "starts_with": ("prefix", "begins_with", "startsWith"),
    "ends_with": ("suffix", "endsWith"),
    "exists": ("present", "defined", "is_set", "$exist", "$exists"),
    "cidr": ("subnet", "ip", "network"),
}
MEANT: Final = {word: name for name, words in _ELSEWHERE.items() for word in words}
"""Words that other systems have for an operator."""
