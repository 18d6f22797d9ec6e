"""What a worker delivers with, each part of it in the test's hand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from redis.asyncio import Redis

from router.core.errors import SecretMissingError
from router.core.store.deliveries import get_delivery
from router.core.store.engine import Store
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from router.core.store.tasks import get_tasks
from tests.support.manual_clock import ManualClock
from tests.support.rows import delivery_row, ids_from, task_row
from workers.destinations import http
from workers.destinations.destination import Common
from workers.destinations.outcome import Answer, Outcome
from workers.destinations.request import Request
from workers.destinations.sender import Sender
from workers.ledger import Ledger
from workers.line import Desk
from workers.pauses import Pauses
from workers.turns import Turns

URL = "https://helpdesk.example/tasks"
CREATED = Answer(201, body=b'{"id": "ext-1"}')


class SecretBox(dict[str, str]):
    """Secrets that a test changes."""

    def get(self, name: str, default: object = None) -> str:
        del default
        if name not in self:
            raise SecretMissingError(f"secret {name!r} is not set")
        return self[name]


class ScriptedSender(Sender):
    """Sends nothing: keeps the requests, and answers from a script; when that is empty, it creates."""

    def __init__(self, secrets: SecretBox, clock: ManualClock) -> None:
        super().__init__(secrets, clock)
        self.requests: list[Request] = []
        self.repeatable: list[bool] = []
        self.script: deque[Answer | Outcome] = deque()
        self.before: Callable[[Request], Any] = lambda _: None
        """Called with each request, and awaited if it wants to be."""

    async def send(self, request: Request, config: Common, *, repeatable: bool) -> Answer | Outcome:
        self.requests.append(request)
        self.repeatable.append(repeatable)
        waiting = self.before(request)
        if asyncio.iscoroutine(waiting):
            await waiting
        return self.script.popleft() if self.script else CREATED


class Office:
    """A desk, and the parts it is made of."""

    def __init__(self, store: Store, redis: Redis, owner: str = "w1") -> None:
        self.store = store
        self.clock = ManualClock()
        self.secrets = SecretBox()
        self.sender = ScriptedSender(self.secrets, self.clock)
        self.stop = asyncio.Event()
        self.pauses = Pauses(redis)
        self.desk = Desk(
            store=store,
            ledger=Ledger(store, owner, self.clock, asyncio.Event()),
            sender=self.sender,
            secrets=self.secrets,
            pauses=self.pauses,
            turns=Turns(redis),
            worker_id=owner,
            clock=self.clock,
            new_id=ids_from(),
            jitter=lambda longest: longest,
            stop=self.stop,
        )

    async def copy(self, destination: str = "crm", *, number: int = 1, **given: Any) -> Row:
        """Add a task with a copy of it that is due; `given` goes to the delivery, `task` to the task."""
        changed = given.pop("task", {})
        task = task_row(number=number, **changed)
        row = delivery_row(task["id"], destination, **{"wanted_version": task["version"], **given})
        async with self.store.begin() as conn:
            await write(conn, Writes(new_tasks=[task], deliveries=[row]))
        return row

    async def change(self, task_id: str, destination: str = "crm", **changed: Any) -> None:
        """Change a task, so that its copy is to follow."""
        async with self.store.begin() as conn:
            task = (await get_tasks(conn, [task_id]))[task_id]
            task |= {"version": task["version"] + 1, **changed}
            row = delivery_row(task_id, destination, wanted_version=task["version"])
            await write(conn, Writes(changed_tasks=[task], deliveries=[row]))

    async def stored(self, row: Row) -> Row:
        """Return a delivery as it is now."""
        async with self.store.connect() as conn:
            found = await get_delivery(conn, row["id"])
        assert found is not None
        return found


def config(**given: Any) -> http.Config:
    """Return the configuration of an `http` destination whose requests say the title and the id."""
    return http.Config.model_validate(
        {
            "url": URL,
            "body": {"subject": "{{ task.title }}"},
            "id_at": "id",
            "update": {"method": "PUT", "url": URL + "/{{ external_id }}"},
            "idempotency_header": "Idempotency-Key",
            **given,
        }
    )
