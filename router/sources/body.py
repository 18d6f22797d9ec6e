"""Reading what a sender wrote into a body, whatever it turns out to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def value_at(body: Any, *keys: str) -> Any:
    """Return what is under a key of a JSON mapping, or of mappings in it; None if nothing is."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def text_at(body: Any, *keys: str) -> str | None:
    """Return the text under a key of a JSON mapping, or of mappings in it; None for anything else."""
    value = value_at(body, *keys)
    return value if isinstance(value, str) else None


def joined(parts: Sequence[Any]) -> str | None:
    """Return texts and whole numbers joined with `:`, as composed ids are; None if one is missing."""
    if not parts or any(type(part) not in {str, int} or part == "" for part in parts):
        return None
    return ":".join(map(str, parts))


def batch_name(names: Sequence[str | None]) -> str | None:
    """Return what a batch is called: after its first element, with `+` where others differ."""
    first = names[0] if names else None
    if first is None:
        return None
    return first if all(name == first for name in names) else f"{first}+"
