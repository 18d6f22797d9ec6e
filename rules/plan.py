"""Decides about an event: which rules match, and what each then wants done.

`plan` is total and deterministic. It never raises, whatever the event holds, and it reads no clock
and nothing but the rules and the event; an error inside a rule makes that rule undecided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from rules import fields
from rules.compiled import CloseAction, Connector, ContactSource, Loop, Rule, TaskAction
from rules.contact import read_contact
from rules.decision import (
    Action,
    CloseTask,
    Contact,
    Decision,
    Deduplication,
    Drop,
    Event,
    OpenTask,
    Reason,
    RuleVerdict,
    Step,
    TaskKey,
)
from rules.paths import MISSING
from rules.payload import missing_contact, once_each
from rules.scope import CONTACT, RenderError, Scope
from rules.template import Value
from rules.values import storable, text, type_name

MAX_DEDUPE_BYTES = 512
ASK_ALL = 8
"""Up to so many rules and items are all asked, so that the record tells why each did not match."""

_Asked = tuple[int, int | None, Scope | Reason]


class Rules(Protocol):
    """What `plan` needs of a set of rules."""

    @property
    def connectors(self) -> Mapping[str, Connector]:
        """The connectors by name."""
        ...


def plan(rule_set: Rules, event: Event, *, every: bool = False) -> Decision:
    """Decide about an event. An event whose connector is not in the rules is undecided.

    With `every` also those rules are asked of which it is plain that they do not match.
    """
    connector = rule_set.connectors.get(event.connector)
    if connector is None:
        reason = Reason("no-connector", f"no rules for the connector {event.connector}")
        return Decision(Deduplication(None, 0), undecided=reason)
    return decide(connector, event, every=every)


def decide(connector: Connector, event: Event, *, every: bool = False) -> Decision:
    """Decide about an event of a connector; see `plan`."""
    scope = Scope.of_event(event, connector.vars, connector.contact)
    key = _safely(_dedupe_key, connector.dedupe, scope)
    if isinstance(key, Reason):
        return Decision(Deduplication(None, connector.dedupe_within_s), undecided=key)
    verdicts, shadow = _ask_rules(connector, scope, every=every)
    if connector.otherwise is not None and all(each.verdict == "not" for each in verdicts):
        verdicts.append(_ask(connector.otherwise, None, scope, connector))
    undecided = refused = None
    for each in verdicts:
        if each.verdict == "undecided":
            undecided = undecided or each.reason
        elif each.refused:
            refused = refused or each.reason
    dropped = None if undecided or refused else _dropped(verdicts)
    deduplication = Deduplication(key, connector.dedupe_within_s)
    return Decision(deduplication, tuple(verdicts), tuple(shadow), undecided, refused, dropped)


def _safely(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns, or the reason why it could not: the boundary of a rule."""
    try:
        return function(*args)
    except RenderError as error:
        return Reason(error.code, error.reason, error.at)
    except Exception as error:  # noqa: BLE001  whatever goes wrong inside one rule must not touch another
        return Reason("internal", f"unexpected {type(error).__name__}: {error}"[:500])


def _dedupe_key(value: Value | None, scope: Scope) -> str | None:
    if value is None:
        return None
    try:
        words = storable(text(value.render(scope)))
    except RenderError as error:
        raise RenderError(f"dedupe: {error.reason}", code=error.code, at=error.at) from None
    if not words.strip():
        return None
    raw = words.encode()
    if len(raw) <= MAX_DEDUPE_BYTES:
        return words
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _ask_rules(
    connector: Connector, scope: Scope, *, every: bool
) -> tuple[list[RuleVerdict], list[RuleVerdict]]:
    verdicts: list[RuleVerdict] = []
    shadow: list[RuleVerdict] = []
    settled_by: int | None = None
    for number, item, inner in _asked(connector, scope, every=every):
        rule = connector.rules[number]
        if rule.mode == "live" and settled_by not in {None, number}:
            continue
        if isinstance(inner, Reason):
            verdict = RuleVerdict(rule.name, rule.at, "undecided", item, reason=inner)
        else:
            verdict = _ask(rule, item, inner, connector)
        if rule.mode == "shadow":
            shadow.append(verdict)
            continue
        verdicts.append(verdict)
        if connector.match == "first" and verdict.verdict != "not":
            settled_by = number
    return verdicts, shadow


def _asked(connector: Connector, scope: Scope, *, every: bool = False) -> list[_Asked]:
    """Return what has to be asked, in order: the number of a rule, of an item, and what it sees."""
    plain = connector.index
    few = every or len(plain.numbers) <= ASK_ALL
    numbers = plain.numbers if few else plain.candidates(scope)
    asked: list[_Asked] = [(number, None, scope) for number in numbers]
    if connector.loops:
        for loop in connector.loops:
            asked.extend(_asked_of_items(loop, scope, every=every))
        asked.sort(key=lambda one: (one[0], -1 if one[1] is None else one[1]))
    return asked


def _asked_of_items(loop: Loop, scope: Scope, *, every: bool) -> Iterator[_Asked]:
    path, numbers = loop.path, loop.index.numbers
    try:
        items = path.get(scope)
    except RenderError as error:
        reason = Reason(error.code, f"for_each: {error.reason}", error.at)
        yield from ((number, None, reason) for number in numbers)
        return
    if items is MISSING:
        return
    if not isinstance(items, list):
        message = f"for_each needs a list, {path.text} is {type_name(items)}"
        yield from ((number, None, Reason("for-each", message)) for number in numbers)
        return
    few = every or len(items) * len(numbers) <= ASK_ALL
    for position, item in enumerate(items):
        inner = scope.with_item(item)
        for number in numbers if few else loop.index.candidates(inner):
            yield number, position, inner


def _ask(rule: Rule, item: int | None, scope: Scope, connector: Connector) -> RuleVerdict:
    verdict = _safely(_verdict, rule, item, scope, connector)
    if isinstance(verdict, Reason):
        return RuleVerdict(rule.name, rule.at, "undecided", item, reason=verdict)
    answered: RuleVerdict = verdict
    return answered


def _verdict(rule: Rule, item: int | None, scope: Scope, connector: Connector) -> RuleVerdict:
    why: tuple[Step, ...] = ()
    if rule.when is not None:
        answer, why = rule.when.judge(scope)
        if answer is False:
            return RuleVerdict(rule.name, rule.at, "not", item, why=why)
        if answer is None:
            reason = _undecided_reason(why)
            return RuleVerdict(rule.name, rule.at, "undecided", item, reason=reason, why=why)
    contact: Contact | None = None
    errors: list[fields.FieldError] = []
    notes: list[Reason] = []
    try:
        if connector.contact is not None and isinstance(rule.action, TaskAction):
            contact = _contact(rule.action, connector.contact, scope, errors)
        action = _action(rule, scope, connector, contact, errors, notes)
    except RenderError as error:
        reason = Reason(error.code, error.reason, error.at or rule.at)
        return RuleVerdict(rule.name, rule.at, "undecided", item, reason=reason, why=why)
    except fields.RefusedError as refusal:
        reasons = tuple(
            Reason(e.code, e.message, rule.at, e.field, e.pointer) for e in refusal.errors
        )
        return RuleVerdict(
            rule.name,
            rule.at,
            "matched",
            item,
            None,
            reasons[0],
            refused=True,
            errors=reasons,
            why=why,
            contact=contact,
        )
    return RuleVerdict(
        rule.name,
        rule.at,
        "matched",
        item,
        action,
        why=why,
        contact=contact,
        notes=tuple(notes),
    )


def _contact(
    action: TaskAction, source: ContactSource, scope: Scope, errors: list[fields.FieldError]
) -> Contact | None:
    try:
        return read_contact(scope.roots[CONTACT], source.unknown, errors)
    except RenderError as error:
        if action.payload is None or error.code != "undefined":
            raise
        # Whoever sends a task is told what it lacks, as of any other field.
        errors.append(missing_contact(error.reason))
        return None


def _undecided_reason(why: tuple[Step, ...]) -> Reason:
    """Return why a condition is undecided: its first undecided part that no other part outweighs."""
    settled_at = len(why)
    undecided: list[Step] = []
    for step in why:
        if step.depth > settled_at:
            continue
        settled_at = len(why)
        if step.verdict == "undecided":
            undecided.append(step)
        else:
            settled_at = step.depth
    cause = next(step for step in undecided if step.reason is not None)
    return Reason("condition", f"{cause.text}: {cause.reason}", cause.at)


def _dropped(verdicts: list[RuleVerdict]) -> Reason | None:
    """Return why nothing is to be done; None if something is."""
    first: Reason | None = None
    for verdict in verdicts:
        action = verdict.action
        if isinstance(action, Drop):
            first = first or Reason("dropped", action.reason, verdict.at)
        elif action is not None:
            return None
    return first or Reason("no-rule-matched", "no rule matched")


def _action(
    rule: Rule,
    scope: Scope,
    connector: Connector,
    contact: Contact | None,
    errors: list[fields.FieldError],
    notes: list[Reason],
) -> Action:
    action = rule.action
    if isinstance(action, TaskAction):
        deliver = connector.deliver if rule.deliver is None else rule.deliver
        return _open(action, scope, connector, deliver, contact, errors, notes)
    if isinstance(action, CloseAction):
        return _close(action, scope)
    words = storable(text(_rendered("drop", action.reason, scope)))
    return Drop(words if words.strip() else f"dropped by the rule {rule.name}")


def _rendered(name: str, value: Value, scope: Scope) -> Any:
    try:
        return value.render(scope)
    except RenderError as error:
        raise RenderError(f"{name}: {error.reason}", code=error.code, at=error.at) from None


def _render_all(values: Mapping[str, Value], scope: Scope, prefix: str = "") -> dict[str, Any]:
    rendered: dict[str, Any] = {}
    name = ""
    try:
        for name, value in values.items():
            rendered[name] = value.render(scope)
    except RenderError as error:
        reason = f"{prefix}{name}: {error.reason}"
        raise RenderError(reason, code=error.code, at=error.at) from None
    return rendered


def _open(
    action: TaskAction,
    scope: Scope,
    connector: Connector,
    deliver: tuple[str, ...],
    contact: Contact | None,
    errors: list[fields.FieldError],
    notes: list[Reason],
) -> OpenTask:
    payload, body = action.payload, scope.roots["body"]
    values = _render_all(action.varying, scope) if payload is None else payload.read(body, errors)
    if connector.fixed:
        values |= _render_all(connector.fixed, scope, "fixed.")
    given = _render_all(connector.defaults, scope, "defaults.") if connector.defaults else {}
    received_at = scope.roots["event"]["received_at"]
    context = fields.Context(connector.known, connector.timezone, received_at, connector.holidays)
    if "timezone" in given:
        context = _in_default_zone(context, given.pop("timezone"), errors)
    relative: set[str] = set()
    found = {**action.settled, **fields.read_fields(values, context, errors, relative)}
    zone = found.get("timezone", context.timezone)
    defaults: Mapping[str, Any] = {"timezone": zone}
    if given:
        counted: set[str] = set()
        of_new = fields.read_fields(given, context.in_zone(zone), errors, counted)
        # A default that counts from the event counts anew where a task is reopened (decision D15).
        moving = [name for name in of_new if name in counted and name not in found]
        found.update((name, of_new.pop(name)) for name in moving)
        relative.update(moving)
        defaults = {"timezone": zone, **of_new}
    if connector.routing.projects:
        connector.routing.take_client(found, defaults, errors)
    if payload is None:
        key = None if action.key is None else _key(action.key, action.shared, scope, errors)
        version = None if action.version is None else _version(action.version, scope)
    else:
        key, version = payload.key(body, errors), payload.version(body)
    if errors:
        raise fields.RefusedError(errors if payload is None else once_each(errors, body))
    without: Mapping[str, Any] | None = None
    if connector.routing.says_anything:
        infer, given = connector.routing.infer, {**defaults, **found}
        if contact is not None and contact.unknown == "connector":
            without = {**defaults, **infer(given, None, [])}
        defaults = {**defaults, **infer(given, contact, notes)}
    return OpenTask(
        found,
        key,
        version,
        action.on_open,
        action.on_closed,
        action.reopen_within_s,
        deliver,
        defaults,
        relative=frozenset(relative),
        update=action.update,
        without_contact=without,
    )


def _in_default_zone(
    context: fields.Context, given: Any, errors: list[fields.FieldError]
) -> fields.Context:
    """Return the context with the zone of a task whose rule gives none (decision D9)."""
    read = fields.read_fields({"timezone": given}, context, errors)
    return context.in_zone(read.get("timezone", context.timezone))


def _close(action: CloseAction, scope: Scope) -> CloseTask:
    errors: list[fields.FieldError] = []
    key = _key(action.key, action.shared, scope, errors)
    version = None if action.version is None else _version(action.version, scope)
    note = None if action.note is None else fields.note(_rendered("note", action.note, scope))
    if key is None:
        raise fields.RefusedError(errors)
    return CloseTask(action.how, key, version, note, action.reopen_within_s)


def _key(
    value: Value, shared: str | None, scope: Scope, errors: list[fields.FieldError]
) -> TaskKey | None:
    found = _rendered("key", value, scope)
    try:
        return TaskKey(fields.key(found), shared)
    except fields.FieldError as error:
        errors.append(error)
        return None


def _version(value: Value, scope: Scope) -> str | None:
    return fields.note(_rendered("version", value, scope))
