"""Who does something by hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: `api:NAME` or `cli:NAME`, and the id of the token where there is one."""

    kind: str
    name: str
    key_id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"
