"""Conditions: what `when` is compiled to, a tree of tests that answers True, False or None (undecided).

An error in a condition is neither true nor false. `all` is false if a part is false, else undecided if
one is; `any` is true if a part is true, else undecided if one is; `not` of undecided is
undecided (decision C3). The order of the parts never matters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

from rules.decision import Step, Verdict
from rules.operators import Operator, Test
from rules.paths import MISSING, Path
from rules.scope import LAZY, RenderError, Scope
from rules.template import Value
from rules.values import scalar_key, text, type_name

__all__ = ["All", "Any_", "Condition", "Expression", "Leaf", "Not"]

_MAX_SHOWN: Final = 200
_EQUALITIES: Final = frozenset({"eq", "in"})

Needs = Mapping[Path, frozenset[Hashable]]
"""What a condition needs: for a path, the scalars one of which it has to lead to. Without, it is false."""


class Condition(ABC):
    """A condition. `at` is `file:line:column` of where it stands; `variables` the `vars` it uses."""

    __slots__ = ("at",)

    def __init__(self, at: str) -> None:
        self.at = at

    @property
    @abstractmethod
    def variables(self) -> frozenset[str]:
        """The names of the `vars` it uses."""

    @abstractmethod
    def test(self, scope: Scope) -> bool | None:
        """Return True, False, or None if it is undecided. Never raises for what a scope holds."""

    @abstractmethod
    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        """Return what `test` does and how it came to that: a step for each part, none left out."""

    def trace(self, scope: Scope) -> tuple[Step, ...]:
        """Return what became of each part, with what was expected and found."""
        return self.judge(scope)[1]

    def needs(self) -> Needs:
        """Return equalities without which it is false, for the index of rules."""
        return {}


class Leaf(Condition):
    """One operator on one path."""

    __slots__ = ("_missing", "_not_there", "_test", "_words", "expected", "operator", "path")

    def __init__(self, at: str, path: Path, operator: Operator, expected: Any, test: Test) -> None:
        super().__init__(at)
        self.path = path
        self.operator = operator
        self.expected = expected
        self._test = test
        self._missing = operator.name == "exists" and expected is False
        self._words = f"{path.text} {operator.name}"
        self._not_there = f"{path.text} is not there"

    @property
    def variables(self) -> frozenset[str]:
        """The names of the `vars` it uses."""
        path = self.path
        return frozenset({str(path.keys[0])} if path.root == "vars" and path.keys else ())

    def test(self, scope: Scope) -> bool | None:
        """Return what the operator says of what the path leads to."""
        try:
            found = self.path.get(scope)
        except RenderError:
            return None
        return self._missing if found is MISSING else self._test(found)

    def answer(self, found: Any) -> bool | None:
        """Return what it says where its path leads to a value, or to MISSING."""
        return self._missing if found is MISSING else self._test(found)

    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        """Return the answer and one step."""
        answer: bool | None
        reason: str | None = None
        try:
            found = self.path.get(scope)
        except RenderError as error:
            answer, found, reason = None, None, error.reason
        else:
            if found is MISSING:
                answer, found, reason = self._missing, None, self._not_there
            else:
                answer = self._test(found)
                if not answer:
                    reason = self._reason(answer, found)
        verdict: Verdict = "matched" if answer else "not" if answer is False else "undecided"
        shown = found if type(found) is str and len(found) <= _MAX_SHOWN else _shown(found)
        return answer, (Step(self._words, verdict, self.expected, shown, self.at, reason, depth),)

    def _reason(self, answer: bool | None, found: Any) -> str | None:  # noqa: FBT001  three values, not a flag
        if answer is None:
            return f"{self.operator.name} needs {self.operator.wants}, found {_kind(found)}"
        if self.operator.name not in _EQUALITIES:
            return None
        for one in self.expected if self.operator.name == "in" else [self.expected]:
            if type_name(one) != type_name(found) and text(one) == text(found) != "":
                return f"only the type differs: found {_kind(found)}, expected {_kind(one)}"
        return None

    def needs(self) -> Needs:
        """Return the scalars `eq` or `in` looks for."""
        # What cannot be evaluated makes a condition undecided, not false.
        if self.operator.name not in _EQUALITIES or self.path.root in LAZY:
            return {}
        wanted = self.expected if self.operator.name == "in" else [self.expected]
        keys = [scalar_key(value) for value in wanted]
        return (
            {} if None in keys else {self.path: frozenset(key for key in keys if key is not None)}
        )


class Expression(Condition):
    """An expression that has to be true or false."""

    __slots__ = ("source", "value")

    def __init__(self, at: str, source: str, value: Value) -> None:
        super().__init__(at)
        self.source = source
        self.value = value

    @property
    def variables(self) -> frozenset[str]:
        """The names of the `vars` it uses."""
        return self.value.variables

    def test(self, scope: Scope) -> bool | None:
        """Return its result if that is true or false."""
        try:
            found = self.value.render(scope)
        except RenderError:
            return None
        return found if isinstance(found, bool) else None

    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        """Return the answer and one step."""
        found: Any = None
        try:
            found = self.value.render(scope)
        except RenderError as error:
            reason: str | None = error.reason
        else:
            reason = None
            if not isinstance(found, bool):
                reason = f"an expression has to be true or false, found {_kind(found)}"
        answer = found if isinstance(found, bool) else None
        return answer, (
            Step(self.source, _verdict(answer), None, _shown(found), self.at, reason, depth),
        )


class _Group(Condition):
    __slots__ = ("parts",)
    name: str

    def __init__(self, at: str, parts: tuple[Condition, ...]) -> None:
        super().__init__(at)
        self.parts = parts

    @property
    def variables(self) -> frozenset[str]:
        """The names of the `vars` it uses."""
        return frozenset().union(*(part.variables for part in self.parts))

    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        """Return the answer, a step of its own (the outermost `all` has none) and those of the parts."""
        bare = depth == 0 and isinstance(self, All)
        answers: list[bool | None] = []
        steps: list[Step] = []
        for part in self.parts:
            answer, more = part.judge(scope, depth if bare else depth + 1)
            answers.append(answer)
            steps += more
        whole = self.combine(answers)
        if not bare:
            steps.insert(0, Step(self.name, _verdict(whole), at=self.at, depth=depth))
        return whole, tuple(steps)

    @staticmethod
    @abstractmethod
    def combine(answers: Sequence[bool | None]) -> bool | None:
        """Return the answer that follows from those of the parts."""


class All(_Group):
    """Every part has to be true."""

    __slots__ = ()
    name = "all"

    def test(self, scope: Scope) -> bool | None:
        """Return False if a part is, else None if one is, else True."""
        answer: bool | None = True
        for part in self.parts:
            one = part.test(scope)
            if one is False:
                return False
            if one is None:
                answer = None
        return answer

    @staticmethod
    def combine(answers: Sequence[bool | None]) -> bool | None:
        """Return the answer that follows from those of the parts."""
        return False if False in answers else None if None in answers else True

    def needs(self) -> Needs:
        """Return what any part needs: one that is false makes the whole false."""
        needed: dict[Path, frozenset[Hashable]] = {}
        for part in self.parts:
            for path, keys in part.needs().items():
                needed[path] = needed[path] & keys if path in needed else keys
        return needed


class Any_(_Group):  # noqa: N801  `Any` is typing's
    """One part has to be true."""

    __slots__ = ()
    name = "any"

    def test(self, scope: Scope) -> bool | None:
        """Return True if a part is, else None if one is, else False."""
        answer: bool | None = False
        for part in self.parts:
            one = part.test(scope)
            if one:
                return True
            if one is None:
                answer = None
        return answer

    @staticmethod
    def combine(answers: Sequence[bool | None]) -> bool | None:
        """Return the answer that follows from those of the parts."""
        return True if True in answers else None if None in answers else False

    def needs(self) -> Needs:
        """Return what every part needs."""
        first, *others = [part.needs() for part in self.parts]
        return {
            path: keys.union(*(other[path] for other in others))
            for path, keys in first.items()
            if all(path in other for other in others)
        }


class Not(_Group):
    """Its one part has to be false."""

    __slots__ = ()
    name = "not"

    def test(self, scope: Scope) -> bool | None:
        """Return the opposite of the part; undecided stays undecided."""
        return self.combine([self.parts[0].test(scope)])

    @staticmethod
    def combine(answers: Sequence[bool | None]) -> bool | None:
        """Return the answer that follows from those of the parts."""
        (answer,) = answers
        return None if answer is None else not answer


def _verdict(answer: bool | None) -> Verdict:  # noqa: FBT001  three values, not a flag
    return "undecided" if answer is None else "matched" if answer else "not"


def _kind(value: Any) -> str:
    kind = type_name(value)
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _shown(value: Any) -> Any:
    """Return a value as a trace keeps it: long ones are cut."""
    if isinstance(value, str):
        return value if len(value) <= _MAX_SHOWN else f"{value[: _MAX_SHOWN - 1]}…"
    if isinstance(value, list | dict):
        words = text(value)
        return value if len(words) <= _MAX_SHOWN else f"{words[: _MAX_SHOWN - 1]}…"
    return value
