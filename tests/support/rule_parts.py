"""Parts of rules for tests of deciding: conditions, templates, connectors, each from a line of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.compiled import Connector, Rule, RuleAction, TaskAction
from rules.conditions import Condition, compile_condition
from rules.decision import Event
from rules.document import Node, parse
from rules.paths import Path, parse_path
from rules.problems import Problem, Report, Span
from rules.scope import RenderError, Scope, ScopeSpec
from rules.template import Value, compile_value

ITEM_SPEC = ScopeSpec.of_event(frozenset({"total", "who"}), "Europe/London").with_item()
SPAN = Span("rules.yaml", 1, 1, 1, 1)


def node(yaml: str) -> Node:
    """Return the node of a YAML value."""
    report = Report()
    document = parse(yaml, "rules.yaml", report)
    assert document is not None
    assert not report.problems, report.problems
    return document.root


def condition(yaml: str, spec: ScopeSpec = ITEM_SPEC) -> Condition:
    """Return the condition a YAML value says."""
    report = Report()
    compiled = compile_condition(node(yaml), report, spec)
    assert compiled is not None, report.problems
    assert not report.problems, report.problems
    return compiled


def condition_problems(yaml: str, spec: ScopeSpec = ITEM_SPEC) -> list[Problem]:
    """Return what is wrong with a condition; it must not be usable."""
    report = Report()
    assert compile_condition(node(yaml), report, spec) is None
    return report.problems


def value(raw: Any, spec: ScopeSpec = ITEM_SPEC) -> Value:
    """Return a compiled value."""
    report = Report()
    compiled = compile_value(raw, SPAN, report, spec)
    assert not report.problems, report.problems
    return compiled


def value_problems(yaml: str, spec: ScopeSpec = ITEM_SPEC) -> list[Problem]:
    """Return what is wrong with a YAML value that holds templates."""
    report = Report()
    compile_value(node(yaml), SPAN, report, spec)
    return report.problems


def event(body: Any = None, **given: Any) -> Event:
    """Return an event of the connector `shop`."""
    given.setdefault("id", "0193b0c0-0000-7000-8000-000000000001")
    given.setdefault("received_at", "2026-11-23T09:12:45.120Z")
    return Event(connector="shop", body=body, **given)


def scope(body: Any = None, *, item: Any = None, variables: Any = None, **given: Any) -> Scope:
    """Return what rules see of an event; `variables` maps names to texts."""
    compiled = {name: value(raw) for name, raw in (variables or {}).items()}
    return Scope.of_event(event(body, **given), compiled).with_item(item)


def render(raw: Any, body: Any = None, **given: Any) -> Any:
    """Return what a value becomes for an event."""
    return value(raw).render(scope(body, **given))


def failure(raw: Any, body: Any = None, **given: Any) -> RenderError:
    """Return the error of a value that cannot be rendered."""
    try:
        found = value(raw).render(scope(body, **given))
    except RenderError as error:
        return error
    raise AssertionError(f"it rendered to {str(found)[:200]!r}")


def task(
    title: str = "Look into it",
    *,
    key: str | None = None,
    version: str | None = None,
    fields: Mapping[str, Any] | None = None,
) -> TaskAction:
    """Return an action that opens a task."""
    return TaskAction(
        {name: value(raw) for name, raw in {"title": title, **(fields or {})}.items()},
        key=None if key is None else value(key),
        version=None if version is None else value(version),
    )


def rule(
    name: str, when: str | None = None, action: RuleAction | None = None, **given: Any
) -> Rule:
    """Return a rule; `for_each` may be a text."""
    loop = given.pop("for_each", None)
    path: Path | None = parse_path(loop) if isinstance(loop, str) else loop
    return Rule(
        name,
        "rules.yaml:1",
        action or task(name),
        when=None if when is None else condition(when),
        for_each=path,
        **given,
    )


def connector(*rules: Rule, **given: Any) -> Connector:
    """Return the connector `shop`."""
    return Connector("shop", "rules.yaml:1", "none", rules=rules, **given)
