"""Kinds of values in rule files, for the models: what each takes, and what it says of the rest.

A value that may be a template is taken as it is; what becomes of it is checked when it is compiled,
or, where only an event decides, when it is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rules.fields import MAX_MINUTES
from rules.names import CONNECTOR_FORM, CONNECTOR_PATTERN, is_connector_name
from rules.networks import RANGE_EXAMPLE, host_bits_hint, network_of
from rules.units import (
    RATE_EXAMPLE,
    RATE_PATTERN,
    SIZE_EXAMPLE,
    SIZE_PATTERN,
    SPAN_EXAMPLE,
    SPAN_PATTERN,
    rate_per_ms,
    size_bytes,
    span_ms,
)

MAX_NAME: Final = 200
_TEN_YEARS_S: Final = 10 * 366 * 86_400
_MAX_BURST: Final = 1_000_000
_MAX_BODY: Final = 64 * 1024 * 1024
_SECOND_MS: Final = 1000
_MARKS: Final = ("{{", "{%", "{#")
_ADDRESS: Final = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?(?:/[!-~]*)?", re.ASCII
)


def is_template(value: Any) -> bool:
    """Tell whether a value is a text that is rendered for each event."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def wrong_type(message: str, expected: str, hint: str | None = None) -> PydanticCustomError:
    """Return the error for a value of the wrong type."""
    context = {"expected": expected} if hint is None else {"expected": expected, "hint": hint}
    return PydanticCustomError("R013", "{message}", {"message": message, **context})


def wrong_form(message: str, expected: str, code: str = "R015") -> PydanticCustomError:
    """Return the error for a value of the right type in the wrong form."""
    return PydanticCustomError(code, "{message}", {"message": message, "expected": expected})


def _text(value: Any) -> Any:
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, str | int | Decimal)
    ):
        raise wrong_type("this is no text", "a text")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("a name is a text", "a text", "put it in quotes")
    if not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise wrong_form("this is no name", f"one line of at most {MAX_NAME} characters")
    return value


def _note(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise wrong_type("this is no text", "a text", "put it in quotes")
    return value


def _connector_name(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type("a connector's name is a text", CONNECTOR_FORM)
    if not is_connector_name(value):
        raise wrong_form("a connector cannot be called so", CONNECTOR_FORM, "R021")
    return value


def _names(value: Any) -> Any:
    if value is None or is_template(value):
        return value
    if isinstance(value, str):
        raise wrong_type("this is no list", "a list", f"write [{value[:40]}]")
    if not isinstance(value, list):
        raise wrong_type("this is no list", "a list of names")
    for each in value:
        if each is not None and (isinstance(each, bool) or not isinstance(each, str | int)):
            raise wrong_type("this is no list of names", "a list of names")
    return value


def _shape_or_template(kind: type, words: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is None or is_template(value) or isinstance(value, kind):
            return value
        raise wrong_type(f"this is not {words}", words)

    return check


def _minutes(value: Any) -> Any:
    if value is None or is_template(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type("minutes are a whole number", "a whole number, such as 30")
    if not 1 <= value <= MAX_MINUTES:
        message = "this is too short" if value < 1 else "this is too long"
        raise wrong_form(message, f"a whole number from 1 to {MAX_MINUTES}")
    return value


def _choice_or_template(*choices: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is None or is_template(value) or (isinstance(value, str) and value in choices):
            return value
        message = "this is not one of the choices"
        raise wrong_form(message, ", ".join(choices), "R014")

    return check


def _seconds(value: Any) -> int:
    milliseconds = span_ms(value) if isinstance(value, str) else None
    if milliseconds is None:
        raise wrong_form("this is no span of time", SPAN_EXAMPLE)
    if not _SECOND_MS <= milliseconds <= _TEN_YEARS_S * _SECOND_MS:
        raise wrong_form("this is out of bounds", "from 1s to ten years")
    return -(-milliseconds // _SECOND_MS)


def _body_bytes(value: Any) -> int:
    size = size_bytes(value) if isinstance(value, str) else None
    if size is None:
        raise wrong_form("this is no size", SIZE_EXAMPLE)
    if not 0 < size <= _MAX_BODY:
        raise wrong_form("this is out of bounds", "from 1B to 64MiB")
    return size


def _rate(value: Any) -> tuple[int, int]:
    rate = rate_per_ms(value) if isinstance(value, str) else None
    if rate is None:
        raise wrong_form("this is no rate", RATE_EXAMPLE)
    count, span = rate
    if not 1 <= count <= _MAX_BURST or not 1 <= span <= _TEN_YEARS_S * _SECOND_MS:
        raise wrong_form("this is out of bounds", "at least 1 in at most ten years")
    return rate


def _burst(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type("a burst is a whole number", "a whole number, such as 200")
    if not 1 <= value <= _MAX_BURST:
        raise wrong_form("this is out of bounds", f"from 1 to {_MAX_BURST}")
    return value


def _address(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise wrong_type("an address is a text", "https://hooks.example.com", "put it in quotes")
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise wrong_form("an address here has no user", "https://hooks.example.com", "R022")
    if not _ADDRESS.fullmatch(value) or "?" in value or "#" in value:
        raise wrong_form("this is no address", "https://host, or https://host/path", "R035")
    return value


def _ranges(value: Any) -> Any:
    """Return ranges of addresses as a list; to name none is to let nobody in, which nobody wants."""
    if value is None or value == []:
        raise wrong_form("this is empty", f"a list with {RANGE_EXAMPLE}", "R038")
    return value if isinstance(value, list) else [value]


def _range(value: Any) -> str:
    try:
        return str(network_of(value))
    except ValueError:
        raise PydanticCustomError(
            "R038",
            "{message}",
            {
                "message": "this is no range of addresses",
                "expected": f"{RANGE_EXAMPLE}, or one address",
                **({"hint": hint} if (hint := host_bits_hint(value)) else {}),
            },
        ) from None


_TEMPLATE: Final = {"type": "string", "pattern": r"\{[{%#]"}
_NULL: Final = {"type": "null"}


def _or_template(*schemas: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [*schemas, _TEMPLATE, _NULL]})


def part(name: str) -> WithJsonSchema:
    """Return the schema of a value that `rules.schema_parts` describes by this name."""
    return WithJsonSchema({PART: name})


def _written(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": rf"^\s*{pattern}\s*$"})


PART: Final = "x-part"
"""The key under which a schema names the part that stands for it."""

_LINK: Final = {
    "type": "object",
    "properties": {"object": {}, "id": {}},
    "required": ["object", "id"],
    "additionalProperties": False,
}
_REMINDER: Final = {
    "type": "object",
    "properties": {
        "days_before": {
            "description": "whole days before it is due; 0 by default",
            "anyOf": [{"type": "integer", "minimum": 0}, _TEMPLATE, _NULL],
        },
        "time": {
            "description": "HH:MM in the task's time zone",
            "anyOf": [{"type": "string", "pattern": r"^\s*\d{1,2}:\d\d\s*$"}, _TEMPLATE, _NULL],
        },
        "notify": {
            "description": "email or none",
            "anyOf": [{"enum": ["email", "none"]}, _TEMPLATE, _NULL],
        },
    },
    "additionalProperties": False,
}

TEXT_SCHEMA: Final[dict[str, Any]] = {"type": ["string", "number", "null"]}
Text = Annotated[Any, PlainValidator(_text), WithJsonSchema(TEXT_SCHEMA)]
"""A text, or a number that is read as one; may be a template; null leaves it unset."""
Line = Annotated[
    Any, PlainValidator(_text), WithJsonSchema({"type": ["string", "number"], "pattern": r"\S"})
]
"""The same, where it may not be left unset."""
Name = Annotated[str, PlainValidator(_name), WithJsonSchema({"type": "string", "minLength": 1})]
Note = Annotated[str | None, PlainValidator(_note), WithJsonSchema({"type": ["string", "null"]})]
"""A text for people who read the file."""
ConnectorName = Annotated[
    str,
    PlainValidator(_connector_name),
    WithJsonSchema({"type": "string", "pattern": CONNECTOR_PATTERN}),
]
Names = Annotated[
    Any,
    PlainValidator(_names),
    _or_template({"type": "array", "items": {"type": ["string", "integer", "null"]}}),
]
"""A list of names, each of which may be a template, or one expression that gives a list."""
Links = Annotated[
    Any,
    PlainValidator(_shape_or_template(list, "a list")),
    _or_template({"type": "array", "items": {"anyOf": [_LINK, _TEMPLATE, _NULL]}}),
]
Mapping_ = Annotated[
    Any, PlainValidator(_shape_or_template(dict, "a mapping")), _or_template({"type": "object"})
]
Reminder = Annotated[
    Any, PlainValidator(_shape_or_template(dict, "a mapping")), _or_template(_REMINDER)
]
Minutes = Annotated[Any, PlainValidator(_minutes), _or_template({"type": "integer", "minimum": 1})]
Priority = Annotated[
    Any,
    PlainValidator(_choice_or_template("low", "medium", "high")),
    _or_template({"enum": ["low", "medium", "high"]}),
]
Seconds = Annotated[int, PlainValidator(_seconds), _written(SPAN_PATTERN)]
"""A span of time; its value is whole seconds, rounded up."""
Bytes = Annotated[int, PlainValidator(_body_bytes), _written(SIZE_PATTERN)]
"""A size; its value is bytes."""
Rate = Annotated[tuple[int, int], PlainValidator(_rate), _written(RATE_PATTERN)]
"""A rate; its value is how many in how many milliseconds."""
Burst = Annotated[int, PlainValidator(_burst), WithJsonSchema({"type": "integer", "minimum": 1})]
Address = Annotated[
    str | None, PlainValidator(_address), WithJsonSchema({"type": ["string", "null"]})
]
"""An address of the web without user, query and fragment."""
Ranges = Annotated[
    list[Annotated[str, PlainValidator(_range)]] | None,
    BeforeValidator(_ranges),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
"""Ranges of addresses, or one; its value is a list of them in their shortest form."""
Key = Annotated[Any, part("key")]
"""What a task is found by again: a text, or `{shared: a text}`."""
When = Annotated[Any, part("condition")]
Source = Annotated[Any, part("source")]
Dedupe = Annotated[Any, part("dedupe")]
Vars = Annotated[dict[str, Any], part("vars")]
Destinations = Annotated[dict[str, Any], part("destinations")]
Anything = Annotated[Any, WithJsonSchema({})]
