"""Compiles the tests of a connector; what they name has to be there, or they would prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rules.compile_action import Surroundings
from rules.compile_expect import Known, check_expect
from rules.document import Node
from rules.models import ConnectorModel
from rules.models_tests import InlineModel, RuleTestModel, SentModel
from rules.problems import Report, Span, did_you_mean
from rules.rule_tests import RuleTest, Sent

_OF_ALL: Final = ("task", "tasks")
"""What can be expected of several events together."""


def compile_tests(
    root: Node, shape: ConnectorModel | None, around: Surroundings
) -> tuple[RuleTest, ...]:
    """Compile `tests:`; none of them where the connector's shape has problems, which are reported."""
    node = root.get("tests")
    known = Known.of(root, around.destinations)
    seen: dict[str, Node] = {}
    compiled: list[RuleTest] = []
    for number, item in enumerate(() if node is None else node.items):
        if item.kind != "mapping":
            continue
        _check_name(item, seen, around.report)
        _check_events(item, around.report)
        _check_files(item, around)
        _check_expectations(item, known, around.report)
        if shape is not None:
            compiled.append(_test(shape.connector, item, shape.tests[number]))
    return tuple(compiled)


def _check_name(item: Node, seen: dict[str, Node], report: Report) -> None:
    name = item.get("name")
    if name is None or not name.is_text:
        return
    if name.value in seen:
        first = seen[name.value].span.line
        message = f"a test `{name.value}` is there already"
        report.add("R020", name.span, message, hint=f"the first is on line {first}")
    seen.setdefault(name.value, name)


def _check_events(item: Node, report: Report) -> None:
    """Report a test that sends nothing, or says in two ways what it sends."""
    if "event" in item.entries and "events" in item.entries:
        place = item.key("events").span
        report.add("R046", place, "`event` and `events` exclude each other")
    elif not {"event", "events"} & item.entries.keys() and not _is_near(item, ("event", "events")):
        expected = "event: FILE, event: {headers: …, body: …}, or events: a list of them"
        report.add("R046", _first(item), "the test has no event", expected=expected)
    for event in _events(item):
        if "after" in event.entries and "received_at" in event.entries:
            place = event.key("after").span
            report.add("R043", place, "`after` and `received_at` exclude each other")
    events = item.get("events")
    if events is not None and events.kind == "sequence" and not events.items:
        report.add("R046", events.span, "`events` is empty", expected="a list of events")


def _check_files(item: Node, around: Surroundings) -> None:
    events = item.get("events")
    bare = [] if events is None else [each for each in events.items if each.is_text]
    for event in (*bare, *(owner.get("event") for owner in (item, *_events(item)))):
        if event is not None and event.is_text and not around.report.has_inside(event.span):
            around.event_files.check(event, around.report)


def _check_expectations(item: Node, known: Known, report: Report) -> None:
    owners = [item, *_events(item)]
    expected = [node for owner in owners if (node := owner.get("expect")) is not None]
    if not expected and not any(_is_near(owner, ("expect",)) for owner in owners):
        message = "the test expects nothing"
        report.add("R046", _first(item), message, expected="expect: {rule: …, task: {…}}")
    for node in expected:
        if node.kind == "mapping" and not node.entries:
            report.add("R046", node.span, "nothing is expected here", expected="rule: …, task: {…}")
        check_expect(node, known, report)
    of_all = item.get("expect") if "events" in item.entries else None
    for name in () if of_all is None else of_all.entries:
        if name not in _OF_ALL:
            report.add(
                "R046",
                of_all.key(name).span,  # type: ignore[union-attr]  # it has entries, so it is there
                f"`{name}` is expected of one event",
                expected=" or ".join(_OF_ALL),
                hint="write it under the event it is about",
            )


def _events(item: Node) -> list[Node]:
    events = item.get("events")
    return [] if events is None else [each for each in events.items if each.kind == "mapping"]


def _is_near(item: Node, names: tuple[str, ...]) -> bool:
    """Tell whether a key is there with a slip of the pen, which is a problem already."""
    unknown = (key for key in item.entries if key not in RuleTestModel.model_fields)
    return any(did_you_mean(key, names) for key in unknown)


def _first(item: Node) -> Span:
    first = next(iter(item.entries.values()), None)
    return item.span if first is None else first.key.span


def _test(connector: str, item: Node, shape: RuleTestModel) -> RuleTest:
    several = item.get("events")
    if shape.events is None or several is None:
        events: tuple[Sent, ...] = (_sent(item, shape, shape),)
    else:
        pairs = zip(several.items, shape.events, strict=True)
        events = tuple(_sent(node, each, shape) for node, each in pairs)
    return RuleTest(
        connector=connector,
        name=shape.name,
        span=item.span,
        events=events,
        received_at=shape.received_at,
        expect=None if several is None else item.get("expect"),
    )


def _sent(node: Node, shape: SentModel | RuleTestModel | str, test: RuleTestModel) -> Sent:
    """Return one event; what the test says of all its events holds where the event says nothing."""
    if isinstance(shape, str):  # a file, and nothing to say of it
        shape = SentModel(event=shape)
    written = shape.event if isinstance(shape.event, InlineModel) else None
    event = node.get("event")
    return Sent(
        span=node.span if event is None else event.span,
        file=shape.event if isinstance(shape.event, str) else None,
        body=None if written is None else written.body,
        headers=_lower({} if written is None else written.headers, test.headers, shape.headers),
        query={**({} if written is None else written.query), **test.query, **shape.query},
        type=shape.type or test.type,
        delivery_id=shape.delivery_id or test.delivery_id,
        received_at=None if shape is test else shape.received_at,
        after_s=shape.after if isinstance(shape, SentModel) else None,
        expect=node.get("expect"),
    )


def _lower(*headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for each in headers for name, value in each.items()}
