"""A simulator of a connector of todo.vu; the names in its payload are its own, because todo.vu publishes none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
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

Unknown = Literal["reject", "create", "connector"]
"""What becomes of a task of somebody the workspace does not know."""


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


class _Task(Shape):
    title: Annotated[str, Field(min_length=1)]
    details: str = ""
    contact: str | None = None
    contact_name: str | None = None
    client_id: int | str | None = None
    project_id: int | str | None = None
    assignee_id: int | str | None = None
    label_ids: list[int | str] = Field(default_factory=list)
    follower_ids: list[int | str] = Field(default_factory=list)
    due: Annotated[str, AfterValidator(_day)] | None = None
    state: Literal["To do", "Done", "Snoozed"] = "To do"


class TodoVu(Simulator):
    """One connector: its preset fields, what it does with unknown contacts, and whether its plan is free."""

    name = "todovu"
    title = "todo.vu"
    assumptions = (
        "every name in the payload and in the answers, and that a title is required",
        "the key is sent as `Authorization: Bearer KEY`",
        "200 with the id for a task, 400 with an error for what is refused, 401 for a wrong key",
        "an unknown field, label or follower is refused",
        "a free plan takes one task in 30 hours a connector, and answers the next one 429 without a hint",
    )

    def __init__(
        self,
        clock: Clock,
        key: str,
        *,
        preset: Mapping[str, Any] | None = None,
        unknown: Unknown = "create",
        free: bool = False,
    ) -> None:
        super().__init__(clock)
        self._key = key
        self._preset = dict(preset or {})
        self._unknown = unknown
        self._window = Window("1/30h") if free else None
        self._ids = count(1001)
        self.contacts = {"jane@acme.example", "amir@acme.example"}
        self.people = {"11": "jane@acme.example", "12": "amir@acme.example"}
        self.labels = {"7": "shopify", "8": "urgent"}
        self.tasks: list[dict[str, Any]] = []

    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is: one address, which takes a task."""
        return [("POST", "/connectors/1/tasks", self._create)]

    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks, the oldest first."""
        return self.tasks

    def admit(self, asked: Asked) -> None:
        """Ask for the key."""
        if asked.headers.get("authorization") != f"Bearer {self._key}":
            raise _refusal("the API key is not valid", 401)

    def _create(self, asked: Asked) -> Reply:
        try:
            content = read_json(asked)
        except ValueError as error:
            raise _refusal(str(error)) from None
        passed = sorted(self._preset.keys() & content.keys()) if isinstance(content, dict) else []
        if passed:
            raise _refusal(f"{passed[0]} is preset on this connector and may not be passed")
        given, errors = shaped(_Task, content)
        if given is None:
            where = ".".join(map(str, errors[0]["loc"]))
            raise _refusal(f"{where}: {errors[0]['msg']}")
        self._check_ids("label", given.label_ids, self.labels)
        self._check_ids("follower", given.follower_ids, self.people)
        creator = self._creator(given.contact)
        # Only a task that is made counts.
        if self._window is not None and self._window.wait_ms(self.now_ms()):
            self.refused_for_rate += 1
            raise _refusal("the free plan takes one task in 30 hours", 429)
        if creator == "contact" and given.contact is not None:
            self.contacts.add(given.contact)
        task = {**given.model_dump(), **self._preset, "id": next(self._ids), "creator": creator}
        self.tasks.append(task)
        return Reply(200, {"id": task["id"]})

    def _creator(self, contact: str | None) -> str:
        if contact is None or (contact not in self.contacts and self._unknown == "connector"):
            return "connector"
        if contact not in self.contacts and self._unknown == "reject":
            raise _refusal(f"the contact {contact} is not known")
        return "contact"

    @staticmethod
    def _check_ids(what: str, given: Sequence[int | str], known: Mapping[str, str]) -> None:
        for each in given:
            if str(each) not in known:
                raise _refusal(f"there is no {what} with the id {each}")


def _refusal(message: str, status: int = 400) -> RefusedError:
    return RefusedError(Reply(status, {"error": message}))
