"""What adapters share in reading answers: JSON of any shape, ids in it, and hints in headers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from router.core import jsonio
from rules.paths import MISSING, Path, PathError, parse_path
from rules.scope import Scope
from workers.destinations.outcome import MAX_PAUSE_S, Answer, Kind, Outcome, time_there

_MAX_ID = 255
_EPOCH_FROM_S = 1_000_000
"""A number of seconds from here on is a moment, not a wait."""


def content_of(answer: Answer) -> Any:
    """Return what the body says; None if it is not JSON, or was cut short."""
    if answer.truncated:
        return None
    try:
        return jsonio.loads(answer.body)
    except jsonio.UnparseableError:
        return None


def inner(value: Any, *names: str) -> Any:
    """Return what mappings in mappings hold under these names; None where there is no such thing."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the members of a list that are mappings; nothing if it is no list."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def words(value: Any) -> str:
    """Return a text as it is; anything else is an empty one."""
    return value if isinstance(value, str) else ""


def id_of(value: Any) -> str | None:
    """Return an id that an answer gives (Q7): a short printable text or an integer; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    usable = 0 < len(text) <= _MAX_ID and text.isprintable() and text not in {".", ".."}
    return text if usable else None


def answer_path(words: str) -> str:
    """Return the words if they are a path into an answer, such as `data.id`.

    Raises:
        ValueError: They are not; the message says why.
    """
    try:
        _parsed(words)
    except PathError as error:
        raise ValueError(f"it is no path, such as data.id: {error.message}") from None
    return words


def id_at(path: str, answer: Answer) -> str | None:
    """Return the id at a path of an answer; None if there is none."""
    found = _parsed(path).get(Scope({"answer": content_of(answer)}))
    return None if found is MISSING else id_of(found)


def created(answer: Answer, found: str | None, place: str) -> Outcome:
    """Return what a creation that was answered with success came to: without an id, who knows (V9)."""
    if found is None:
        message = f"answered {answer.status}, but there is no id at {place}"
        return Outcome(Kind.UNCERTAIN, "no-id", message, answer.status)
    return Outcome(Kind.DELIVERED, status=answer.status, external_id=found)


def about(outcome: Outcome, named: Iterable[str], ours: Mapping[str, str]) -> Outcome:
    """Return an outcome whose message says which fields of a task the vendor's names are about."""
    found = dict.fromkeys(ours[name] for name in named if name in ours)
    if not found:
        return outcome
    fields = ", ".join(f"`{name}`" for name in found)
    return replace(outcome, message=f"{outcome.message} (about {fields} of the task)")


def reset_after(answer: Answer, header: str, now_s: float) -> float | None:
    """Return the seconds until the moment a header such as `RateLimit-Reset` gives.

    It may hold a wait in seconds or a moment in seconds since the epoch.
    """
    try:
        value = float(answer.headers.get(header, ""))
    except ValueError:
        return None
    if not math.isfinite(value) or value < 0:
        return None
    wait_s = value if value < _EPOCH_FROM_S else value - time_there(answer, now_s)
    return min(max(wait_s, 0.0), MAX_PAUSE_S)


def _parsed(words: str) -> Path:
    return parse_path(f"answer{'' if words.startswith('[') else '.'}{words}")
