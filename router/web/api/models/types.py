"""Types that several models share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

Priority = Literal["low", "medium", "high"]
State = Literal["pending", "current", "retrying", "uncertain", "held", "failed", "dropped"]
EventStatus = Literal[
    "accepted", "routed", "dropped", "duplicate", "undecided", "refused", "held", "failed"
]
_CONTROL: Final = r"\u0000-\u001f\u007f-\u009f\u2028\u2029"
SOME_TEXT: Final[JsonDict] = {"pattern": r"[^\s\u001c-\u001f\u0085]"}
"""What a schema says of a text that is not blank. The readers of fields see to it, and have better words."""
SOME_LINE: Final[JsonDict] = {"pattern": rf"[^\s{_CONTROL}]"}
"""The same where control characters are read as blanks."""
ONE_LINE: Final[JsonDict] = {"pattern": rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"}
"""The same where there may be none."""
CLOCK: Final[JsonDict] = {"pattern": r"^\s*([01]?[0-9]|2[0-3]):[0-5][0-9]\s*$"}
NUMBER: Final[JsonDict] = {"pattern": r"^\+[1-9][0-9]{6,14}$"}
"""A phone number as it is kept; blanks, dashes and brackets are taken, too."""
ADDRESS: Final[JsonDict] = {"format": "email"}


def _whole(value: Any) -> Any:
    """Return 5 for 5.0: JSON has one kind of number, and some programs write all of them with a point."""
    if isinstance(value, Decimal) and abs(value) < _MOST and value == value.to_integral_value():
        return int(value)
    return value


_MOST: Final = 10**15
WHOLE: Final = BeforeValidator(_whole)
Note = Annotated[str, Field(max_length=100_000, json_schema_extra=SOME_TEXT)]
Names = Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=200)]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Json = dict[str, Any]
