"""A vendor that is there, and what a worker does with it: one request at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.manual_clock import ManualClock
from tests.support.vendors.faults import Faults
from tests.support.vendors.offices import KEY, OFFICES, Office, Shown, pointed
from tests.support.vendors.serving import serving
from tests.support.vendors.tasks import CREATED_MS, DELIVERY
from workers.destinations import BY_NAME
from workers.destinations.destination import Common, Destination, Entry, Found
from workers.destinations.outcome import Answer, Outcome
from workers.destinations.request import Ask, Change, Copy, Request
from workers.destinations.sender import Sender
from workers.sandbox.simulator import Simulator


class Keys:
    """Every secret there is, with one value."""

    def __init__(self, value: str = KEY) -> None:
        self.value = value

    def get(self, name: str) -> str:
        """Return it."""
        del name
        return self.value


@dataclass
class Visit:
    """One vendor's simulator, and an adapter that speaks with it."""

    kind: Destination
    office: Office
    config: Common
    simulator: Simulator
    sender: Sender
    clock: ManualClock
    keys: Keys
    faults: Faults
    tasks: dict[str, Any] = field(default_factory=dict)

    def copy(self, task: dict[str, Any], delivery_id: str = DELIVERY, **given: Any) -> Copy:
        """Return the copy of a task."""
        return self.office.copy(task, delivery_id=delivery_id, **given)

    async def change(self, change: Change, copy: Copy) -> Outcome:
        """Build, send and read one change."""
        request = self.kind.build(self.config, change, copy)
        assert request is not None
        return await self.send(change, request)

    async def create(self, task: dict[str, Any], delivery_id: str = DELIVERY) -> str:
        """Create a copy that must come about; return its id."""
        outcome = await self.change("create", self.copy(task, delivery_id))
        assert outcome.kind == "delivered", outcome
        assert outcome.external_id is not None
        return outcome.external_id

    async def send(self, ask: Ask, request: Request) -> Outcome:
        """Send a request and say what came of it."""
        answer = await self.sender.send(request, self.config, repeatable=ask != "create")
        if isinstance(answer, Outcome):
            return answer
        return self.kind.classify(self.config, ask, answer, self.clock().timestamp())

    async def look(self, request: Request) -> Answer:
        """Ask a question that must be answered."""
        answer = await self.sender.send(request, self.config, repeatable=True)
        assert isinstance(answer, Answer), answer
        outcome = self.kind.classify(self.config, "look", answer, self.clock().timestamp())
        assert outcome.kind == "delivered", outcome
        return answer

    async def find(self, copy: Copy) -> Found:
        """Look for a copy, page by page; return all ids that were found."""
        assert self.kind.find is not None
        assert self.kind.read_found is not None
        request = self.kind.find(self.config, copy)
        ids: dict[str, None] = {}
        while request is not None:
            answer = await self.look(request)
            found = self.kind.read_found(self.config, copy, request, answer)
            ids.update(dict.fromkeys(found.ids))
            if found.next is None:
                return Found(tuple(ids), complete=found.complete)
            request = found.next
            self.clock.forward(2000)
        return Found()

    async def listed(self) -> dict[str, list[Entry]]:
        """Return what is there, by kind."""
        assert self.kind.directory is not None
        assert self.kind.read_directory is not None
        entries: dict[str, list[Entry]] = {}
        for lookup in self.kind.directory(self.config):
            request: Request | None = lookup.request
            while request is not None:
                page = self.kind.read_directory(self.config, lookup, await self.look(request))
                entries.setdefault(lookup.kind, []).extend(page.entries)
                request = page.next
        return entries

    def shown(self) -> dict[str, Shown]:
        """Return the tasks at the vendor by their ids."""
        read = [self.office.shown(task) for task in self.simulator.tasks_now()]
        return {each.id: each for each in read}


@asynccontextmanager
async def visit(name: str, **given: Any) -> AsyncIterator[Visit]:
    """Open a vendor; `given` changes the configuration in its fixtures."""
    clock, keys, faults = ManualClock(CREATED_MS + 60_000), Keys(), Faults()
    office = OFFICES[name]
    simulator = office.simulator(clock)
    sender = Sender(keys, clock)
    async with serving(simulator, faults) as url:
        config = pointed(name, url, **given)
        yield Visit(BY_NAME[name], office, config, simulator, sender, clock, keys, faults)
        await sender.close()
