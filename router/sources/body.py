"""Reading what a sender wrote into a body, whatever it turns out to be."""

from __future__ import annotations

from typing import Any


def text_at(body: Any, key: str) -> str | None:
    """Return the text under a key of a JSON mapping; None for anything else."""
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None
