"""Compiles a connector file: who sends, what is the same event, and the rules in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from rules.catalogues import Catalogues
from rules.compile_action import (
    Surroundings,
    check_deliver,
    check_fixed,
    compile_action,
    compile_fields,
    place_of,
)
from rules.compile_contact import compile_contact
from rules.compile_project import check_project
from rules.compile_source import compile_dedupe, compile_source, intake_of
from rules.compile_task import (
    compile_endpoint,
    contact_of_payload,
    is_endpoint,
    sample_of_endpoint,
)
from rules.compile_tests import compile_tests
from rules.compiled import Connector, Rule
from rules.conditions import compile_condition
from rules.directory import check_zone
from rules.document import Node
from rules.model_types import is_template
from rules.models import ActionModel, ConnectorModel, Fields, RuleModel
from rules.names import VARIABLE_FORM, is_variable_name
from rules.paths import Path, PathError, parse_path
from rules.problems import Report, Span, did_you_mean
from rules.rule_tests import RuleTest
from rules.scope import CONTACT, ScopeSpec
from rules.shape import check_shape
from rules.template import Value, compile_value

OTHERWISE: Final = "otherwise"

_FIELD_NAMES: Final = frozenset(Fields.model_fields)
_MAX_RINGS: Final = 20


@dataclass(frozen=True, slots=True)
class CompiledConnector:
    """A connector, what the receiver must know of it, whether a duplicate would be seen, its tests."""

    root: Node
    connector: Connector
    intake: Mapping[str, Any]
    deduplicated: bool
    """By a key, or by decision: the file says `dedupe: off`."""
    tests: tuple[RuleTest, ...] = ()
    signed_address: Span | None = None
    """Where its source stands, if the sender signs an address that the file does not give."""
    shows_secret: bool = False
    """Whether a key that was issued here can be its proof."""


def compile_connector(
    root: Node, catalogues: Catalogues, around: Surroundings
) -> CompiledConnector | None:
    """Compile a connector file; None if problems, which are reported, leave none."""
    report = around.report
    shape = check_shape(ConnectorModel, root, report)
    sourced = compile_source(root, catalogues, report)
    timezone = _timezone(root, around)
    variables = _variables(root, report)
    spec = ScopeSpec.of_event(frozenset(variables), timezone)
    early = spec.before_contact()
    compiled_vars = {
        name: compile_value(node, node.span, report, early) for name, node in variables.items()
    }
    _check_rings(variables, compiled_vars, report)
    endpoint = is_endpoint(root)
    contact = compile_contact(root, shape, early, report)
    if endpoint and CONTACT not in root.entries:
        contact = contact_of_payload(root, report, early)
    written = root.get(CONTACT)
    if CONTACT in root.entries:
        spec = spec.with_contact(() if written is None else tuple(written.entries))
    _check_burst(root.get("limits"), report)
    fixed, defaults = root.get("fixed"), root.get("defaults")
    before, after = _values(fixed), _values(defaults)
    around = replace(around, timezone=timezone, fixed=_keys(fixed), before=before, after=after)
    check_project((before, after), {**after, **before}, around.directory, report)
    info = None if sourced is None else sourced[1]
    dedupe, within = compile_dedupe(root, info, spec, report)
    connector = Connector(
        name="" if shape is None else shape.connector,
        at=place_of(root.span),
        source="" if info is None else info.name,
        rules=compile_endpoint(root, around) if endpoint else _rules(root, shape, spec, around),
        match="all" if shape is None else shape.match,
        otherwise=_otherwise(root, shape, spec, around),
        deliver=check_deliver(root.get("deliver"), around) or (),
        secrets=() if shape is None else tuple(map(str, shape.secrets)),
        dedupe=dedupe,
        dedupe_within_s=within,
        vars=compiled_vars,
        fixed=_fields(fixed, spec, replace(around, fixed={})),
        defaults=_defaults(defaults, spec, around),
        timezone=timezone,
        known=around.directory.known,
        contact=contact,
        routing=around.directory.routing,
        holidays=around.directory.holidays,
    )
    tests = compile_tests(root, shape, around)
    if shape is None or sourced is None:
        return None
    intake = intake_of(shape, sourced[0])
    if endpoint:
        intake["sample"] = sample_of_endpoint(connector, root, around)
    deduplicated = dedupe is not None or "dedupe" in root.entries
    given = shape.public_url is not None or not sourced[1].signs_url
    signed_address = None if given else root.entries["source"].value.span
    return CompiledConnector(
        root, connector, intake, deduplicated, tests, signed_address, sourced[1].shows_secret
    )


def _timezone(root: Node, around: Surroundings) -> str:
    """Return the zone of tasks that no rule gives one (decision D9), as far as it is fixed."""
    for key in ("fixed", "defaults"):
        node = root.get(key)
        zone = None if node is None else node.get("timezone")
        if zone is not None and zone.is_text and not is_template(zone.value):
            return str(zone.value) if check_zone(zone, around.report) else "UTC"
    return around.directory.timezone or "UTC"


def _variables(root: Node, report: Report) -> dict[str, Node]:
    node = root.get("vars")
    found: dict[str, Node] = {}
    for name, value in () if node is None else node.pairs():
        found[name] = value
        if node is not None and not is_variable_name(name):
            place = node.key(name).span
            report.add("R021", place, "a variable cannot be called so", expected=VARIABLE_FORM)
    return found


def _check_rings(nodes: Mapping[str, Node], values: Mapping[str, Value], report: Report) -> None:
    """Report variables that need each other (decision T9)."""
    uses = {name: value.variables & values.keys() for name, value in values.items()}
    for _ in range(_MAX_RINGS):
        try:
            TopologicalSorter(uses).prepare()
        except CycleError as error:
            ring: list[str] = error.args[1][::-1]  # it lists first what is used, then what uses it
            shown = " → ".join(ring)
            report.add("R064", nodes[ring[0]].span, f"vars.{ring[0]} is made of itself: {shown}")
            del uses[ring[0]]
        else:
            return


def _check_burst(limits: Node | None, report: Report) -> None:
    """Report a burst that has no rate to be a burst of."""
    burst, rate = (None if limits is None else limits.get(name) for name in ("burst", "rate"))
    if limits is None or burst is None or burst.value is None:
        return
    if rate is None or rate.value is None:
        report.add(
            "R012", limits.key("burst").span, "`burst` needs a `rate`", expected="rate: 50/s"
        )


def _keys(node: Node | None) -> dict[str, Node]:
    return {} if node is None else {name: entry.key for name, entry in node.entries.items()}


def _values(node: Node | None) -> dict[str, Node]:
    return {} if node is None else dict(node.pairs())


def _fields(node: Node | None, spec: ScopeSpec, around: Surroundings) -> dict[str, Value]:
    if node is None or node.kind != "mapping":
        return {}
    from_model = {name: inner for name, inner in node.pairs() if name in _FIELD_NAMES}
    return compile_fields(from_model, node, spec, around)


def _defaults(node: Node | None, spec: ScopeSpec, around: Surroundings) -> dict[str, Value]:
    if node is not None:
        for name in node.entries:
            check_fixed(name, node, around)
    return _fields(node, spec, around)


def _rules(
    root: Node, shape: ConnectorModel | None, spec: ScopeSpec, around: Surroundings
) -> tuple[Rule, ...]:
    node = root.get("rules")
    seen: dict[str, Node] = {}
    compiled: list[Rule] = []
    for number, item in enumerate(() if node is None else node.items):
        if item.kind != "mapping":
            continue
        _check_name(item, seen, around.report)
        rule = _rule(item, None if shape is None else shape.rules[number], spec, around)
        if rule is not None:
            compiled.append(rule)
    return tuple(compiled)


def _check_name(item: Node, seen: dict[str, Node], report: Report) -> None:
    name = item.get("name")
    if name is None or not name.is_text:
        return
    if name.value == OTHERWISE:
        report.add(
            "R020", name.span, "`otherwise` is what the connector's own `otherwise` is called"
        )
    elif name.value in seen:
        report.add(
            "R020",
            name.span,
            f"a rule `{name.value}` is there already",
            hint=f"the first is on line {seen[name.value].span.line}; tasks are told apart by it",
        )
    else:
        seen[name.value] = name


def _rule(
    node: Node, shape: RuleModel | None, spec: ScopeSpec, around: Surroundings
) -> Rule | None:
    each = node.get("for_each")
    path = None if each is None else _list_path(each, spec, around.report)
    inner = spec if each is None else spec.with_item()
    when = node.get("when")
    condition = None if when is None else compile_condition(when, around.report, inner)
    _check_rule_name(node.get("name"), around.report)
    action = compile_action(node, shape, inner, around)
    deliver = check_deliver(node.get("deliver"), around)
    if action is None or shape is None:
        return None
    return Rule(
        name=shape.name,
        at=place_of(node.span),
        action=action,
        when=condition,
        for_each=path,
        mode=shape.mode,
        deliver=deliver,
    )


def _check_rule_name(node: Node | None, report: Report) -> None:
    """Report a name that looks like a template: it is a part of the ids of the rule's tasks."""
    if node is not None and is_template(node.value):
        report.add("R065", node.span, "the name of a rule is no template", expected="a fixed text")


def _list_path(node: Node, spec: ScopeSpec, report: Report) -> Path | None:
    if not node.is_text:
        return None
    try:
        path = parse_path(node.value)
    except PathError as error:
        place = node.locate(error.position, error.position + 1)
        hint = "`for_each` takes a path, not a template" if "{{" in node.value else None
        report.add("R050", place, error.message, found=node.value, hint=hint)
        return None
    known = spec.keys_of(path.root)
    if path.root not in spec.roots:
        hint = did_you_mean(path.root, sorted(spec.roots))
        hint = hint or spec.meant(path.root)
        expected = None if hint else ", ".join(sorted(spec.roots))
        place = node.locate(0, len(path.root))
        report.add("R051", place, f"there is no `{path.root}`", expected=expected, hint=hint)
    elif known is not None and path.keys and path.keys[0] not in known:
        name = str(path.keys[0])
        report.add(
            "R051",
            node.span,
            f"there is no `{path.root}.{name}`",
            expected=", ".join(sorted(known)) or None,
            hint=did_you_mean(name, known),
        )
    return path


def _otherwise(
    root: Node, shape: ConnectorModel | None, spec: ScopeSpec, around: Surroundings
) -> Rule | None:
    node = root.get(OTHERWISE)
    if node is None or node.kind != "mapping":
        return None
    valid: ActionModel | None = None if shape is None else shape.otherwise
    action = compile_action(node, valid, spec, around)
    deliver = check_deliver(node.get("deliver"), around)
    if action is None:
        return None
    return Rule(OTHERWISE, place_of(root.key(OTHERWISE).span), action, deliver=deliver)
