"""Compiles what a rule does: `task`, `complete`, `cancel` or `drop`, and the fields of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rules import fields
from rules.compile_project import check_project
from rules.compile_reminder import check_reminder
from rules.compile_results import check_names, check_values
from rules.compiled import WEEK_S, CloseAction, DropAction, RuleAction, TaskAction
from rules.directory import Directory, check_name, check_zone
from rules.document import Node
from rules.due_mistakes import SOME_INSTANT, hint_for, what_is_wrong
from rules.event_files import EventFiles
from rules.model_types import is_template
from rules.models import ActionModel, CloseModel, TaskModel
from rules.problems import Report, Span, did_you_mean
from rules.scope import ScopeSpec
from rules.shape import found, unknown_key
from rules.template import Constant, Value, compile_value
from rules.values import text

ACTIONS: Final = ("task", "complete", "cancel", "drop")
SHARED: Final = ""
"""The one key space that all connectors share."""

_POLICIES: Final = ("on_open", "on_closed", "reopen_within", "update")
_KINDS: Final = {
    "type": "task_types",
    "client": "clients",
    "project": "projects",
    "assignees": "people",
    "followers": "people",
    "labels": "labels",
}
_CODES: Final = {"wrong-type": "R013", "not-a-choice": "R014", "unknown-name": "R023"}
FORMS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(fields.DUE_FORMS, fields.DUE_FORMS),
    **dict.fromkeys(fields.START_FORMS, fields.START_FORMS),
}
"""Of a field that can be written in several forms: all of them."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the actions of a connector are checked against.

    `fixed` holds the keys of the fields that the connector fixes. `destinations` None: they are not
    all known, so that none can be called unknown. `before` and `after` are the values of a connector's
    `fixed` and `defaults`: those that win over a rule's, and those that give way to them.
    `event_files` looks for the files of tests.
    """

    report: Report
    directory: Directory
    destinations: Mapping[str, object] | None
    timezone: str = "UTC"
    fixed: Mapping[str, Node] = field(default_factory=dict)
    event_files: EventFiles = field(default_factory=EventFiles)
    before: Mapping[str, Node] = field(default_factory=dict)
    after: Mapping[str, Node] = field(default_factory=dict)


def compile_action(
    node: Node, shape: ActionModel | None, spec: ScopeSpec, around: Surroundings
) -> RuleAction | None:
    """Compile the one action of a rule; None, with problems, if it has none or several.

    `shape` is the validated form of the node, None if it has problems of shape.
    """
    given = [name for name in ACTIONS if name in node.entries]
    if not given:
        _without_action(node, around.report)
        return None
    for name in given[1:]:
        around.report.add(
            "R040",
            node.key(name).span,
            f"a second action beside `{given[0]}`",
            hint="a rule has one; write another rule with the same `when`",
        )
    compiled = [_compile(name, node, shape, spec, around) for name in given]
    return compiled[0]


def _without_action(node: Node, report: Report) -> None:
    meant = (key for key in node.entries if did_you_mean(key, ACTIONS) is not None)
    if any(key not in ActionModel.model_fields for key in meant):
        return
    first = next(iter(node.entries.values()), None)
    report.add(
        "R040",
        node.span if first is None else first.key.span,
        "there is no action here",
        expected=", ".join(ACTIONS),
    )


def _compile(
    name: str, node: Node, shape: ActionModel | None, spec: ScopeSpec, around: Surroundings
) -> RuleAction | None:
    inner = node.entries[name].value
    if name == "drop":
        return _drop(node.key(name), inner, spec, around.report)
    if inner.kind != "mapping":
        if inner.value is None:
            place, expected = node.key(name).span, "a mapping"
            around.report.add("R013", place, f"`{name}` is empty", expected=expected)
        return None
    if name == "task":
        task = None if shape is None else shape.task
        return _task(node.key(name), inner, task or TaskModel(), spec, around)
    if name == "complete":
        return _close("complete", inner, None if shape is None else shape.complete, spec, around)
    return _close("cancel", inner, None if shape is None else shape.cancel, spec, around)


def _drop(key: Node, node: Node, spec: ScopeSpec, report: Report) -> DropAction | None:
    if node.kind != "scalar":
        return None
    if node.value is None or (node.is_text and not node.value.strip()):
        report.add(
            "R012", key.span, "`drop` says no reason", expected="drop: why it does not matter"
        )
        return None
    return DropAction(compile_value(node, node.span, report, spec))


def _close(
    how: Literal["complete", "cancel"],
    node: Node,
    shape: CloseModel | None,
    spec: ScopeSpec,
    around: Surroundings,
) -> CloseAction | None:
    report = around.report
    key = _key(node, spec, report)
    if key is None:
        return None
    version, note = node.get("version"), node.get("note")
    return CloseAction(
        how,
        key[0],
        key[1],
        None if version is None else compile_value(version, version.span, report, spec),
        None if note is None else compile_value(note, note.span, report, spec),
        WEEK_S if shape is None else shape.reopen_within,
    )


def _task(
    owner: Node, node: Node, shape: TaskModel, spec: ScopeSpec, around: Surroundings
) -> TaskAction | None:
    report = around.report
    key = _key(node, spec, report)
    if "key" not in node.entries:
        _check_policies(node, report)
    _check_title(owner, node, report)
    for name in node.entries:
        check_fixed(name, node, around)
    version = node.get("version")
    given = {name: each for name, each in node.pairs() if name in fields.FIELDS}
    compiled = compile_fields(given, node, spec, around)
    check_project((around.before, given, around.after), given, around.directory, report)
    return TaskAction(
        fields=compiled,
        key=None if key is None else key[0],
        shared=None if key is None else key[1],
        version=None if version is None else compile_value(version, version.span, report, spec),
        on_open=shape.on_open,
        on_closed=shape.on_closed,
        reopen_within_s=shape.reopen_within,
        update=shape.update,
        settled=_settled(compiled, around),
    )


def _settled(compiled: Mapping[str, Value], around: Surroundings) -> dict[str, Any]:
    """Return the fields that no event can change, as a task has them; dates depend on a zone and a time."""
    context = fields.Context(around.directory.known, around.timezone, SOME_INSTANT)
    constants = {
        name: value.value
        for name, value in compiled.items()
        if isinstance(value, Constant) and name not in fields.DATES and name != "timezone"
    }
    return fields.read_fields(constants, context, [])


def _key(node: Node, spec: ScopeSpec, report: Report) -> tuple[Value, str | None] | None:
    """Compile `key:`, a text or `{shared: a text}`, to the value and the key space it is in."""
    inner, shared = node.get("key"), None
    if inner is not None and inner.kind == "mapping":
        for name in inner.entries:
            if name != "shared":
                unknown_key(node, ("key", name), ["shared"], report)
        if not inner.entries:
            report.add("R012", inner.span, "`shared` is missing", expected="{shared: a text}")
        inner, shared = inner.get("shared"), SHARED
    if inner is None:
        return None
    if inner.kind != "scalar" or isinstance(inner.value, bool):
        expected = "a text, or {shared: a text}"
        report.add("R013", inner.span, "this is no key", found=found(inner), expected=expected)
        return None
    value = compile_value(inner, inner.span, report, spec)
    if isinstance(value, Constant) and not report.has_inside(inner.span):
        try:
            fields.key(value.value)
        except fields.FieldError as error:
            report.add("R015", inner.span, error.message)
    return value, shared


def _check_policies(node: Node, report: Report) -> None:
    for name in _POLICIES:
        if name in node.entries:
            report.add(
                "R042",
                node.key(name).span,
                f"`{name}` needs a key",
                hint="without `key` every event makes a task of its own",
            )


def _check_title(owner: Node, node: Node, report: Report) -> None:
    title = node.get("title")
    if title is None:
        meant = (name for name in node.entries if name not in TaskModel.model_fields)
        if not any(did_you_mean(name, ["title"]) for name in meant):
            report.add("R041", owner.span, "the task has no title", expected='title: "…"')
    elif title.value is None or (title.is_text and not title.value.strip()):
        report.add("R041", title.span, "the title is empty")


def check_fixed(name: str, node: Node, around: Surroundings) -> None:
    """Report a field that the connector fixes, in whatever form it is written (decision S7)."""
    for other in FORMS_OF.get(name, (name,)):
        if other in around.fixed:
            around.report.add(
                "R043",
                node.key(name).span,
                f"`{name}` is fixed by the connector",
                hint=f"line {around.fixed[other].span.line} fixes `{other}`; remove one of them",
            )
            return


def compile_fields(
    given: Mapping[str, Node], node: Node, spec: ScopeSpec, around: Surroundings
) -> dict[str, Value]:
    """Compile fields of a task; what no event can change is checked now."""
    _check_forms(node, around.report)
    compiled: dict[str, Value] = {}
    for name, inner in given.items():
        compiled[name] = compile_value(inner, inner.span, around.report, spec)
        if inner.value is not None and not around.report.has_inside(inner.span):
            _check_constant(name, inner, compiled[name], around)
    _check_pair(given, compiled, around)
    return compiled


def _check_forms(node: Node, report: Report) -> None:
    """Report fields that are two forms of one (decision D11)."""
    for forms in (fields.DUE_FORMS, fields.START_FORMS):
        given = [name for name in node.entries if name in forms]
        pair = given in (["due_date", "due_time"], ["due_time", "due_date"])
        if given == ["due_time"]:
            place = node.key("due_time").span
            report.add(
                "R043", place, "`due_time` needs `due_date`", expected="due_date: 2026-11-24"
            )
        for name in given[1:] if not pair else ():
            other = next(one for one in given if one != name)
            report.add("R043", node.key(name).span, f"`{name}` and `{other}` exclude each other")


def _check_constant(name: str, node: Node, value: Value, around: Surroundings) -> None:
    """Check a field as far as it is the same for every event."""
    kind = _KINDS.get(name)
    if kind is not None:
        members = node.items if node.kind == "sequence" else [node]
        known, report = around.directory.known, around.report
        for member in members:
            if is_template(member.value):
                check_names(name, kind, node, member, known, report)
            else:
                check_name(known, kind, member, report)
    elif is_template(node.value):
        context = fields.Context(around.directory.known, around.timezone, SOME_INSTANT)
        check_values(name, node, context, around.report)
    elif name == "timezone" and isinstance(value, Constant):
        check_zone(node, around.report)
    elif name == "reminder" and node.kind == "mapping":
        check_reminder(node, around.report)
    elif isinstance(value, Constant) and name not in {"title", "due_time"}:
        _check_value(name, node, {name: value.value}, around)


def _check_pair(
    given: Mapping[str, Node], compiled: Mapping[str, Value], around: Surroundings
) -> None:
    """Check `due_date` and `due_time` together, if no event can change them."""
    values = {name: compiled[name] for name in ("due_date", "due_time") if name in compiled}
    constants = {name: value.value for name, value in values.items() if isinstance(value, Constant)}
    if len(constants) == 2 and not around.report.has_inside(given["due_date"].span):  # noqa: PLR2004  both
        _check_value("due_time", given["due_time"], constants, around)


def _check_value(name: str, node: Node, values: Mapping[str, Any], around: Surroundings) -> None:
    errors: list[fields.FieldError] = []
    context = fields.Context(around.directory.known, around.timezone, SOME_INSTANT)
    fields.read_fields(values, context, errors)
    for error in errors:
        what, _, expected = error.message.partition("expected ")
        what = what.removeprefix(f"{error.field}:").strip(" ;")
        hint = None
        if error.code == "not-a-date":
            words = text(node.value)
            what, hint = what_is_wrong(words) or what, hint_for(error.field, words)
        around.report.add(
            _CODES.get(error.code, "R015"),
            node.span,
            f"`{name}`: {what}" if what else f"`{name}` cannot be read",
            found=found(node),
            expected=expected or None,
            hint=hint,
        )


def check_deliver(node: Node | None, around: Surroundings) -> tuple[str, ...] | None:
    """Return the destinations a `deliver:` names, None if there is no such key."""
    if node is None or node.kind != "sequence":
        return None
    names: dict[str, None] = {}
    for item in node.items:
        if not item.is_text:
            continue
        names[item.value] = None
        known = around.destinations
        if known is None or item.value in known or around.report.has_inside(item.span):
            continue
        around.report.add(
            "R023",
            item.span,
            f"there is no destination `{item.value[:80]}`",
            expected=", ".join(known) or "none is defined",
            hint=did_you_mean(item.value, known),
        )
    return tuple(names)


def place_of(span: Span) -> str:
    """Return where a rule stands, as tasks record it: file and line."""
    return f"{span.file}:{span.line}"
