"""A simulator of Vambe's tasks, as its public API has them: camelCase in, snake_case out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from router.core.clock import Clock
from rules.due import DueError, zone_of
from workers.sandbox.simulator import (
    Asked,
    Operation,
    RefusedError,
    Reply,
    Shape,
    Simulator,
    read_json,
    shaped,
)

JANE = "0b6f9a1e-7c0d-4d58-8f0a-5e2f6a1b9c01"
AMIR = "0b6f9a1e-7c0d-4d58-8f0a-5e2f6a1b9c02"
CONTACT = "5d0c8f27-3b1e-4a9c-9f64-2f7f0a6f1c11"
CUSTOMER = "5d0c8f27-3b1e-4a9c-9f64-2f7f0a6f1c12"
_TASKS = "/api/public/tasks"


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


def _day_or_instant(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _zone(text: str) -> str:
    try:
        zone_of(text)
    except DueError as error:
        raise ValueError(str(error)) from None
    return text


Id = Annotated[str, AfterValidator(_uuid)]
Title = Annotated[str, Field(min_length=1)]
Priority = Literal["0", "1", "2"]
Responsibles = Annotated[list[Id], Field(min_length=1)]


class _Fields(Shape):
    description: str | None = None
    dueDate: Annotated[str, AfterValidator(_day_or_instant)] | None = None  # noqa: N815  the vendor's name
    dueTime: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = None  # noqa: N815  as above
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    aiContactId: Id | None = None  # noqa: N815  as above
    aiCustomerId: Id | None = None  # noqa: N815  as above


class _New(_Fields):
    title: Title
    responsibleIds: Responsibles  # noqa: N815  as above
    priority: Priority


class _Changes(_Fields):
    title: Title = "-"
    responsibleIds: Responsibles = Field(default_factory=list)  # noqa: N815  as above
    priority: Priority = "1"
    newStatusName: str | None = None  # noqa: N815  as above
    newStatusPosition: int | None = None  # noqa: N815  as above


class Vambe(Simulator):
    """An organisation with two members, a contact, a customer and three statuses.

    `lenient`: a time of day needs no time zone, as one of the vendor's two sentences on it says.
    """

    name = "vambe"
    title = "Vambe"
    assumptions = (
        "a time of day needs a time zone and a date, a field that is not documented is refused",
        "201 for a new task; errors as {statusCode, message, error}; any well-formed UUID is one",
        "due_at is the instant of the local time, and the start of the day without one",
        "lists in a query are written by repeating the name, and from and to are about the due date",
        "there is no limit of requests",
    )

    def __init__(self, clock: Clock, api_key: str, *, lenient: bool = False) -> None:
        super().__init__(clock)
        self._api_key = api_key
        self._lenient = lenient
        self.members = [
            _member(JANE, "Jane", "Roe", "jane@acme.example"),
            _member(AMIR, "Amir", "Haddad", "amir@acme.example"),
        ]
        self.statuses = [
            _status(0, "Pendiente", "initial"),
            _status(1, "En progreso", "in_progress"),
            _status(2, "Completado", "done"),
        ]
        self.known = {"aiContactId": {CONTACT}, "aiCustomerId": {CUSTOMER}}
        self.tasks: dict[str, dict[str, Any]] = {}

    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is."""
        return [
            ("POST", _TASKS, self._create),
            ("GET", _TASKS, self._list),
            ("PUT", f"{_TASKS}/{{id}}", self._update),
            ("DELETE", f"{_TASKS}/{{id}}", self._delete),
            ("GET", "/api/public/team-members/all", lambda _: Reply(200, self.members)),
        ]

    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks, the oldest first."""
        return list(self.tasks.values())

    def admit(self, asked: Asked) -> None:
        """Ask for the key."""
        if asked.headers.get("x-api-key") != self._api_key:
            raise _refusal(401, "Invalid API key")

    def _create(self, asked: Asked) -> Reply:
        given = self._read(_New, asked)
        self._check_time(given)
        task_id = str(uuid.uuid4())
        task = {
            "id": task_id,
            "title": "",
            "description": None,
            "due_timezone": None,
            "due_at": None,
            "is_all_day": True,
            "created_at": _instant(self._clock()),
            "ai_contact_id": None,
            "ai_customer_id": None,
            "creator_id": JANE,
            **self._in(self.statuses[0]),
        }
        self.tasks[task_id] = {**task, **self._shown(given)}
        return Reply(201, self.tasks[task_id])

    def _update(self, asked: Asked) -> Reply:
        task = self._existing(asked)
        given = self._read(_Changes, asked)
        if "dueTime" in given or given.get("dueDate"):
            self._check_time(given)
        wanted = [
            given.pop(name) for name in ("newStatusName", "newStatusPosition") if name in given
        ]
        if len(wanted) > 1:
            raise _refusal(400, "newStatusName and newStatusPosition exclude each other")
        status: dict[str, Any] = {}
        if wanted:
            found = [each for each in self.statuses if wanted[0] in {each["name"], each["order"]}]
            if not found:
                raise _refusal(404, f"There is no status {wanted[0]!r}")
            status = self._in(found[0])
        task |= {**self._shown(given), **status}
        return Reply(200, task)

    def _delete(self, asked: Asked) -> Reply:
        del self.tasks[self._existing(asked)["id"]]
        return Reply(200, {"status": "success"})

    def _list(self, asked: Asked) -> Reply:
        people = [value for name, value in asked.query if name == "responsibleIds" and value]
        known = {"responsibleIds", "fromDate", "toDate", "includeTasksWithoutDates"}
        given = {name for name, _ in asked.query}
        if not {"responsibleIds", "fromDate", "toDate"} <= given <= known:
            raise _refusal(400, "responsibleIds, fromDate and toDate are required")
        try:
            start, end = (
                date.fromisoformat(asked.parameter(name) or "") for name in ("fromDate", "toDate")
            )
        except ValueError:
            raise _refusal(400, "fromDate and toDate are dates") from None
        undated = asked.parameter("includeTasksWithoutDates") != "false"
        return Reply(
            200,
            [
                task
                for task in self.tasks.values()
                if (not people or {*people} & _responsible(task))
                and (undated if task["due_at"] is None else start <= _day_of(task) <= end)
            ],
        )

    def _existing(self, asked: Asked) -> dict[str, Any]:
        try:
            task_id = _uuid(asked.path["id"])
        except ValueError:
            raise _refusal(400, "The id is not a UUID") from None
        if task_id not in self.tasks:
            raise _refusal(404, "Task not found")
        return self.tasks[task_id]

    def _read(self, model: type[Shape], asked: Asked) -> dict[str, Any]:
        try:
            content = read_json(asked)
        except ValueError as error:
            raise _refusal(400, str(error)) from None
        read, errors = shaped(model, content)
        if read is None:
            raise _refusal(400, *(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in errors))
        given: dict[str, Any] = read.model_dump(exclude_unset=True)
        members = {member["id"] for member in self.members}
        if not {*given.get("responsibleIds", [])} <= members:
            raise _refusal(404, "There is no such responsible")
        for name, ids in self.known.items():
            if given.get(name) not in {None, *ids}:
                raise _refusal(404, f"There is nothing with this {name}")
        return given

    def _check_time(self, given: Mapping[str, Any]) -> None:
        if given.get("dueTime") is None:
            return
        if given.get("dueDate") is None:
            raise _refusal(400, "dueTime needs dueDate")
        if given.get("timezone") is None and not self._lenient:
            raise _refusal(400, "dueTime needs timezone")

    @staticmethod
    def _in(status: Mapping[str, Any]) -> dict[str, Any]:
        return {"task_status_config_id": status["id"], "status_config": status}

    @staticmethod
    def _shown(given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a task shows of what was given."""
        names = {"aiContactId": "ai_contact_id", "aiCustomerId": "ai_customer_id"}
        plain = ("title", "description", *names)
        shown = {names.get(name, name): given[name] for name in plain if name in given}
        if "priority" in given:
            shown["priority"] = int(given["priority"])
        if "responsibleIds" in given:
            shown["task_responsibles"] = [
                {"responsible_id": each} for each in given["responsibleIds"]
            ]
        if "dueDate" in given:
            shown |= _due(given)
        return shown


def _due(given: Mapping[str, Any]) -> dict[str, Any]:
    zone, clock = given.get("timezone"), given.get("dueTime")
    if given["dueDate"] is None:
        return {"due_at": None, "due_timezone": None, "is_all_day": True}
    at = datetime.fromisoformat(given["dueDate"])
    if at.tzinfo is None:
        local = time.fromisoformat(clock) if clock else at.time()
        at = datetime.combine(at.date(), local, zone_of(zone or "UTC"))
    return {"due_at": _instant(at), "due_timezone": zone, "is_all_day": clock is None}


def _day_of(task: Mapping[str, Any]) -> date:
    zone = zone_of(task["due_timezone"] or "UTC")
    return datetime.fromisoformat(task["due_at"]).astimezone(zone).date()


def _responsible(task: Mapping[str, Any]) -> set[str]:
    return {each["responsible_id"] for each in task["task_responsibles"]}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _member(member_id: str, first: str, last: str, email: str) -> dict[str, Any]:
    name = f"{first} {last}"
    return {
        "id": member_id,
        "name": name,
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": None,
    }


def _status(order: int, name: str, kind: str) -> dict[str, Any]:
    status_id = str(uuid.UUID(int=order + 1))
    return {"id": status_id, "name": name, "color": "#60a5fa", "type": kind, "order": order}


def _refusal(status: int, *messages: str) -> RefusedError:
    error = HTTPStatus(status).phrase
    return RefusedError(
        Reply(status, {"statusCode": status, "message": list(messages), "error": error})
    )
