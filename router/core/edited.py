"""Which fields of a task somebody changed by hand, so that rules leave them alone (decision K7).

A field is named as rules name it: what shows one date is one field, `due`, and each key of `custom` is
a field of its own. Pure: it takes and gives columns of `tasks`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from router.core.store.schema import Row

_CUSTOM: Final = "custom."
_NOT_THERE: Final = object()

FIELDS: Final = {
    "title": "title",
    "description": "description",
    "type": "type",
    "priority": "priority",
    "start_ms": "start",
    "due_ms": "due",
    "due_date": "due",
    "due_time": "due",
    "all_day": "due",
    "timezone": "due",
    "duration_minutes": "duration_minutes",
    "reminder": "reminder",
    "assignees": "assignees",
    "followers": "followers",
    "labels": "labels",
    "contact": "contact",
    "client": "client",
    "project": "project",
    "links": "links",
}
"""The field that each column is of, but for `custom`. What is not here, such as the status, is no field
that a rule gives, and is never kept from it."""


def fields_changed(row: Row, values: Row) -> list[str]:
    """Return the fields of a task that new values of columns would change, in their order."""
    return list(dict.fromkeys(_changed(row, values)))


def _changed(row: Row, values: Row) -> Iterator[str]:
    for column, value in values.items():
        if column == "custom":
            before = row["custom"]
            for name in dict.fromkeys([*before, *value]):
                if before.get(name, _NOT_THERE) != value.get(name, _NOT_THERE):
                    yield _CUSTOM + name
        elif column in FIELDS and row[column] != value:
            yield FIELDS[column]


def unless_edited(row: Row, values: Row) -> tuple[Row, list[str]]:
    """Return of a rule's values those that it may write, and the fields it would have changed.

    `custom` in `values` holds only the keys that the rule gives.
    """
    edited = set(row["edited"] or ())
    if not edited:
        return values, []
    written: Row = {}
    kept: Row = {}
    for column, value in values.items():
        if column == "custom":
            written[column] = {k: v for k, v in value.items() if _CUSTOM + k not in edited}
            kept[column] = row["custom"] | {k: v for k, v in value.items() if _CUSTOM + k in edited}
        elif FIELDS.get(column) in edited:
            kept[column] = value
        else:
            written[column] = value
    return written, fields_changed(row, kept)


def fields_given(values: Row) -> set[str]:
    """Return the fields that a rule's values write."""
    given = {FIELDS[column] for column in values if column in FIELDS}
    return given | {_CUSTOM + name for name in values.get("custom", ())}


def with_edited(edited: Collection[str] | None, fields: Collection[str]) -> list[str] | None:
    """Return the fields changed by hand once these were, too."""
    return _or_none({*(edited or ()), *fields})


def without_edited(edited: Collection[str] | None, fields: Collection[str]) -> list[str] | None:
    """Return the fields changed by hand once a rule wrote these."""
    return _or_none(set(edited or ()).difference(fields))


def _or_none(fields: Collection[str]) -> list[str] | None:
    return sorted(fields) or None
