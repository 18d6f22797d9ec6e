"""LeadSquared: to-dos of an account, by `Task.svc`; an answer counts by what its body says.

https://apidocs.leadsquared.com/create-a-to-do, /update-task, /task-retrieval, /error-handling and
/authentication (as published in November 2026). What only others have seen, and where sources contradict
each other, is on docs/destinations/leadsquared.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from router.core import jsonio
from rules.catalogues import Demands
from rules.model_types import Rate
from rules.names import SecretName
from workers.destinations import mapping
from workers.destinations.destination import (
    BaseUrl,
    Destination,
    Entry,
    Found,
    Listed,
    LookUp,
    Vendor,
)
from workers.destinations.fitting import fit
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.reading import content_of, created, id_of, inner, mappings, words
from workers.destinations.request import Ask, Change, Copy, Request

CHANGES: frozenset[Change] = frozenset({"create", "update", "complete"})

_ID_AT = "Message.Id"
_WINDOW_S = 5.0
"""The vendor's limits are of 5 seconds, and it says nothing of when to come again (V6)."""
_RELATED = {"lead": "1", "opportunity": "5"}
_NOTIFY = {"email": "1100", "none": "1000"}
_UPDATED = frozenset(
    {"Name", "Description", "RelatedEntity", "RelatedEntityId", "DueDate", "NotifyBy", "OwnerId"}
)
_LOST = ("type", "duration_minutes", "reminder", "custom", "status")
"""What an update has no field for."""
_THROTTLED = "MXAPIRateLimitExceededException"
_THROTTLED_WORDS = "API calls exceeded the limit of"
_REFUSED = frozenset({"MXInvalidAccessDetailsException", "MXUnAuthorizedAccessException"})
_PAGE = 100
_DAY = timedelta(days=1)
_LONGEST_RANGE = timedelta(days=99)


class Config(Vendor):
    """A destination of type `leadsquared`."""

    type: Literal["leadsquared"] = "leadsquared"
    base_url: BaseUrl = "https://api.leadsquared.com"
    access_key: SecretName = Field(description="name of the secret with the access key")
    secret_key: SecretName = Field(description="name of the secret with the secret key")
    keys_in: Literal["headers", "query"] = Field("headers", description="where the keys are sent")
    task_type: Annotated[str, Field(min_length=1)] = Field(
        description="the type of a task, as LeadSquared calls it"
    )
    task_types: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, description="types there by types of the directory"
    )
    all_day_time: mapping.ClockTime = Field(
        "09:00", description="when a task is due that is due on a day, in its zone"
    )
    complete_call: Literal["MarkComplete", "MarkAsComplete"] = Field(
        "MarkComplete", description="the call that completes a task: sources differ"
    )
    rate: Rate | None = Field(
        (10, 5000), description="requests in any window of a span, of all workers"
    )
    on_delete: Literal["leave"] = Field("leave", description="there is no call for it")


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change."""
    if change == "create":
        return _call(
            config, "POST", "Task.svc/Create", mapping.merged(config, copy, _new(config, copy))
        )
    if change == "update":
        given = mapping.merged(config, copy, _shared(config, copy))
        changes = {name: value for name, value in given.items() if name in _UPDATED}
        return _call(
            config, "POST", "Task.svc/Update", {"UserTaskId": mapping.id_there(copy), **changes}
        )
    if change == "complete":
        parameter = {"MarkComplete": "id", "MarkAsComplete": "taskId"}[config.complete_call]
        method = "GET" if config.complete_call == "MarkComplete" else "POST"
        query = [(parameter, mapping.id_there(copy))]
        return _call(config, method, f"Task.svc/{config.complete_call}", query=query)
    return None


def classify(config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means: its `Status` and the type of its exception, then its status."""
    del config
    outcome = Outcome.from_status(answer, now_s=now_s, changing=False)
    said = content_of(answer)
    kind = words(inner(said, "ExceptionType"))
    message = f"answered {answer.status}: {answer.excerpt()}"
    if _is_throttled(answer, kind, said):
        wait_s = max(outcome.retry_after_s or 0.0, _WINDOW_S)
        return Outcome(
            Kind.RATE_LIMITED, "rate-limited", message, answer.status, retry_after_s=wait_s
        )
    if kind in _REFUSED:
        return Outcome(Kind.AUTH, "credentials", message, answer.status)
    if outcome.kind is not Kind.AUTH and kind.startswith("MX"):
        return Outcome(Kind.REJECTED, "rejected", message, answer.status)
    if outcome.kind is Kind.DELIVERED:
        return _success(ask, answer, said)
    return outcome


def omitted(config: Config, change: Change, copy: Copy) -> tuple[str, ...]:
    """Name what a request cannot change."""
    del config
    if change != "update":
        return mapping.ALL_BUT_STATUS if change == "complete" else ()
    return _LOST if copy.task.get("due_at") else (*_LOST, "due_at")


def find(config: Config, copy: Copy) -> Request | None:
    """Return the request for the tasks of the lead, else for the owner's around the day it is due."""
    sent = mapping.as_sent(copy, lambda: build(config, "create", copy))
    if not copy.marker or copy.marker not in words(inner(sent, "Description")):
        return None
    if str(sent.get("RelatedEntity")) == _RELATED["lead"]:
        query = [("leadId", str(sent.get("RelatedEntityId")))]
        return _call(config, "GET", "LeadManagement.svc/RetrieveTaskByLeadId", query=query)
    owner = id_of(sent.get("OwnerId"))
    if owner is None:
        return None
    start, end = _range(copy, mapping.moment(words(sent.get("DueDate"))))
    body = {
        "FromDate": _timestamp(start),
        "ToDate": _timestamp(end),
        "Users": [owner],
        "Paging": {"PageIndex": 1, "PageSize": _PAGE},
    }
    return _call(config, "POST", "Task.svc/RetrieveToDos/ByUserId", body)


def read_found(config: Config, copy: Copy, request: Request, answer: Answer) -> Found:
    """Return the tasks with the marker."""
    del config
    said = content_of(answer)
    listed = inner(said, "TaskList") if request.method == "GET" else inner(said, "List")
    total = inner(said, "RecordCount")
    if not isinstance(listed, list) or isinstance(total, bool) or not isinstance(total, int):
        return Found()
    ids = (
        id_of(task.get("TaskID") or task.get("UserTaskId"))
        for task in mappings(listed)
        if copy.marker in words(task.get("Description"))
    )
    found = tuple(each for each in ids if each is not None)
    if request.method == "GET":
        return Found(found, complete=len(listed) >= total)
    asked = jsonio.loads(request.body)
    page = asked["Paging"]["PageIndex"]
    if page * _PAGE >= total:
        return Found(found, complete=True)
    if not listed:
        return Found(found)
    asked["Paging"]["PageIndex"] = page + 1
    return Found(found, next=_again(request, asked))


def check(config: Config) -> Request:
    """Return the request for the types of to-dos, which only the right host answers."""
    return _types(config)


def directory(config: Config) -> Sequence[LookUp]:
    """Return the look-ups for users and for types of tasks."""
    users = _call(config, "GET", "UserManagement.svc/Users.Get")
    return [LookUp("people", users), LookUp("task_types", _types(config))]


def read_directory(config: Config, lookup: LookUp, answer: Answer) -> Listed:
    """Return the users who are active, or the types."""
    del config
    said = mappings(content_of(answer))
    if lookup.kind == "task_types":
        return Listed(tuple(_entries(said, "Id", lambda each: words(each.get("Name")))))
    active = [user for user in said if str(user.get("StatusCode", 0)) == "0"]
    return Listed(tuple(_entries(active, "ID", _full_name)))


def demands(config: Config) -> Demands:
    """Say what a task must have: one owner, with an id."""
    return Demands(
        frozenset({"assignees"}), assignee=True, default_assignee=config.default_assignee
    )


def _is_throttled(answer: Answer, kind: str, said: Any) -> bool:
    text = words(inner(said, "ExceptionMessage"))
    return answer.status == 429 or kind == _THROTTLED or text.startswith(_THROTTLED_WORDS)  # noqa: PLR2004  the status


def _success(ask: Ask, answer: Answer, said: Any) -> Outcome:
    if words(inner(said, "Status")).lower() == "error":
        message = f"answered {answer.status}: {answer.excerpt()}"
        return Outcome(Kind.UNCERTAIN, "no-answer", message, answer.status)
    if ask == "create":
        made = words(inner(said, "Status")) == "Success"
        return created(answer, id_of(inner(said, "Message", "Id")) if made else None, _ID_AT)
    if ask == "update" and inner(said, "Message", "AffectedRows") == 0:
        message = "there is no such task any more: nothing was changed"
        return Outcome(Kind.GONE, "gone", message, answer.status)
    return Outcome(Kind.DELIVERED, status=answer.status)


def _shared(config: Config, copy: Copy) -> dict[str, Any]:
    """Return the fields that both a new task and a changed one have."""
    related = mapping.link(copy, _RELATED)
    fields: dict[str, Any] = {
        "Name": copy.task["title"],
        "Description": fit(copy.task.get("description") or "", None, tail=copy.marker),
        "RelatedEntity": 0 if related is None else int(related[0]),
        "OwnerId": _owner(config, copy),
    }
    if related is not None:
        fields["RelatedEntityId"] = related[1]
    due = _due(config, copy)
    if due is not None:
        fields["DueDate"] = _timestamp(due)
    reminder = copy.task.get("reminder")
    if reminder and reminder.get("notify"):
        fields["NotifyBy"] = _NOTIFY[reminder["notify"]]
    return fields


def _new(config: Config, copy: Copy) -> dict[str, Any]:
    task = copy.task
    name = config.task_types.get(task.get("type") or "", config.task_type)
    fields: dict[str, Any] = {**_shared(config, copy), "TaskType": {"Name": name}}
    due = _due(config, copy)
    if due is not None:
        # Left out, it would be today: before a task of tomorrow is due.
        minutes = task.get("duration_minutes") or 0
        fields["EndDate"] = _timestamp(due + timedelta(minutes=minutes))
    reminder = task.get("reminder")
    if reminder:
        fields["ReminderBeforeDays"] = str(reminder.get("days_before") or 0)
        if reminder.get("time"):
            fields["ReminderTime"] = f"{reminder['time']}:00"
    own = mapping.custom(copy, "mx_")
    if own:
        fields["CustomFields"] = own
    return fields


def _owner(config: Config, copy: Copy) -> str:
    """Return the id of the one who gets the task: the first assignee."""
    return mapping.assignees(copy, config.default_assignee)[0]


def _due(config: Config, copy: Copy) -> datetime | None:
    due = copy.task.get("due_at")
    if due and copy.task.get("all_day"):
        due = mapping.due_at_clock(copy, time.fromisoformat(config.all_day_time))
    return None if due is None else mapping.moment(due)


def _range(copy: Copy, due: datetime | None) -> tuple[datetime, datetime]:
    """Return a time in which the copy is due: without a date the vendor takes the day of its creation."""
    if due is not None:
        return due - 2 * _DAY, due + 2 * _DAY
    start = mapping.made_at(copy) - _DAY
    return start, start + _LONGEST_RANGE


def _timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _full_name(user: Mapping[str, Any]) -> str:
    names = (words(user.get(name)) for name in ("FirstName", "LastName"))
    return " ".join(filter(None, names))


def _entries(
    said: Iterable[Mapping[str, Any]], id_key: str, name_of: Callable[[Mapping[str, Any]], str]
) -> Iterator[Entry]:
    for each in said:
        found = id_of(each.get(id_key))
        if found is not None:
            yield Entry(found, name_of(each), words(each.get("EmailAddress")) or None)


def _types(config: Config) -> Request:
    query = [("ColumnName", "Category"), ("ColumnValue", "1")]
    return _call(config, "GET", "Task.svc/RetrieveTaskType", query=query)


def _again(request: Request, body: Any) -> Request:
    return Request.from_json({**request.as_json(), "body": jsonio.dumps(body)})


def _call(
    config: Config,
    method: str,
    path: str,
    body: Any = None,
    *,
    query: Sequence[tuple[str, str]] = (),
) -> Request:
    access, secret = str(config.access_key), str(config.secret_key)
    headers = {"x-LSQ-AccessKey": ("", access), "x-LSQ-SecretKey": ("", secret)}
    in_query = config.keys_in == "query"
    made = mapping.call(
        config, method, f"/v2/{path}", body, headers={} if in_query else headers, query=query
    )
    keys = {"accessKey": access, "secretKey": secret} if in_query else {}
    return Request.from_json({**made.as_json(), "secret_query": keys})


DESTINATION = Destination(
    name="leadsquared",
    title="LeadSquared",
    certainty="simulated",
    idempotency="none",
    config=Config,
    build=build,
    classify=classify,
    secrets=lambda config: frozenset({str(config.access_key), str(config.secret_key)}),
    on_uncertain=lambda config: config.on_uncertain,
    counts=mapping.shows_count,
    changes=CHANGES,
    omitted=omitted,
    find=find,
    read_found=read_found,
    check=check,
    directory=directory,
    read_directory=read_directory,
    demands=demands,
)
