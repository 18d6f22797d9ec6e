"""`tests:` of a connector file, as far as its shape goes: what is sent, and what should come of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from rules.model_shape import Shape
from rules.model_types import Anything, Name, Note, Seconds, wrong_form, wrong_type
from rules.values import instant_ms, text

Outcome = Literal[
    "created",
    "updated",
    "counted",
    "reopened",
    "completed",
    "cancelled",
    "dropped",
    "ignored",
    "older version",
    "no open task",
    "refused",
    "undecided",
]
"""What an action can come to."""

MATCHES: Final = "matches"
"""The one key of a mapping that stands for a pattern: `{matches: "^Order "}`."""


def is_pattern(value: Any) -> bool:
    """Tell whether an expected value is `{matches: a text}`."""
    return isinstance(value, dict) and value.keys() == {MATCHES} and isinstance(value[MATCHES], str)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | int | Decimal) and not isinstance(value, bool)


def _line(value: Any) -> str:
    """Return a header, a parameter, a type or an id: what senders give as text."""
    if isinstance(value, bool) or _is_text(value):
        return text(value)
    raise wrong_type("this is no text", "a text")


def _instant(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("this is no instant", "a text such as 2026-01-05T09:00:00Z")
    if instant_ms(value) is None:
        raise wrong_form("this is no instant", "such as 2026-01-05T09:00:00Z")
    return value


def _true(value: Any) -> bool:
    if value is not True:
        raise wrong_form("this is only ever true", "true; leave the key out otherwise")
    return True


def _true_or(words: str, holds: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is True or holds(value):
            return value
        raise wrong_type(f"this is neither true nor {words}", f"true, or {words}")

    return check


def _one_or_list(words: str, holds: Callable[[Any], bool]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if holds(value) or (isinstance(value, list) and all(map(holds, value))):
            return value
        raise wrong_type(f"this is neither {words} nor a list of them", f"{words}, or a list")

    return check


def _file(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("this is no event", "the name of a file, or {headers, query, body}")
    if not value.strip() or not value.isprintable():
        raise wrong_form("this is no name of a file", "such as payloads/order.json")
    return value


def _tasks(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise wrong_type("this is neither how many nor a list", "a number, or a list of mappings")


def _refused(value: Any) -> bool:
    return isinstance(value, dict) and all(
        each is True or _is_text(each) for each in value.values()
    )


File = Annotated[str, PlainValidator(_file), WithJsonSchema({"type": "string", "minLength": 1})]
Line = Annotated[
    str, PlainValidator(_line), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Instant = Annotated[str, PlainValidator(_instant), WithJsonSchema({"type": "string"})]
Only = Annotated[bool, PlainValidator(_true), WithJsonSchema({"const": True})]
Why = Annotated[
    Any,
    PlainValidator(_true_or("a reason", lambda value: _is_text(value) or is_pattern(value))),
    WithJsonSchema({"type": ["boolean", "string", "object"]}),
]
"""`true`, the words of a reason, or a pattern for them."""
Keys = Annotated[
    Any,
    PlainValidator(_one_or_list("a key", _is_text)),
    WithJsonSchema({"type": ["string", "number", "array"]}),
]
Tasks = Annotated[Any, PlainValidator(_tasks), WithJsonSchema({"type": ["integer", "array"]})]
Refused = Annotated[
    Any,
    PlainValidator(_true_or("a mapping of fields to codes", _refused)),
    WithJsonSchema({"type": ["boolean", "object"]}),
]


class InlineModel(Shape):
    """An event that is written into the test."""

    body: Anything = Field(description="as YAML; a text is sent as it is")
    headers: dict[str, Line] = Field(default_factory=dict, description="as the sender sends them")
    query: dict[str, Line] = Field(default_factory=dict, description="parameters of the address")


class ExpectModel(Shape):
    """What should come of an event; what is not named is not compared."""

    rule: Name | None = Field(None, description="this rule matched, whatever others did")
    rules: list[Name] | None = Field(None, description="exactly these rules matched")
    status: Literal["routed", "dropped", "duplicate", "undecided", "refused", "failed"] | None = (
        Field(None, description="of the event")
    )
    outcome: Outcome | list[Outcome] | None = Field(
        None, description="what the action came to, or each of them"
    )
    task: dict[str, Any] | None = Field(None, description="fields of the one task of the event")
    tasks: Tasks = Field(None, description="how many, or the fields of each")
    complete: Keys = Field(None, description="the key of the task that was completed")
    cancel: Keys = Field(None, description="the key of the task that was cancelled")
    deliver: list[Name] | None = Field(None, description="the destinations that are told of it")
    dropped: Why = Field(None, description="true, or the reason")
    duplicate: Only | None = Field(None, description="true: another event was the same")
    undecided: Why = Field(None, description="true, or the reason")
    refused: Refused = Field(None, description="true, or the code by field")
    shadow: list[Name] | None = Field(None, description="exactly these shadow rules would act")


class _Sent(Shape):
    headers: dict[str, Line] = Field(
        default_factory=dict, description="beside, or in place of, those of the event"
    )
    query: dict[str, Line] = Field(default_factory=dict, description="the same of parameters")
    type: Line | None = Field(None, description="in place of what the sender calls the event")
    delivery_id: Line | None = Field(None, description="in place of the sender's")
    received_at: Instant | None = Field(
        None, description="when it came; 2026-01-05T09:00:00Z, a Monday, by default"
    )
    expect: ExpectModel | None = Field(None, description="what should come of it")


class _SentHead(Shape):
    event: File | InlineModel = Field(description="a file, or {headers, query, body}")
    after: Seconds | None = Field(None, description="how long after the one before it")


class SentModel(_Sent, _SentHead):
    """One of several events."""


class _TestHead(Shape):
    name: Name = Field(description="what it proves; unique in the connector")
    description: Note = Field(None, description="for people")
    event: File | InlineModel | None = Field(
        None, description="a file beside this one, or {headers, query, body}"
    )
    events: list[File | SentModel] | None = Field(
        None, description="in place of `event`: several, in this order"
    )


class RuleTestModel(_Sent, _TestHead):
    """A test: an event, or several in order, and what should come of it."""
