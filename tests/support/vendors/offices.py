"""The vendors as tests know them: a simulator, the ids it has for our names, and how its tasks are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.core.clock import Clock
from tests.support.vendors import tasks
from workers.destinations import BY_NAME
from workers.destinations.destination import Common
from workers.destinations.outcome import Kind
from workers.destinations.request import Copy, Ids
from workers.sandbox import attio, heffl, leadsquared, todovu, vambe
from workers.sandbox.simulator import Simulator

FIXTURES = Path(__file__).parents[2] / "fixtures" / "destinations"
KEY = "cAnArY0123456789cAnArY0123456789"
"""The value of every secret."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as it is at the vendor."""

    id: str
    text: str
    closed: bool


@dataclass(frozen=True)
class Office:
    """One vendor; `links` and `custom` are fields of a task that the vendor has words for.

    `unknown_id` is an id of its form that nothing has; `missing` is what changing such a task comes to.
    """

    simulator: Callable[[Clock], Simulator]
    shown: Callable[[Mapping[str, Any]], Shown]
    ids: Ids = field(default_factory=Ids)
    links: list[dict[str, str]] = field(default_factory=list)
    custom: dict[str, Any] = field(default_factory=dict)
    unknown_id: str = "00000000-0000-4000-8000-000000000000"
    missing: Kind = Kind.GONE

    def full(self, **given: Any) -> dict[str, Any]:
        """Return a task with everything, and with ids that the vendor knows."""
        custom = {**tasks.full()["custom"], **self.custom}
        return tasks.full(**{"links": self.links, "custom": custom, **given})

    def plain(self, **given: Any) -> dict[str, Any]:
        """Return a task with no more than the vendor demands."""
        return tasks.plain(**{"assignees": ["jane"], **given})

    def copy(self, task: dict[str, Any], **given: Any) -> Copy:
        """Return the copy of a task."""
        return tasks.copy_of(task, self.ids, **given)


OFFICES: dict[str, Office] = {
    "attio": Office(
        simulator=lambda clock: attio.Attio(clock, KEY),
        shown=lambda task: Shown(
            task["id"]["task_id"], task["content_plaintext"], task["is_completed"]
        ),
        ids=Ids(people={"jane": attio.JANE, "amir": attio.AMIR}),
        links=[{"object": "people", "id": attio.PERSON}],
    ),
    "heffl": Office(
        simulator=lambda clock: heffl.Heffl(clock, KEY),
        shown=lambda task: Shown(
            task["id"],
            f"{task['title']}\n{task['description']}",
            task["status"] in {"COMPLETED", "CANCELLED"},
        ),
        ids=Ids(
            people={"jane": "usr_1", "amir": "usr_2"},
            labels={"shopify": "tag_12"},
            projects={"in-house/support": "prj_1"},
        ),
        links=[{"object": "people", "id": "elsewhere"}, {"object": "deal", "id": "dl_1"}],
        custom={"cf_total": "640.00"},
        unknown_id="tsk_999",
    ),
    "leadsquared": Office(
        simulator=lambda clock: leadsquared.LeadSquared(clock, KEY, KEY),
        shown=lambda task: Shown(
            task["UserTaskId"], f"{task['Name']}\n{task['Description']}", task["StatusCode"] == 1
        ),
        ids=Ids(people={"jane": leadsquared.JANE, "amir": leadsquared.AMIR}),
        links=[{"object": "Leads", "id": leadsquared.LEAD}],
        custom={"mx_Custom_1": "640.00"},
        missing=Kind.REJECTED,
    ),
    "todovu": Office(
        simulator=lambda clock: todovu.TodoVu(clock, KEY),
        shown=lambda task: Shown(
            str(task["id"]), f"{task['title']}\n{task['details']}", task["state"] == "Done"
        ),
        ids=Ids(people={"jane": "11", "amir": "12"}, labels={"shopify": "7"}),
    ),
    "vambe": Office(
        simulator=lambda clock: vambe.Vambe(clock, KEY),
        shown=lambda task: Shown(
            task["id"],
            f"{task['title']}\n{task['description']}",
            task["status_config"]["type"] == "done",
        ),
        ids=Ids(
            people={"jane": vambe.JANE, "amir": vambe.AMIR},
            statuses={"open": "Pendiente", "done": "Completado", "cancelled": "Completado"},
        ),
        links=[
            {"object": "contact", "id": vambe.CONTACT},
            {"object": "customers", "id": vambe.CUSTOMER},
        ],
    ),
}


def ids_of(name: str) -> Ids:
    """Return the ids of a type of destination for our names; a type that is no vendor's has none."""
    office = OFFICES.get(name)
    return Ids() if office is None else office.ids


def written(name: str) -> dict[str, Any]:
    """Return the configuration in a type's fixtures, as it is written in YAML."""
    read: dict[str, Any] = json.loads((FIXTURES / name / "config.json").read_text("utf-8"))
    return read


def config(name: str, **given: Any) -> Common:
    """Return the configuration in a type's fixtures, some of it changed."""
    return BY_NAME[name].config.model_validate({**written(name), **given})


def pointed(name: str, url: str, **given: Any) -> Common:
    """Return it for a vendor that is served at an address."""
    place = {"url": f"{url}/connectors/1/tasks"} if name == "todovu" else {"base_url": url}
    return config(name, **{**place, "allow_private": True, "timeout": "2s", **given})
