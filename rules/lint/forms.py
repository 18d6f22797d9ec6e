"""Which values an operator can say yes or no of: their forms, finer than the types of JSON.

Every value has exactly one form. An operator is undecided on values of other forms than those given
here (decision C4), so two operators on one path whose forms have nothing in common are never both
decided. `tests/property/test_lint.py` holds that against the operators themselves.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from rules.conditions_tree import Leaf
from rules.lint.literals import Place
from rules.networks import address_of
from rules.operators_place import minutes
from rules.values import instant, number, type_name

Form = Literal[
    "null", "boolean", "number", "array", "object", "numeral", "instant", "clock", "address", "text"
]
"""`numeral` to `text` are texts: that spell a number, a date and time, HH:MM, an address, or nothing."""

TEXTS: Final[frozenset[Form]] = frozenset({"numeral", "instant", "clock", "address", "text"})
ALL: Final[frozenset[Form]] = TEXTS | {"null", "boolean", "number", "array", "object"}

_NONE: Final[frozenset[Form]] = frozenset()
_CONTAINERS: Final[frozenset[Form]] = TEXTS | {"array", "object"}
_OF_TYPES: Final[dict[str, frozenset[Form]]] = {
    "string": TEXTS,
    "integer": frozenset({"number"}),
    "number": frozenset({"number"}),
    "boolean": frozenset({"boolean"}),
    "array": frozenset({"array"}),
    "object": frozenset({"object"}),
    "null": frozenset({"null"}),
}
_VALUES_OF_TYPES: Final[dict[str, list[Any]]] = {"boolean": [True, False], "null": [None]}
_ROOTS_OF_TEXTS: Final = frozenset({"contact", "event", "headers", "query"})
CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Headers that rules never see (decision T15)."""


def form_of(value: Any) -> Form:
    """Return the form of a value."""
    kind = type_name(value)
    if kind != "string":
        return kind
    if number(value) is not None:
        return "numeral"
    if instant(value) is not None:
        return "instant"
    if minutes(value) is not None:
        return "clock"
    return "text" if address_of(value) is None else "address"


def forms_at(place: Place) -> frozenset[Form]:
    """Return the forms of what a path can lead to; none at all where it never leads anywhere."""
    root, keys = place
    if root not in _ROOTS_OF_TEXTS:
        return ALL
    if not keys:
        return frozenset({"object"})
    hidden = root == "headers" and keys[0] in CREDENTIALS
    return _NONE if hidden or len(keys) > 1 or not isinstance(keys[0], str) else TEXTS


def values_of(leaf: Leaf, want: bool) -> list[Any] | None:  # noqa: FBT001  the answer asked for
    """Return the values of which a leaf gives an answer, if they are few; else None.

    Others that are equal in JSON are not listed: no operator tells them apart.
    """
    name, expected = leaf.operator.name, leaf.expected
    if name == ("eq" if want else "ne"):
        return [expected]
    if name == ("in" if want else "not_in"):
        return [value for value in expected if not isinstance(value, list)]
    if name == "type" and want:
        return _VALUES_OF_TYPES.get("null" if expected is None else expected)
    return None


def forms_of(leaf: Leaf, want: bool) -> frozenset[Form]:  # noqa: FBT001  as above
    """Return the forms of which a leaf can give an answer, where its path leads to something."""
    name, expected = leaf.operator.name, leaf.expected
    values = values_of(leaf, want)
    if values is not None:
        return frozenset(map(form_of, values))
    if name in {"gt", "gte", "lt", "lte"}:
        return frozenset({"number", "numeral"} if number(expected) is not None else {"instant"})
    if name in {"matches", "starts_with", "ends_with"}:
        return TEXTS
    if name == "cidr":
        return frozenset({"address"})
    if name == "between_times":
        return frozenset({"clock", "instant"})
    if name == "type":
        return _of_type("null" if expected is None else expected, want)
    if name in {"has", "has_any", "has_all"}:
        return _of_members(name, expected, want)
    return ALL


def _of_type(wanted: str, want: bool) -> frozenset[Form]:  # noqa: FBT001  as above
    if want:
        return _OF_TYPES[wanted]
    return ALL if wanted == "integer" else ALL - _OF_TYPES[wanted]


def _of_members(name: str, expected: Any, want: bool) -> frozenset[Form]:  # noqa: FBT001  as above
    """Return what may have a member: texts and mappings can have texts only."""
    members = [expected] if name == "has" else expected
    texts = [isinstance(member, str) for member in members]
    # One member settles `has_any` with yes and `has_all` with no; else all of them have to be decided.
    one_settles = (name == "has_any") is want
    decidable = any(texts) if one_settles else all(texts)
    return _CONTAINERS if decidable else frozenset({"array"})
