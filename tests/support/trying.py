"""What schemathesis is told: who it is, how much to try, and which words and ids there are that no schema has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.support.furnished import Ids
from tests.support.senders import ADMIN_TOKEN

_MOSTLY: Final = 0.8
"""How often a value is one of those below; else it is as the schema has it."""

_DATES: Final = (
    "tomorrow",
    "+2 business days",
    "+9999999 days",
    "2026-12-01",
    "2026-02-30",
    "17:00",
    "2026-12-01T10:00:00Z",
    "9999-12-31",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
)
_VALUES: Final[Mapping[str, Sequence[str]]] = {
    "dates": _DATES,
    "clocks": ("00:00", "9:30", "23:59", "24:00"),
    "zones": ("UTC", "Europe/London", "Pacific/Apia", "Mars/Olympus"),
    "people": ("jane", "amir", "nobody"),
    "clients": ("acme", "nobody"),
    "projects": ("support", "nothing"),
    "statuses": ("open", "in_progress", "done", "lost"),
    "destinations": ("downstream", "nowhere"),
    "versions": ('"1"', '"2"', '"3", W/"1"', "*"),
}
"""Words that no schema has, among which are some of the directory, and some at the edges of the calendar."""
_OF_TASKS: Final[Mapping[str, str]] = {
    **{f"body.{name}": "dates" for name in ("start", "start_at", "due", "due_at", "due_date")},
    "body.due_time": "clocks",
    "body.timezone": "zones",
    "body.assignees[*]": "people",
    "body.followers[*]": "people",
    "body.client": "clients",
    "body.project": "projects",
    "body.status": "statuses",
}

_CONFIG: Final = """\
hooks = "tests.support.unknowable"

[auth.openapi.token]
bearer = "{token}"

[generation]
# No draw is by chance, so that a run says something of the change it is made for.
deterministic = true
max-examples = {examples}
database = "none"

[checks.negative_data_rejection]
# What is too large, or of another version, is refused as such, whatever else is wrong with it.
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]

[dictionaries]
{dictionaries}

{operations}
"""


def configuration(ids: Ids, examples: int) -> str:
    """Return the configuration file, with so many examples of each operation."""
    dictionaries = {**ids, **_VALUES}
    return _CONFIG.format(
        token=ADMIN_TOKEN,
        examples=examples,
        dictionaries="\n".join(
            f"{name} = {{ values = {json.dumps(values)} }}" for name, values in dictionaries.items()
        ),
        operations="\n".join(_bound(path, names) for path, names in _bindings(ids)),
    )


def _bindings(ids: Ids) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield addresses, each once, and which of their parameters take their values from which dictionary."""
    for name in sorted(ids.keys() - {"tasks", "tasks-cursors"}):
        kind, _, cursors = name.partition("-")
        if cursors:
            yield f"^/api/v1/{kind}$", {"query.cursor": name}
        else:
            yield f"^/api/v1/{kind}/[{{]id[}}]", {"path.id": name}
    new = {"query.cursor": "tasks-cursors", "body.deliver[*]": "destinations"}
    yield "^/api/v1/tasks$", {**new, **_OF_TASKS}
    one = {"path.id": "tasks", "header.If-Match": "versions"}
    yield "^/api/v1/tasks/[{]id[}]$", {**one, **_OF_TASKS}
    yield "^/api/v1/tasks/[{]id[}]/", one


def _bound(path: str, names: Mapping[str, str]) -> str:
    bound = [
        f'"{name}" = {{ dictionary = "{words}", probability = {_MOSTLY} }}'
        for name, words in names.items()
    ]
    selected = f'include-path-regex = "{path}"'
    return "\n".join(["[[operations]]", selected, "[operations.parameters]", *bound, ""])
