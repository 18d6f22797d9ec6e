"""Parts of the JSON Schemas that follow from tables rather than from models: conditions, senders, types.

Each is said the way editors report best: `if type is X, then …`, so that a slip in one form is not
answered with all that the other forms would have wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from rules.catalogues import Catalogues
from rules.model_types import TEXT_SCHEMA
from rules.names import DESTINATION_PATTERN, VARIABLE_PATTERN
from rules.operators import OPERATORS, TYPES
from rules.scope import EVENT_ROOTS

Schema = dict[str, Any]

_ROOTS: Final = "|".join([*sorted(EVENT_ROOTS), "contact", "item"])
_CONDITION: Final[Schema] = {"$ref": "#/$defs/condition"}
_SCALAR: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
_MANY: Final[Schema] = {"type": "array", "items": _CONDITION, "minItems": 1}
_TEXT: Final[Schema] = {"type": "string"}
_LIST: Final[Schema] = {"type": "array"}
_ORDERED: Final[Schema] = {"type": ["number", "string"]}
_VALUES: Final[Mapping[str, Schema]] = {
    "in": _LIST,
    "not_in": _LIST,
    "gt": _ORDERED,
    "gte": _ORDERED,
    "lt": _ORDERED,
    "lte": _ORDERED,
    "has_any": {"type": "array", "minItems": 1},
    "has_all": {"type": "array", "minItems": 1},
    "matches": _TEXT,
    "starts_with": _TEXT,
    "ends_with": _TEXT,
    "exists": {"type": "boolean"},
    "type": {"enum": [*TYPES, None]},
    "cidr": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
    "between_times": {"type": "array", "minItems": 2, "maxItems": 2},
}


def parts(catalogues: Catalogues) -> Mapping[str, Callable[[], Schema]]:
    """Return what makes each part, by the name that models call it by."""
    return {
        "condition": _condition,
        "expected": _expected,
        "key": _key,
        "vars": _vars,
        "source": lambda: dict(catalogues.source_schema),
        "destinations": lambda: _destinations(catalogues),
    }


def _condition() -> Schema:
    return {
        "description": "paths and what is expected of each, any, all, not; or an expression",
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "any": {**_MANY, "description": "one of these holds"},
                    "all": {**_MANY, "description": "each of these holds"},
                    "not": {**_CONDITION, "description": "this does not hold"},
                    "event": {
                        "$ref": "#/$defs/expected",
                        "description": "the event's type, as the sender calls it",
                    },
                },
                "propertyNames": {"pattern": rf"^(any|all|not|({_ROOTS})([.\[].*)?)$"},
                "additionalProperties": {"$ref": "#/$defs/expected"},
                "minProperties": 1,
            },
            {"type": "string", "description": "an expression that is true or false"},
        ],
    }


def _expected() -> Schema:
    operators = {name: _VALUES.get(name, {}) for name in OPERATORS}
    return {
        "description": "the value itself, or operators",
        "anyOf": [
            _SCALAR,
            _LIST,
            {
                "type": "object",
                "properties": operators,
                "additionalProperties": False,
                "minProperties": 1,
            },
        ],
    }


def _key() -> Schema:
    shared = {
        "type": "object",
        "properties": {"shared": TEXT_SCHEMA},
        "required": ["shared"],
        "additionalProperties": False,
    }
    return {"anyOf": [{"type": ["string", "number"]}, shared]}


def _vars() -> Schema:
    return {"type": "object", "propertyNames": {"pattern": VARIABLE_PATTERN}}


def _destinations(catalogues: Catalogues) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": DESTINATION_PATTERN},
        "additionalProperties": choice(
            "type",
            {name: model.model_json_schema() for name, model in catalogues.destinations.items()},
        ),
    }


def choice(key: str, forms: Mapping[str, Schema]) -> Schema:
    """Return the schema of a mapping whose `key` says which of the forms it has."""
    return {
        "type": "object",
        "properties": {key: {"enum": list(forms)}},
        "required": [key],
        "allOf": [
            {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": form}
            for name, form in forms.items()
        ],
    }
