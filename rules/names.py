"""Which characters names may have, and what looks like a secret's value where its name belongs."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

CONNECTOR_FORM: Final = "small letters, digits and `-`, at most 63, such as `shop`"
SECRET_FORM: Final = "the name of a secret: small letters, digits and `_`, such as `shop_webhook`"  # noqa: S105  it describes names
VARIABLE_FORM: Final = "letters, digits and `_`, not starting with a digit"

CONNECTOR_PATTERN: Final = "^[a-z0-9][a-z0-9-]{0,62}$"
DESTINATION_PATTERN: Final = "^[a-z0-9][a-z0-9_-]{0,62}$"
VARIABLE_PATTERN: Final = "^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_CONNECTOR = re.compile(CONNECTOR_PATTERN)
_DESTINATION = re.compile(DESTINATION_PATTERN)
_SECRET = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VARIABLE = re.compile(VARIABLE_PATTERN)
# Tokens of small letters and digits pass for names: a long run with several digits gives them away.
_TOKEN = re.compile(r"[a-z0-9]{16,}")
_DIGITS_OF_A_TOKEN: Final = 3


def is_connector_name(text: str) -> bool:
    """Tell whether a connector may be called so (decision N14)."""
    return _CONNECTOR.fullmatch(text) is not None


def is_destination_name(text: str) -> bool:
    """Tell whether a destination may be called so."""
    return _DESTINATION.fullmatch(text) is not None


def is_variable_name(text: str) -> bool:
    """Tell whether a variable may be called so: `vars.total` has to be a path."""
    return _VARIABLE.fullmatch(text) is not None


def is_secret_name(text: str) -> bool:
    """Tell whether a secret may be called so, and is not its value by the look of it (N14)."""
    if _SECRET.fullmatch(text) is None:
        return False
    runs = _TOKEN.findall(text)
    return all(sum(map(str.isdigit, run)) < _DIGITS_OF_A_TOKEN for run in runs)


class SecretName(str):
    """The name of a secret, as a field of a configuration model.

    A name that cannot be one is an error that does not show it: it may be the secret itself.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate what is written."""
        del source, handler
        return core_schema.no_info_plain_validator_function(cls._validate)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe it to editors."""
        del schema, handler
        return {"type": "string", "pattern": f"^{_SECRET.pattern}$"}

    @classmethod
    def _validate(cls, value: Any) -> SecretName:
        if not isinstance(value, str):
            raise PydanticCustomError(
                "R013", "a secret's name is a text", {"expected": SECRET_FORM}
            )
        if not is_secret_name(value):
            raise PydanticCustomError(
                "R022",
                "this is no name of a secret",
                {
                    "expected": SECRET_FORM,
                    "hint": "rule files hold names of secrets, never values; "
                    "if this is a value, give the sender a new one",
                },
            )
        return cls(value)
