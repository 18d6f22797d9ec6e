"""A simulator of Heffl's tasks, version 2 of its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from router.core.clock import Clock
from workers.sandbox.simulator import (
    Asked,
    Operation,
    RefusedError,
    Reply,
    Shape,
    Simulator,
    Window,
    read_json,
    shaped,
)

_PAGE, _LONGEST_PAGE = 30, 100


def _instant(text: str) -> str:
    if "T" not in text or datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("must be a date-time of RFC 3339")
    return text


Instant = Annotated[str, AfterValidator(_instant)]
Status = Literal["OPEN", "IN_PROGRESS", "ON_HOLD", "COMPLETED", "CANCELLED"]


class _Fields(Shape):
    title: Annotated[str, Field(min_length=1)] = "-"
    description: str | None = None
    status: Status = "OPEN"
    type: Literal["call", "todo", "meeting"] = "todo"
    priority: Literal["LOW", "MEDIUM", "HIGH"] | None = None
    startDate: Instant = ""  # noqa: N815  the vendor's name
    dueDate: Instant = ""  # noqa: N815  as above
    showTime: bool = False  # noqa: N815  as above
    durationMinutes: Annotated[int | float, Field(ge=0)] = 0  # noqa: N815  as above
    assigneeIds: list[str] = Field(default_factory=list)  # noqa: N815  as above
    tagIds: list[str] = Field(default_factory=list)  # noqa: N815  as above
    entity: Literal["projects", "leads", "deals"] | None = None
    entityId: str | None = None  # noqa: N815  as above


class _New(_Fields):
    title: Annotated[str, Field(min_length=1)]


_SHOWN = ("status", "type", "showTime", "assigneeIds", "tagIds")
"""Fields of a task that are always there, with what they are when nobody said."""


class Heffl(Simulator):
    """A team with two users, one who is inactive, two tags of tasks, a project, a lead, a deal and a custom field."""

    name = "heffl"
    title = "Heffl"
    assumptions = (
        "without status, type and showTime a task is OPEN, todo and without a time",
        "an unknown user, tag or linked thing, and a cf_ field that is not defined, are a 400",
        "a date cannot be taken away: no null is taken for one, in a change neither",
        "search looks at titles alone, a deletion answers with the task",
        "users have id, name, email and isActive; RateLimit-Reset is a wait in seconds",
    )

    def __init__(self, clock: Clock, api_key: str, *, rate: str = "60/1m") -> None:
        super().__init__(clock)
        self._api_key = api_key
        self._window = Window(rate)
        self._numbers = count(1)
        self.users = [
            _user("usr_1", "Jane Roe", "jane@acme.example"),
            _user("usr_2", "Amir Haddad", "amir@acme.example"),
            _user("usr_3", "Kim Gone", "kim@acme.example", active=False),
        ]
        self.tags = [
            {
                "id": "tag_12",
                "name": "shopify",
                "color": "#60a5fa",
                "type": "project_tasks",
                "icon": None,
            },
            {
                "id": "tag_13",
                "name": "urgent",
                "color": "#ef4444",
                "type": "project_tasks",
                "icon": None,
            },
            {
                "id": "tag_14",
                "name": "customer",
                "color": "#22c55e",
                "type": "clients",
                "icon": None,
            },
        ]
        self.linkable = {
            "projects": [{"id": "prj_1", "name": "Support"}],
            "leads": [{"id": "ld_1", "title": "Acme wants more"}],
            "deals": [{"id": "dl_1", "title": "Acme buys more"}],
        }
        self.custom: dict[str, type | tuple[type, ...]] = {"cf_total": str, "cf_paid": bool}
        self.tasks: dict[str, dict[str, Any]] = {}

    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is."""
        base = "/api/v2"
        looks: list[tuple[str, str, Operation]] = [
            ("GET", f"{base}/users", lambda asked: self._paged(self.users, asked)),
            ("GET", f"{base}/tags", lambda asked: self._paged(self.tags, asked)),
            *(
                ("GET", f"{base}/{kind}", self._lister(things))
                for kind, things in self.linkable.items()
            ),
        ]
        return [
            ("POST", f"{base}/tasks", self._create),
            ("GET", f"{base}/tasks", self._list),
            ("GET", f"{base}/tasks/{{id}}", lambda asked: Reply(200, self._known(asked))),
            ("PATCH", f"{base}/tasks/{{id}}", self._update),
            ("DELETE", f"{base}/tasks/{{id}}", self._delete),
            *looks,
        ]

    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks, the oldest first."""
        return list(self.tasks.values())

    def admit(self, asked: Asked) -> None:
        """Ask for the key, and keep to the limit."""
        if asked.headers.get("x-api-key") != self._api_key:
            raise _refusal(401, "UNAUTHORIZED", "Invalid API key")
        wait_ms = self._window.wait_ms(self.now_ms())
        if wait_ms:
            self.refused_for_rate += 1
            headers = {
                "RateLimit-Limit": str(self._window.count),
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": str(-(-wait_ms // 1000)),
            }
            raise _refusal(429, "TOO_MANY_REQUESTS", "Too many requests", headers=headers)

    def _lister(self, things: Sequence[Mapping[str, Any]]) -> Operation:
        return lambda asked: self._paged(things, asked)

    def _create(self, asked: Asked) -> Reply:
        given = self._read(_New, asked)
        number = next(self._numbers)
        task = {
            "id": f"tsk_{number}",
            "number": str(number),
            **{name: _Fields().model_dump()[name] for name in _SHOWN},
            "description": None,
            "priority": None,
            **given,
            "createdAt": self._now(),
            "updatedAt": self._now(),
        }
        self.tasks[task["id"]] = task
        return Reply(200, task)

    def _update(self, asked: Asked) -> Reply:
        task = self._known(asked)
        task |= {**self._read(_Fields, asked), "updatedAt": self._now()}
        return Reply(200, task)

    def _delete(self, asked: Asked) -> Reply:
        return Reply(200, self.tasks.pop(self._known(asked)["id"]))

    def _list(self, asked: Asked) -> Reply:
        field = asked.parameter("orderBy") or "createdAt"
        direction = asked.parameter("orderDir") or "desc"
        if field not in {"createdAt", "updatedAt", "title"} or direction not in {"asc", "desc"}:
            raise _refusal(400, "BAD_REQUEST", "Cannot sort by that")
        search = (asked.parameter("search") or "").lower()
        found = [task for task in self.tasks.values() if search in task["title"].lower()]
        if direction == "desc":
            found.reverse()
        found.sort(key=lambda task: task[field], reverse=direction == "desc")
        return self._paged(found, asked)

    @staticmethod
    def _paged(things: Sequence[Mapping[str, Any]], asked: Asked) -> Reply:
        known = {"cursor", "pageSize", "search", "orderBy", "orderDir"}
        unknown = [name for name, _ in asked.query if name not in known]
        size, cursor = asked.parameter("pageSize") or str(_PAGE), asked.parameter("cursor") or "c0"
        if unknown or not size.isdecimal() or not 1 <= int(size) <= _LONGEST_PAGE:
            raise _refusal(400, "BAD_REQUEST", f"Not a query: {', '.join(unknown) or size}")
        start = int(cursor.removeprefix("c"))
        page = things[start : start + int(size)]
        more = start + int(size) < len(things)
        following = f"c{start + int(size)}" if more else None
        return Reply(200, {"data": page, "meta": {"nextCursor": following, "hasMore": more}})

    def _known(self, asked: Asked) -> dict[str, Any]:
        task = self.tasks.get(asked.path["id"])
        if task is None:
            raise _refusal(404, "NOT_FOUND", "Task not found")
        return task

    def _read(self, model: type[_Fields], asked: Asked) -> dict[str, Any]:
        try:
            content = read_json(asked)
        except ValueError as error:
            raise _refusal(400, "BAD_REQUEST", str(error)) from None
        if not isinstance(content, dict):
            raise _refusal(400, "BAD_REQUEST", "The body is an object")
        custom = {name: value for name, value in content.items() if name.startswith("cf_")}
        read, errors = shaped(model, {k: v for k, v in content.items() if k not in custom})
        issues = [
            _issue(".".join(map(str, each["loc"])), each["type"], each["msg"]) for each in errors
        ]
        issues += [
            {"field": name, "message": "Not a value of a field that is defined"}
            for name, value in custom.items()
            if not isinstance(value, self.custom.get(name, Decimal))
        ]
        if read is not None:
            issues += self._unknown(read)
        if read is None or issues:
            raise _refusal(400, "VALIDATION_ERROR", "Validation failed", issues=issues)
        return {**read.model_dump(exclude_unset=True), **custom}

    def _unknown(self, given: _Fields) -> list[dict[str, str]]:
        """Return what is wrong with the ids in a task."""
        users, tags = ({each["id"] for each in listed} for listed in (self.users, self.tags))
        issues = []
        if not {*given.assigneeIds} <= users:
            issues.append({"field": "assigneeIds", "message": "Unknown user"})
        if not {*given.tagIds} <= tags:
            issues.append({"field": "tagIds", "message": "Unknown tag"})
        if (given.entity is None) != (given.entityId is None):
            issues.append({"field": "entityId", "message": "entity and entityId go together"})
        elif given.entity and given.entityId not in {e["id"] for e in self.linkable[given.entity]}:
            issues.append({"field": "entityId", "message": "There is no such thing"})
        return issues

    def _now(self) -> str:
        at = self._clock().astimezone(UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _user(user_id: str, name: str, email: str, *, active: bool = True) -> dict[str, Any]:
    return {"id": user_id, "name": name, "email": email, "isActive": active}


def _issue(field: str, kind: str, message: str) -> dict[str, str]:
    if kind == "extra_forbidden":
        message = f"Unknown field: {field}. Only documented fields and cf_* keys are allowed."
    return {"field": field, "message": message}


def _refusal(
    status: int,
    code: str,
    message: str,
    *,
    issues: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> RefusedError:
    error: dict[str, Any] = {"code": code, "message": message}
    if issues:
        error["details"] = {"issues": list(issues)}
    return RefusedError(Reply(status, {"error": error}, headers or {}))
