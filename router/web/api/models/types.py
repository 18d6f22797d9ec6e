"""Types that several models share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

Priority = Literal["low", "medium", "high"]
State = Literal["pending", "current", "retrying", "uncertain", "held", "failed", "dropped"]
EventStatus = Literal[
    "accepted", "routed", "dropped", "duplicate", "undecided", "refused", "held", "failed"
]
Note = Annotated[str, Field(max_length=100_000)]
Names = Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=200)]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Json = dict[str, Any]
