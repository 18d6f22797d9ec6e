"""A simulator of Attio's tasks, version 2 of its API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import ErrorDetails

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

WORKSPACE = "14beef7a-99f7-4534-a87e-70b564330a4c"
JANE = "50cf242c-7fa3-4cad-87d0-75b1af71c57b"
AMIR = "8a1f9c53-2b7e-4c58-9d3f-0c1d7b3a6e42"
GONE = "d0c2b7a4-51e6-4f7c-8a39-2f6f1f0c9b17"
PERSON = "891dcbfc-9141-415d-9b2a-2238a6cc012d"
COMPANY = "3f5f2a9e-6d0b-4b7a-9a53-7c1e2d4f8b60"
_CONTENT_LIMIT = 2000
_PAGE = 500
_SELF = "/v2/self"
"""It says of any token whether it is one."""


def _iso(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


Iso = Annotated[str, AfterValidator(_iso)]
Id = Annotated[str, AfterValidator(_uuid)]


class _Actor(Shape):
    referenced_actor_type: Literal["workspace-member"]
    referenced_actor_id: Id


class _Address(Shape):
    workspace_member_email_address: str


Assignees = list[_Actor | _Address]
Links = list[dict[str, Any]]


class _New(Shape):
    content: Annotated[str, Field(min_length=1, max_length=_CONTENT_LIMIT)]
    format: Literal["plaintext"]
    deadline_at: Iso | None
    is_completed: bool
    linked_records: Links
    assignees: Assignees


class _Create(Shape):
    data: _New


class _Changes(Shape):
    deadline_at: Iso | None = None
    is_completed: bool = False
    linked_records: Links = Field(default_factory=list)
    assignees: Assignees = Field(default_factory=list)


class _Update(Shape):
    data: _Changes


class Attio(Simulator):
    """Attio, with two members, one who is suspended, a person and a company."""

    name = "attio"
    title = "Attio"
    assumptions = (
        "a key that is not documented is refused when a task is created (documented: when it is changed)",
        "an assignee that does not exist is answered 404 not_found",
        "a bad token is answered 401 auth_error, as a client of others has seen",
    )

    def __init__(
        self, clock: Clock, token: str, *, reads: str = "100/s", writes: str = "25/s"
    ) -> None:
        super().__init__(clock)
        self._token = token
        self._windows = {"GET": Window(reads), "": Window(writes)}
        self.members: dict[str, dict[str, Any]] = {
            member["id"]["workspace_member_id"]: member
            for member in (
                _member(JANE, "Jane", "Roe", "jane@acme.example", "admin"),
                _member(AMIR, "Amir", "Haddad", "amir@acme.example", "member"),
                _member(GONE, "Kim", "Gone", "kim@acme.example", "suspended"),
            )
        }
        self.records: dict[str, dict[str, dict[str, list[str]]]] = {
            "people": {PERSON: {"email_addresses": ["a@b.example"]}},
            "companies": {COMPANY: {"domains": ["b.example"]}},
        }
        self.tasks: dict[str, dict[str, Any]] = {}

    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is."""
        return [
            ("POST", "/v2/tasks", self._create),
            ("GET", "/v2/tasks", self._list),
            ("GET", "/v2/tasks/{id}", lambda asked: _ok(self._known(asked))),
            ("PATCH", "/v2/tasks/{id}", self._update),
            ("DELETE", "/v2/tasks/{id}", self._delete),
            ("GET", "/v2/workspace_members", lambda _: _ok(list(self.members.values()))),
            ("GET", _SELF, self._self),
        ]

    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks, the oldest first."""
        return list(self.tasks.values())

    def admit(self, asked: Asked) -> None:
        """Ask for the token, and keep to the limits of reads and writes."""
        if not self._is_known(asked) and asked.at != _SELF:
            raise _refusal(401, "auth_error", "unauthorized", "The token is missing or not valid.")
        wait_ms = self._windows["GET" if asked.method == "GET" else ""].wait_ms(self.now_ms())
        if wait_ms:
            self.refused_for_rate += 1
            at = datetime.fromtimestamp((self.now_ms() + wait_ms) // 1000 + 1, UTC)
            raise _refusal(
                429,
                "rate_limit_error",
                "rate_limit_exceeded",
                "Rate limit exceeded, please try again later.",
                headers={"Retry-After": format_datetime(at, usegmt=True)},
            )

    def _is_known(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {self._token}"

    def _self(self, asked: Asked) -> Reply:
        if not self._is_known(asked):
            return Reply(200, {"active": False})
        return Reply(200, {"active": True, "workspace_id": WORKSPACE})

    def _create(self, asked: Asked) -> Reply:
        given = _read(_Create, asked)["data"]
        task_id = str(uuid.uuid4())
        task = {
            "id": {"workspace_id": WORKSPACE, "task_id": task_id},
            "content_plaintext": given["content"],
            "deadline_at": given["deadline_at"],
            "is_completed": given["is_completed"],
            "linked_records": [self._linked(each) for each in given["linked_records"]],
            "assignees": [self._assignee(each) for each in given["assignees"]],
            "created_by_actor": {"type": "api-token", "id": None},
            "created_at": _nanoseconds(self._clock()),
        }
        self.tasks[task_id] = task
        return _ok(task)

    def _update(self, asked: Asked) -> Reply:
        task = self._known(asked)
        given = _read(_Update, asked)["data"]
        if "linked_records" in given:
            given["linked_records"] = [self._linked(each) for each in given["linked_records"]]
        if "assignees" in given:
            given["assignees"] = [self._assignee(each) for each in given["assignees"]]
        task |= given
        return _ok(task)

    def _delete(self, asked: Asked) -> Reply:
        del self.tasks[self._known(asked)["id"]["task_id"]]
        return Reply(200, {})

    def _list(self, asked: Asked) -> Reply:
        known = {"limit", "offset", "sort", "linked_object", "linked_record_id", "assignee"}
        for name, _ in asked.query:
            if name not in known | {"is_completed"}:
                raise _invalid(f"unknown query parameter {name}")
        limit, offset = (_number(asked, *each) for each in (("limit", _PAGE), ("offset", 0)))
        sort = asked.parameter("sort") or "created_at:asc"
        if sort not in {"created_at:asc", "created_at:desc"}:
            raise _invalid(f"cannot sort by {sort}")
        listed = [task for task in self.tasks.values() if self._is_asked_for(task, asked)]
        if sort.endswith("desc"):
            listed.reverse()
        return _ok(listed[offset : offset + limit])

    def _is_asked_for(self, task: Mapping[str, Any], asked: Asked) -> bool:
        linked = (asked.parameter("linked_object"), asked.parameter("linked_record_id"))
        if (linked[0] is None) != (linked[1] is None):
            raise _invalid("linked_object and linked_record_id go together")
        pairs = [
            (each["target_object_id"], each["target_record_id"]) for each in task["linked_records"]
        ]
        completed, assignee = asked.parameter("is_completed"), asked.parameter("assignee")
        people = [each["referenced_actor_id"] for each in task["assignees"]]
        return (
            (linked[0] is None or linked in pairs)
            and (completed is None or task["is_completed"] is (completed == "true"))
            and (
                assignee is None
                or (assignee in people if assignee not in {"", "null"} else not people)
            )
        )

    def _known(self, asked: Asked) -> dict[str, Any]:
        task = self.tasks.get(asked.path["id"])
        if task is None:
            raise _not_found(f"Task with ID {asked.path['id']} was not found.")
        return task

    def _linked(self, given: Mapping[str, Any]) -> dict[str, str]:
        kind = given.get("target_object")
        rest = [name for name in given if name != "target_object"]
        if not isinstance(kind, str) or len(rest) != 1:
            raise _invalid("a linked record has target_object, and one thing to know the record by")
        records = self.records.get(kind)
        if records is None:
            raise _not_found(f"Object with slug/ID {kind!r} was not found.")
        by = rest[0]
        record = given[by] if by == "target_record_id" else _by_value(records, by, given[by])
        if not isinstance(record, str) or record not in records:
            raise _not_found(f"Record with ID {record!r} was not found.")
        return {"target_object_id": kind, "target_record_id": record}

    def _assignee(self, given: Mapping[str, Any]) -> dict[str, str]:
        found = given.get("referenced_actor_id")
        if found is None:
            address = given["workspace_member_email_address"]
            found = next(
                (key for key, each in self.members.items() if each["email_address"] == address),
                None,
            )
        if found not in self.members:
            raise _not_found("Workspace member was not found.")
        return {"referenced_actor_type": "workspace-member", "referenced_actor_id": found}


def _member(member_id: str, first: str, last: str, email: str, level: str) -> dict[str, Any]:
    return {
        "id": {"workspace_id": WORKSPACE, "workspace_member_id": member_id},
        "first_name": first,
        "last_name": last,
        "avatar_url": None,
        "email_address": email,
        "created_at": "2022-11-21T13:22:49.061281000Z",
        "access_level": level,
    }


def _by_value(
    records: Mapping[str, Mapping[str, list[str]]], attribute: str, values: Any
) -> str | None:
    """Return the record whose unique attribute has the one value that is given."""
    if not isinstance(values, list) or len(values) != 1 or not isinstance(values[0], dict):
        raise _invalid(f"{attribute} takes exactly one value")
    wanted = next(iter(values[0].values()), None)
    return next((key for key, each in records.items() if wanted in each.get(attribute, [])), None)


def _read(model: type[Shape], asked: Asked) -> dict[str, Any]:
    try:
        content = read_json(asked)
    except ValueError as error:
        raise _invalid(str(error)) from None
    read, errors = shaped(model, content)
    if read is None:
        raise _schema_failure(errors)
    given: dict[str, Any] = read.model_dump(exclude_unset=True)
    return given


def _schema_failure(errors: Sequence[ErrorDetails]) -> RefusedError:
    found = [
        {
            "code": each["type"],
            "path": [str(step) for step in each["loc"]],
            "message": each["msg"],
            "expected": "",
            "received": type(each["input"]).__name__,
        }
        for each in errors
    ]
    reply = _error(
        400, "invalid_request_error", "validation_type", "Body payload validation error."
    )
    return RefusedError(Reply(400, {**reply, "validation_errors": found}))


def _number(asked: Asked, name: str, default: int) -> int:
    words = asked.parameter(name)
    if words is not None and not words.isdecimal():
        raise _invalid(f"{name} is a number")
    return default if words is None else int(words)


def _nanoseconds(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _ok(data: Any) -> Reply:
    return Reply(200, {"data": data})


def _error(status: int, kind: str, code: str, message: str) -> dict[str, Any]:
    return {"status_code": status, "type": kind, "code": code, "message": message}


def _refusal(
    status: int, kind: str, code: str, message: str, *, headers: Mapping[str, str] | None = None
) -> RefusedError:
    return RefusedError(Reply(status, _error(status, kind, code, message), headers or {}))


def _invalid(message: str) -> RefusedError:
    return _refusal(400, "invalid_request_error", "validation_type", message)


def _not_found(message: str) -> RefusedError:
    return _refusal(404, "invalid_request_error", "not_found", message)
