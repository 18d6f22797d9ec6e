"""What of a task its copy shows: fingerprints of what was sent, kept with the delivery.

They tell a closing from a change, and which fields a destination that cannot change everything shows
otherwise (decision V10). `kind` is the kind of status it shows, `rest` stands for everything else, and
`fields` is there field by field where a destination cannot change some.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, Final

from router.core import jsonio
from workers.fields import Row

NEW: Final = "initial"
"""Kind of status of a copy that is new."""
REMOVED: Final = "removed"
"""Instead of a kind: the copy was removed."""

FIELDS: Final = (
    "title",
    "description",
    "status",
    "type",
    "priority",
    "start_at",
    "due_at",
    "all_day",
    "timezone",
    "duration_minutes",
    "reminder",
    "assignees",
    "followers",
    "labels",
    "contact",
    "client",
    "project",
    "links",
    "custom",
)
"""Fields of the contract's Task that a copy can show and that can change."""
_OF_ITS_STATUS: Final = frozenset(
    {"status", "status_kind", "completed_at", "version", "updated_at", "source", "deliveries"}
)
_BYTES: Final = 6


def shown_of(shape: Mapping[str, Any], kind: str, *, by_field: bool) -> Row:
    """Return what a copy shows that has all of a task (as JSON).

    `occurrences` are not to be in it where the destination does not show them.
    """
    rest = {name: value for name, value in shape.items() if name not in _OF_ITS_STATUS}
    shown: Row = {"kind": kind, "rest": _print(rest)}
    if by_field:
        shown["fields"] = _prints(shape)
    return shown


def kind_of(delivery: Row) -> str | None:
    """Return the kind of status a copy shows; None if that was not noted."""
    kind: str | None = (delivery["shown"] or {}).get("kind")
    return kind


def is_same_but_for_status(delivery: Row, shape: Mapping[str, Any]) -> bool | None:
    """Tell whether a copy shows everything but the status; None if that was not noted."""
    shown = delivery["shown"]
    if shown is None:
        return None
    return bool(shown["rest"] == shown_of(shape, "", by_field=False)["rest"])


def after_change(
    before: Row | None,
    shape: Mapping[str, Any],
    kind: str,
    unchanged: Collection[str],
    *,
    by_field: bool,
) -> Row:
    """Return what a copy shows after a change that left some fields as they were."""
    shown = shown_of(shape, kind, by_field=by_field)
    if by_field and before is not None:
        old = before.get("fields") or {}
        shown["fields"] |= {name: old[name] for name in unchanged if name in old}
    return shown


def differing(shown: Row | None, shape: Mapping[str, Any]) -> list[str]:
    """Return the fields that a copy shows otherwise than the task has them."""
    fields = (shown or {}).get("fields") or {}
    now = _prints(shape) if fields else {}
    return [name for name in FIELDS if name in fields and fields[name] != now[name]]


def _prints(shape: Mapping[str, Any]) -> dict[str, str]:
    return {name: _print(shape[name]) if shape[name] else "" for name in FIELDS}


def _print(value: Any) -> str:
    return blake2b(jsonio.dump_bytes(value), digest_size=_BYTES).hexdigest()
