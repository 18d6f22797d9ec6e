"""A simulator of LeadSquared's to-dos: `Task.svc`, and what tells its people, leads and types."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
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

JANE = "1f2d3c4b-0a9e-11ee-8b1c-0a1b2c3d4e5f"
AMIR = "2a3b4c5d-0a9e-11ee-8b1c-0a1b2c3d4e5f"
KIM = "3b4c5d6e-0a9e-11ee-8b1c-0a1b2c3d4e5f"
LEAD = "c7a1b2d3-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
OPPORTUNITY = "d8b2c3e4-5f6a-4b7c-9d8e-0f1a2b3c4d5e"
_NEVER = "0001-01-01 00:00:00.000"
_LONGEST_RANGE = timedelta(days=100)


def _timestamp(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise ValueError("write it as 2026-11-24 17:00:00")
    return text


Timestamp = Annotated[str, AfterValidator(_timestamp)]
Digits = Annotated[str, Field(pattern=r"^\d{1,3}$")]


class _Type(Shape):
    Name: Annotated[str, Field(min_length=1)]


class _Shared(Shape):
    Description: str = ""
    RelatedEntity: Literal[0, 1, 5] = 0
    RelatedEntityId: str = ""
    DueDate: Timestamp | None = None
    NotifyBy: Literal["1100", "1000"] = "1000"
    OwnerId: str | None = None
    OwnerEmailAddress: str | None = None


class _New(_Shared):
    Name: Annotated[str, Field(min_length=1)]
    TaskType: _Type
    EndDate: Timestamp | None = None
    ReminderBeforeDays: Digits = "0"
    ReminderTime: Annotated[str, Field(pattern=r"^\d\d:\d\d:\d\d$")] = "00:00:00"
    Reminder: int = 0
    Location: str = ""
    CustomFields: dict[Annotated[str, Field(pattern=r"^mx_Custom_\d+$")], Any] = Field(
        default_factory=dict
    )


class _Changes(_Shared):
    UserTaskId: str
    Name: Annotated[str, Field(min_length=1)] = "-"
    Reminder: int = 0


class _Paging(Shape):
    PageIndex: Annotated[int, Field(ge=1)]
    PageSize: Annotated[int, Field(ge=1)]


class _Range(Shape):
    FromDate: Timestamp
    ToDate: Timestamp
    Users: Annotated[list[str], Field(min_length=1)]
    Paging: _Paging


class LeadSquared(Simulator):
    """An account with two users, one who is inactive, a lead, an opportunity and two types of to-dos.

    `errors`: whether an error has a status of its own, or is a 200 whose body says so, as in some
    accounts. `home` is the host of another region that the account is of.
    """

    name = "leadsquared"
    title = "LeadSquared"
    assumptions = (
        "Name, TaskType.Name and exactly one form of owner are required, unknown keys are refused",
        "an input that is refused is answered 500 with an MX exception; in some accounts 200",
        "MarkComplete answers as Update does, and an unknown task is an MX exception",
        "to-dos are listed by the date they are due, and 10 calls in 5 seconds are allowed",
    )

    def __init__(
        self,
        clock: Clock,
        access_key: str,
        secret_key: str,
        *,
        rate: str = "10/5s",
        errors: Literal["http", "ok"] = "http",
        home: str | None = None,
    ) -> None:
        super().__init__(clock)
        self._keys = (access_key, secret_key)
        self._window = Window(rate)
        self._errors = errors
        self._home = home
        self.users = [
            _user(JANE, "Jane", "Roe", "jane@acme.example", 0),
            _user(AMIR, "Amir", "Haddad", "amir@acme.example", 0),
            _user(KIM, "Kim", "Gone", "kim@acme.example", 1),
        ]
        self.types = {"Follow up": "type-1", "Phone Call": "type-2"}
        self.related = {1: {LEAD}, 5: {OPPORTUNITY}}
        self.tasks: dict[str, dict[str, Any]] = {}

    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is."""
        return [
            ("POST", "/v2/Task.svc/Create", self._create),
            ("POST", "/v2/Task.svc/Update", self._update),
            ("GET", "/v2/Task.svc/MarkComplete", self._complete),
            ("GET", "/v2/Task.svc/Retrieve.GetById", self._by_id),
            ("POST", "/v2/Task.svc/RetrieveToDos/ByUserId", self._by_user),
            ("GET", "/v2/LeadManagement.svc/RetrieveTaskByLeadId", self._by_lead),
            ("GET", "/v2/Task.svc/RetrieveTaskType", self._types),
            ("GET", "/v2/UserManagement.svc/Users.Get", lambda _: Reply(200, self.users)),
        ]

    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks, the oldest first."""
        return list(self.tasks.values())

    def admit(self, asked: Asked) -> None:
        """Ask for both keys, in the headers or in the query; keep to the limit."""
        if self._home is not None:
            message = f"Your account is of another region: use {self._home}"
            raise self._error("MXUnAuthorizedAccessException", message, 401)
        headers = tuple(asked.headers.get(name) for name in ("x-lsq-accesskey", "x-lsq-secretkey"))
        query = tuple(asked.parameter(name) for name in ("accessKey", "secretKey"))
        if self._keys not in {headers, query}:
            raise self._error("MXInvalidAccessDetailsException", "Invalid access details", 401)
        if self._window.wait_ms(self.now_ms()):
            self.refused_for_rate += 1
            count, seconds = self._window.count, self._window.span_ms // 1000
            message = f"API calls exceeded the limit of {count} in {seconds} second(s)"
            raise self._error("MXAPIRateLimitExceededException", message, 429)

    def _create(self, asked: Asked) -> Reply:
        given = self._read(_New, asked)
        now = f"{self._clock().astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        due = given.DueDate or now
        end = given.EndDate or now
        if given.EndDate is not None and end < due:
            raise self._invalid("EndDate is before DueDate")
        if given.TaskType.Name not in self.types:
            raise self._invalid(f"There is no task type {given.TaskType.Name!r}")
        owner = self._owner(given, required=True)
        self._check_related(given)
        task_id = str(uuid.uuid4())
        self.tasks[task_id] = {
            **given.model_dump(exclude={"OwnerId", "OwnerEmailAddress"}),
            "UserTaskId": task_id,
            "Category": 1,
            "DueDate": f"{due}.000",
            "EndDate": f"{end}.000",
            "OwnerId": owner,
            "StatusCode": 0,
            "CreatedOn": f"{now}.000",
            "CompletedOn": _NEVER,
        }
        return Reply(200, {"Status": "Success", "Message": {"Id": task_id}})

    def _update(self, asked: Asked) -> Reply:
        given = self._read(_Changes, asked)
        task = self._known(given.UserTaskId)
        owner = self._owner(given, required=False)
        self._check_related(given)
        changes = given.model_dump(exclude_unset=True, exclude={"OwnerId", "OwnerEmailAddress"})
        if given.DueDate is not None:
            changes["DueDate"] = f"{given.DueDate}.000"
        task |= {**changes, "OwnerId": owner or task["OwnerId"]}
        return _done()

    def _complete(self, asked: Asked) -> Reply:
        task = self._known(asked.parameter("id") or "")
        task |= {"StatusCode": 1, "CompletedOn": f"{self._clock():%Y-%m-%d %H:%M:%S}.000"}
        return _done()

    def _by_id(self, asked: Asked) -> Reply:
        task = self.tasks.get(asked.parameter("id") or "")
        return Reply(200, [] if task is None else [task])

    def _by_user(self, asked: Asked) -> Reply:
        given = self._read(_Range, asked)
        start, end = (datetime.fromisoformat(at) for at in (given.FromDate, given.ToDate))
        if not timedelta(0) <= end - start <= _LONGEST_RANGE:
            raise self._invalid("The range of dates is at most 100 days")
        found = [
            task
            for task in self.tasks.values()
            if task["OwnerId"] in given.Users
            and f"{given.FromDate}.000" <= task["DueDate"] <= f"{given.ToDate}.000"
        ]
        first = (given.Paging.PageIndex - 1) * given.Paging.PageSize
        page = found[first : first + given.Paging.PageSize]
        return Reply(200, {"RecordCount": len(found), "List": page})

    def _by_lead(self, asked: Asked) -> Reply:
        lead = asked.parameter("leadId")
        found = [
            {
                "TaskID": task["UserTaskId"],
                "OwnerID": task["OwnerId"],
                "Status": task["StatusCode"],
                **{name: task[name] for name in ("Name", "Description", "DueDate", "CreatedOn")},
            }
            for task in self.tasks.values()
            if task["RelatedEntity"] == 1 and task["RelatedEntityId"] == lead
        ]
        return Reply(200, {"RecordCount": len(found), "TaskList": found})

    def _types(self, asked: Asked) -> Reply:
        column, value = asked.parameter("ColumnName"), asked.parameter("ColumnValue")
        if column not in {"TaskTypeId", "TaskTypeName", "TaskName", "Category"}:
            raise self._invalid(f"There is no column {column}")
        types = [
            {"Id": type_id, "Name": name, "Category": 1, "Color": "#60a5fa"}
            for name, type_id in self.types.items()
        ]
        key = {"TaskTypeId": "Id", "Category": "Category"}.get(column, "Name")
        return Reply(200, [each for each in types if str(each[key]) == value])

    def _read(self, model: type[Any], asked: Asked) -> Any:
        try:
            content = read_json(asked)
        except ValueError as error:
            raise self._error("MXInvalidInputException", str(error), 400) from None
        read, errors = shaped(model, content)
        if read is None:
            where = ".".join(map(str, errors[0]["loc"]))
            missing = errors[0]["type"] == "missing"
            kind = "MXMandatoryFieldMissingException" if missing else "MXInvalidInputException"
            raise self._error(kind, f"{where}: {errors[0]['msg']}")
        return read

    def _owner(self, given: _Shared, *, required: bool) -> str | None:
        forms = [each for each in (given.OwnerId, given.OwnerEmailAddress) if each is not None]
        if not forms and not required:
            return None
        if len(forms) != 1:
            raise self._error(
                "MXMandatoryFieldMissingException", "OwnerId or OwnerEmailAddress is required"
            )
        for user in self.users:
            if forms[0] in {user["ID"], user["EmailAddress"]} and user["StatusCode"] == 0:
                return str(user["ID"])
        raise self._invalid("The owner is not an active user")

    def _check_related(self, given: _Shared) -> None:
        known = self.related.get(given.RelatedEntity, {""})
        if given.RelatedEntityId not in known:
            raise self._invalid("RelatedEntityId does not fit RelatedEntity")

    def _known(self, task_id: str) -> dict[str, Any]:
        if task_id not in self.tasks:
            raise self._invalid(f"There is no task {task_id}")
        return self.tasks[task_id]

    def _invalid(self, message: str) -> RefusedError:
        return self._error("MXInvalidInputException", message)

    def _error(self, kind: str, message: str, status: int = 500) -> RefusedError:
        body = {"Status": "Error", "ExceptionType": kind, "ExceptionMessage": message}
        return RefusedError(Reply(status if self._errors == "http" else 200, body))


def _user(user_id: str, first: str, last: str, email: str, status: int) -> dict[str, Any]:
    return {
        "ID": user_id,
        "FirstName": first,
        "LastName": last,
        "EmailAddress": email,
        "Role": "Sales_User",
        "StatusCode": status,
    }


def _done() -> Reply:
    return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1}})
