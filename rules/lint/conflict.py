"""Finds what can never hold together: literals that contradict each other, whatever an event holds.

Sound, and not complete: what is returned is a contradiction for certain, since each step only takes
from a path the values that an operator is undecided or wrong about (decisions C2 and C4). What is not
understood (expressions, patterns, values of variables) excludes nothing but its own opposite.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rules.conditions_tree import Leaf
from rules.lint.forms import Form, form_of, forms_at, forms_of, values_of
from rules.lint.limits import no_address, no_member, no_number, no_text, no_time
from rules.lint.literals import Literal, Place, grouped, identity, place_of
from rules.paths import Key, Path, step

MAX_VALUES: Final = 200
"""Up to so many values that a path may have are tried."""

_LIMITS: Final[Sequence[Callable[[Sequence[Literal]], tuple[Literal, ...] | None]]] = (
    no_number,
    no_text,
    no_member,
    no_address,
    no_time,
)
_LOOP: Final = "`for_each` goes through it"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Literals that never hold together; `reason` says why one alone never does.

    `others` says that there are alternatives, of which each has its own conflict.
    """

    literals: tuple[Literal, ...]
    reason: str | None = None
    others: bool = False


@dataclass(frozen=True, slots=True)
class _Inside:
    """The form a path has to lead to, because something goes on from there; None: `for_each` does."""

    form: Form
    literal: Literal | None


def conflict(literals: Sequence[Literal], loop: Path | None = None) -> Conflict | None:
    """Return literals that can never hold together; None if none were found.

    `loop` is the path of the list that the rule goes through: it has to lead to a list.
    """
    opposed = _opposed(literals)
    if opposed is not None:
        return opposed
    groups = grouped(literals)
    inside = _inside(groups, loop)
    for place in dict.fromkeys([*groups, *inside]):
        found = _of_place(place, groups, inside.get(place, ()))
        if found is not None:
            return found
    return None


def _opposed(literals: Sequence[Literal]) -> Conflict | None:
    """Find a test that would have to be true and false."""
    seen: dict[Hashable, Literal] = {}
    for literal in literals:
        first = seen.setdefault(identity(literal.leaf), literal)
        if first.want is not literal.want:
            return Conflict((first, literal))
    return None


def _inside(
    groups: Mapping[Place, Sequence[Literal]], loop: Path | None
) -> dict[Place, list[_Inside]]:
    """Return what paths have to lead to, so that longer ones lead to something."""
    needed: dict[Place, Literal | None] = {}
    for place, group in groups.items():
        needing = next((one for one in group if one.needs_a_value), None)
        if needing is not None:
            needed[place] = needing
    asked: dict[Place, list[_Inside]] = {}
    if loop is not None:
        asked[place_of(loop)] = [_Inside("array", None)]
        needed.setdefault(place_of(loop), None)
    for (root, keys), literal in needed.items():
        for length, key in enumerate(keys):
            form: Form = "object" if isinstance(key, str) else "array"
            asked.setdefault((root, keys[:length]), []).append(_Inside(form, literal))
    asked.pop(("vars", ()), None)  # no value of JSON
    return asked


def _of_place(
    place: Place, groups: Mapping[Place, Sequence[Literal]], inside: Sequence[_Inside]
) -> Conflict | None:
    """Find a conflict in what is asked of one path."""
    literals = groups.get(place, ())
    needing = [one for one in literals if one.needs_a_value]
    if not needing and not inside:
        return None
    absent = next((one for one in literals if _is_absence(one)), None)
    if absent is not None:
        asking = needing[0] if needing else inside[0].literal
        return Conflict((absent,), _LOOP) if asking is None else Conflict((absent, asking))
    forms = _forms(place, literals, inside)
    if isinstance(forms, Conflict):
        return forms
    values = _values(literals, forms)
    if values is not None:
        return _of_values(*values, [*_asked(place, groups)])
    found = (limit(literals) for limit in _LIMITS)
    excluding = next((several for several in found if several is not None), None)
    return None if excluding is None else Conflict(excluding)


def _is_absence(literal: Literal) -> bool:
    """Tell whether a literal holds only where its path leads nowhere."""
    leaf = literal.leaf
    if not isinstance(leaf, Leaf) or leaf.operator.name != "exists":
        return False
    return leaf.expected is not literal.want


def _forms(
    place: Place, literals: Sequence[Literal], inside: Sequence[_Inside]
) -> frozenset[Form] | Conflict:
    """Return the forms that all allow, or who leaves none."""
    possible = there = forms_at(place)
    asked: list[tuple[Literal | None, frozenset[Form]]] = [
        *((one, forms_of(one.leaf, one.want)) for one in literals if isinstance(one.leaf, Leaf)),
        *((each.literal, frozenset({each.form})) for each in inside),
    ]
    for number, (literal, forms) in enumerate(asked):
        if not forms & possible:
            return _alone(literal, place, forms)
        there &= forms
        if not there:
            before = [one for one, theirs in asked[:number] if not forms & theirs]
            return _together(before[:1] or [one for one, _ in asked[:number]], literal)
    return there


def _alone(literal: Literal | None, place: Place, forms: frozenset[Form]) -> Conflict:
    """Return the conflict of one literal with what its path can lead to at all."""
    root, keys = place
    if not forms:
        reason = "no value is in that list"
    elif not keys:
        reason = f"`{root}` is a mapping"
    elif forms_at(place):
        reason = f"what stands in `{root}` is text"
    elif len(keys) == 1 and isinstance(keys[0], str):
        reason = "rules do not see headers that carry credentials"
    else:
        reason = f"what stands in `{root}` has no parts"
    return Conflict(() if literal is None else (literal,), reason)


def _together(several: Iterable[Literal | None], last: Literal | None) -> Conflict:
    literals = tuple(dict.fromkeys(one for one in (*several, last) if one is not None))
    return Conflict(literals, _LOOP if last is None else None)


def _values(
    literals: Sequence[Literal], forms: frozenset[Form]
) -> tuple[Literal, list[Any]] | None:
    """Return the fewest values that a literal leaves to a path, with the literal; None if many."""
    lists = [
        (one, values)
        for one in literals
        if isinstance(one.leaf, Leaf) and (values := values_of(one.leaf, one.want)) is not None
    ]
    if not lists:
        return None
    giving, fewest = min(lists, key=lambda each: len(each[1]))
    if len(fewest) > MAX_VALUES:
        return None
    return giving, [value for value in fewest if form_of(value) in forms]


def _asked(
    place: Place, groups: Mapping[Place, Sequence[Literal]]
) -> Iterable[tuple[Literal, tuple[Key, ...]]]:
    """Give what is asked of a path and of the paths that go on from it, with the way they go on."""
    root, keys = place
    for (other, longer), group in groups.items():
        if other == root and longer[: len(keys)] == keys:
            yield from ((one, longer[len(keys) :]) for one in group)


def _of_values(
    giving: Literal, values: Sequence[Any], asked: Sequence[tuple[Literal, tuple[Key, ...]]]
) -> Conflict | None:
    """Try every value a path may have; no test can tell two apart that are equal in JSON."""
    fitting = [[one.holds(_inner(value, rest)) for one, rest in asked] for value in values]
    if any(all(answers) for answers in fitting):
        return None
    for number, (one, _) in enumerate(asked):
        if one is not giving and not any(answers[number] for answers in fitting):
            return Conflict((giving, one))
    return Conflict(tuple(dict.fromkeys([giving, *(one for one, _ in asked)])))


def _inner(value: Any, keys: tuple[Key, ...]) -> Any:
    for key in keys:
        value = step(value, key)
    return value
