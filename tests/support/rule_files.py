"""Rule files for tests of compiling: what is said of a text, and the rules it makes."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from rules.compiled import CloseAction, Connector, DropAction, Rule, RuleAction, TaskAction
from rules.decision import Event
from rules.loader import Loaded, load_texts
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.scope import Scope
from rules.template import Value
from tests.support.catalogues import catalogues

HEAD = "connector: shop\nsource: none\ndedupe: off\n"
"""The start of a connector that needs nothing; what a test adds begins on line 4."""


def loaded(text: str, **others: str) -> Loaded:
    """Return what comes of a file `a.yaml` and of others, which are named by their keys.

    Without the warnings of `rules.lint`, of which small files have many: see `warnings`.
    """
    return load_texts(_files(text, others), catalogues(), warn=False)


def warnings(text: str, **others: str) -> list[Problem]:
    """Return what is said of files that `rules.lint` looks at too."""
    return load_texts(_files(text, others), catalogues()).problems


def _files(text: str, others: dict[str, str]) -> dict[str, str]:
    files = {"a.yaml": text, **{f"{name}.yaml": other for name, other in others.items()}}
    return {name: dedent(one) for name, one in files.items()}


def problems(text: str, **others: str) -> list[Problem]:
    return loaded(text, **others).problems


def said(text: str, **others: str) -> list[str]:
    """Return what is said of files, a line a problem: `a.yaml:1:1 R010 what is wrong`."""
    return [f"{one.span} {one.code} {one.message}" for one in problems(text, **others)]


def said_of_shop(text: str, **others: str) -> list[str]:
    """Return what is said of a connector without trouble of its own, with a text added to it."""
    return [line.removeprefix("a.yaml:") for line in said(HEAD + dedent(text), **others)]


def rule_set(text: str, **others: str) -> RuleSet:
    """Return the rules of files that have no problem."""
    found = loaded(text, **others)
    assert found.problems == []
    assert found.rule_set is not None
    return found.rule_set


def connector(text: str, **others: str) -> Connector:
    """Return the connector `shop` with a text added to it."""
    return rule_set(HEAD + dedent(text), **others).connectors["shop"]


def action(rule: Rule | None) -> RuleAction:
    assert rule is not None
    return rule.action


def task(rule: Rule | None) -> TaskAction:
    found = action(rule)
    assert isinstance(found, TaskAction)
    return found


def close(rule: Rule | None) -> CloseAction:
    found = action(rule)
    assert isinstance(found, CloseAction)
    return found


def drop(rule: Rule | None) -> DropAction:
    found = action(rule)
    assert isinstance(found, DropAction)
    return found


def rendered(value: Value | None, body: Any = None) -> Any:
    """Return what a value becomes for an event with a body."""
    assert value is not None
    event = Event(id="e1", connector="shop", received_at="2026-11-23T09:12:45.120Z", body=body)
    return value.render(Scope.of_event(event, {}))
