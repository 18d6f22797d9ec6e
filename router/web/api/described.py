"""What `/openapi.json` says of each address beside what its route and its handler say already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from router.core import names
from router.core.code_samples import LANGUAGES
from router.core.store.audit import ACTIONS
from router.core.store.contacts import KNOWN_BY
from router.core.store.deliveries import STATES
from router.core.store.tasks import NEWEST, ORDERS
from router.web import problems
from router.web.api import models, tasks
from router.web.api.bodies import JSON, MAX_KEY, MERGE_PATCH
from router.web.api.events import STATUSES
from router.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Described:
    """An address and a method: what comes, what goes, what may be asked, and what may go wrong.

    `also` are statuses that are answered with the same model, `lists` says that pages of it are.
    `headers` come with the request, `shows` with its answer.
    """

    tag: str
    answer: type[BaseModel] | None
    status: int = 200
    also: tuple[int, ...] = ()
    lists: bool = False
    body: type[BaseModel] | None = None
    types: tuple[str, ...] = (JSON,)
    needs_body: bool = True
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


_TEXT: Final = {"type": "string"}
# Of each unit as many as do not reach beyond the calendar.
_SPAN: Final = (
    r"^\s*([0-9]{1,5}\s*[wd]|[0-9]{1,7}\s*h|[0-9]{1,9}\s*m|[0-9]{1,10}\s*s|[0-9]{1,13}\s*ms)\s*$"
)
_INSTANT: Final = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": _SPAN},
    ],
    "description": "an RFC 3339 instant, a day, or a span such as `7d`: so long ago",
    "examples": ["7d"],
}
PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "default": 50,
        "description": "at most 200 are given",
    },
    "cursor": {**_TEXT, "description": "`next_cursor` of the page before"},
    "since": {**_INSTANT, "description": f"from then on; {_INSTANT['description']}"},
    "until": {**_INSTANT, "description": f"before then; {_INSTANT['description']}"},
    "status": _TEXT,
    "status_kind": {"type": "string", "enum": ["initial", "in_progress", "done", "cancelled"]},
    "connector": {**_TEXT, "description": "the connector that made it"},
    "assignee": {**_TEXT, "description": "one of its assignees"},
    "label": {**_TEXT, "description": "one of its labels"},
    "client": _TEXT,
    "project": _TEXT,
    "key": {**_TEXT, "description": "exactly this key"},
    "state": {"type": "string", "enum": list(STATES)},
    "destination": {**_TEXT, "description": "its name"},
    "task": {**_TEXT, "description": "the id of the task"},
    "q": {**_TEXT, "description": "a text in title or description, in any case"},
    "sort": {
        "type": "string",
        "enum": list(ORDERS),
        "default": NEWEST,
        "description": "`since` and `until` are about the time that is sorted by",
    },
    "email": {**_TEXT, "description": "the address, in any case"},
    "phone": {**_TEXT, "description": "`+` and the digits; write the `+` as `%2B`"},
    "external_id": {**_TEXT, "description": "exactly this id"},
    "lang": {"type": "string", "enum": list(LANGUAGES), "default": "curl"},
    "actor": {
        **_TEXT,
        "description": "who did it: `api:` and the token's name, `cli:` and the user's",
    },
    "action": {"type": "string", "enum": list(ACTIONS)},
    "subject": {**_TEXT, "description": "the id or name of what it was done to"},
    "force": {"type": "boolean", "description": "act as if nothing had been done before"},
}
"""Parameters of queries; where an address means something else by one, see `STATUS_OF`."""

STATUS_OF: Final[Mapping[str, Mapping[str, Any]]] = {
    "/events": {"type": "string", "enum": list(STATUSES)},
    "/connectors/{id}/activity": {"type": "string", "enum": list(STATUSES)},
    "/refusals": {"type": "integer", "minimum": 100, "maximum": 999},
}
HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "If-Match": {
        **_TEXT,
        "description": "the ETag (the version in quotes) that the task must have",
        "examples": ['"3"'],
    },
    "Idempotency-Key": {
        **_TEXT,
        "minLength": 1,
        "maxLength": MAX_KEY,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
        "description": "the same key makes no second task for 48 hours",
    },
}
SHOWN: Final[Mapping[str, tuple[str, str]]] = {
    "ETag": ("the version of the task in quotes, for `If-Match`", '^"[0-9]+"$'),
    "Location": ("the address of the task", "^https?://.+/api/v1/tasks/[0-9a-f-]{36}$"),
    "Retry-After": ("in how many seconds to try again", "^[0-9]+$"),
    "WWW-Authenticate": ("how a token is shown", "^Bearer"),
}
"""Headers of answers: what they say, and how they look."""

SHOWN_WITH: Final[Mapping[int, tuple[str, ...]]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    503: ("Retry-After",),
}
"""Headers of problems, by their status."""
_LOCKED: Final = (problems.VERSION_MISMATCH,)

DESCRIBED: Final[Mapping[tuple[str, str], Described]] = {
    ("GET", "/tasks"): Described("Tasks", models.Task, lists=True, query=tasks.FILTERS),
    ("POST", "/tasks"): Described(
        "Tasks",
        models.TaskWhole,
        201,
        also=(200,),
        body=models.TaskNew,
        headers=("Idempotency-Key",),
        shows=("Location", "ETag"),
        problems=(problems.IDEMPOTENCY_REUSED,),
    ),
    ("GET", "/tasks/{id}"): Described("Tasks", models.TaskWhole, shows=("ETag",)),
    ("PATCH", "/tasks/{id}"): Described(
        "Tasks",
        models.TaskWhole,
        body=models.TaskPatch,
        types=(MERGE_PATCH, JSON),
        headers=("If-Match",),
        shows=("ETag",),
        problems=(*_LOCKED, problems.KEY_TAKEN),
    ),
    ("DELETE", "/tasks/{id}"): Described(
        "Tasks", None, 204, headers=("If-Match",), problems=_LOCKED
    ),
    ("POST", "/tasks/{id}/complete"): Described(
        "Tasks",
        models.TaskWhole,
        body=models.Turn,
        needs_body=False,
        headers=("If-Match",),
        shows=("ETag",),
        problems=_LOCKED,
    ),
    ("POST", "/tasks/{id}/reopen"): Described(
        "Tasks",
        models.TaskWhole,
        body=models.Turn,
        needs_body=False,
        headers=("If-Match",),
        shows=("ETag",),
        problems=(*_LOCKED, problems.KEY_TAKEN),
    ),
    ("POST", "/tasks/{id}/comments"): Described(
        "Tasks", models.HistoryEntry, 201, body=models.Comment
    ),
    ("GET", "/tasks/{id}/deliveries"): Described("Tasks", models.Delivery, lists=True),
    ("GET", "/deliveries"): Described(
        "Deliveries",
        models.Delivery,
        lists=True,
        query=("state", "destination", "task", "since", "until"),
    ),
    ("GET", "/deliveries/{id}"): Described("Deliveries", models.DeliveryWhole),
    ("POST", "/deliveries/{id}/retry"): Described(
        "Deliveries",
        models.Delivery,
        202,
        body=models.RetryAsked,
        needs_body=False,
        problems=(problems.IS_CURRENT, problems.IN_HAND, problems.HAS_COPY),
    ),
    ("POST", "/deliveries/{id}/drop"): Described(
        "Deliveries",
        models.Delivery,
        202,
        body=models.DropAsked,
        problems=(problems.IS_CURRENT, problems.IN_HAND, problems.HAS_COPY),
    ),
    ("GET", "/destinations"): Described("Deliveries", models.Destination, lists=True),
    ("GET", "/contacts"): Described("Contacts", models.Contact, lists=True, query=KNOWN_BY),
    ("POST", "/contacts"): Described("Contacts", models.Contact, 201, body=models.ContactNew),
    ("GET", "/contacts/{id}"): Described("Contacts", models.Contact),
    ("PATCH", "/contacts/{id}"): Described(
        "Contacts",
        models.Contact,
        body=models.ContactPatch,
        types=(MERGE_PATCH, JSON),
        problems=(problems.CONTACT_TAKEN,),
    ),
    ("GET", "/people"): Described("Look-ups", names.Person, lists=True),
    ("GET", "/clients"): Described("Look-ups", names.Client, lists=True),
    ("GET", "/projects"): Described("Look-ups", names.Project, lists=True),
    ("GET", "/labels"): Described("Look-ups", names.Label, lists=True),
    ("GET", "/statuses"): Described("Look-ups", names.Status, lists=True),
    ("GET", "/task-types"): Described("Look-ups", names.TaskType, lists=True),
    ("GET", "/events"): Described(
        "Events", models.Event, lists=True, query=("status", "connector", "since", "until")
    ),
    ("GET", "/events/{id}"): Described("Events", models.EventWhole),
    ("POST", "/events/{id}/replay"): Described(
        "Events",
        models.Replay,
        202,
        body=models.ReplayAsked,
        needs_body=False,
        query=("force",),
        problems=(problems.STILL_ACCEPTED, problems.IS_DUPLICATE, problems.NO_CONNECTOR),
    ),
    ("GET", "/refusals"): Described(
        "Events", models.Refusal, lists=True, query=("connector", "status", "since", "until")
    ),
    ("GET", "/connectors"): Described("Connectors", models.Connector, lists=True),
    ("GET", "/connectors/{id}/code"): Described(
        "Connectors", models.ConnectorCode, query=("lang",)
    ),
    ("GET", "/connectors/{id}/activity"): Described(
        "Connectors",
        models.ConnectorActivity,
        query=("status", "since", "until", "limit", "cursor"),
        problems=(problems.BAD_CURSOR,),
    ),
    ("GET", "/stats"): Described("Installation", models.Stats),
    ("GET", "/audit"): Described(
        "Installation",
        models.AuditEntry,
        lists=True,
        query=("actor", "action", "subject", "since", "until"),
    ),
}
