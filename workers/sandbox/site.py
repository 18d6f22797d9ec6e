"""All simulators on one address, and the rule files that lead there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from aiohttp import web

from router.core.clock import Clock
from workers.sandbox import attio, heffl, leadsquared, todovu, vambe
from workers.sandbox.simulator import Simulator

KEY_NAME = "sandbox_key"
KEY = "sandbox-key"
"""The value of every key; it opens nothing but the sandbox."""
HEADER = "# Written by `hookyard sandbox`: simulators on this machine, no vendor is asked for anything.\n"
_CONNECTOR = "/connectors/1/tasks"


@dataclass(frozen=True)
class Stand:
    """One simulator: how it is made, how a destination is configured for it, and what it calls our names."""

    make: Callable[[Clock], Simulator]
    settings: Mapping[str, Any]
    people: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)


STANDS: Mapping[str, Stand] = {
    "attio": Stand(
        make=lambda clock: attio.Attio(clock, KEY),
        settings={"token": KEY_NAME},
        people={"jane": attio.JANE, "amir": attio.AMIR},
    ),
    "heffl": Stand(
        make=lambda clock: heffl.Heffl(clock, KEY),
        settings={"api_key": KEY_NAME},
        people={"jane": "usr_1", "amir": "usr_2"},
        labels={"shopify": "tag_12", "urgent": "tag_13"},
        projects={"in-house/support": "prj_1"},
    ),
    "leadsquared": Stand(
        make=lambda clock: leadsquared.LeadSquared(clock, KEY, KEY),
        settings={"access_key": KEY_NAME, "secret_key": KEY_NAME, "task_type": "Follow up"},
        people={"jane": leadsquared.JANE, "amir": leadsquared.AMIR},
    ),
    "todovu": Stand(
        make=lambda clock: todovu.TodoVu(clock, KEY),
        settings={
            "key": KEY_NAME,
            "authorization": "Bearer {key}",
            "fields": {
                "title": "{{ task.title }}",
                "details": "{{ task.description | default('', true) }}",
                "contact": "{{ task.contact.email | default(none) }}",
                "label_ids": "{{ task.label_ids }}",
                "due": "{{ task.due_date }}",
            },
        },
        people={"jane": "11", "amir": "12"},
        labels={"shopify": "7", "urgent": "8"},
    ),
    "vambe": Stand(
        make=lambda clock: vambe.Vambe(clock, KEY),
        settings={"api_key": KEY_NAME},
        people={"jane": vambe.JANE, "amir": vambe.AMIR},
        statuses={
            "open": "Pendiente",
            "doing": "En progreso",
            "done": "Completado",
            "cancelled": "Completado",
        },
    ),
}
"""Every simulator by the type of destination it stands for."""


def simulators(clock: Clock) -> dict[str, Simulator]:
    """Return a new one of each."""
    return {name: stand.make(clock) for name, stand in STANDS.items()}


def application(made: Mapping[str, Simulator]) -> web.Application:
    """Return a server that is all of them; `GET /` shows what each of them has."""
    app = web.Application()
    for simulator in made.values():
        app.add_routes(simulator.routes())

    async def overview(_request: web.Request) -> web.Response:
        return web.json_response(
            {
                name: {
                    "status": "simulated",
                    "assumed": list(each.assumptions),
                    "tasks": list(each.tasks_now()),
                }
                for name, each in made.items()
            }
        )

    app.router.add_get("/", overview)
    return app


def files(url: str) -> dict[str, str]:
    """Return the rule files that lead to the simulators at an address, by their names."""
    return {
        "sandbox-destinations.yaml": _file({"destinations": _destinations(url)}),
        "sandbox-directory.yaml": _file({"directory": _directory()}),
    }


def _destinations(url: str) -> dict[str, Any]:
    return {
        name: {"type": name, **_place(name, url), **stand.settings, "allow_private": True}
        for name, stand in STANDS.items()
    }


def _place(name: str, url: str) -> dict[str, str]:
    return {"url": f"{url}{_CONNECTOR}"} if name == "todovu" else {"base_url": url}


def _directory() -> dict[str, Any]:
    names = {"jane": "Jane Roe", "amir": "Amir Haddad"}
    kinds = {"open": "initial", "doing": "in_progress", "done": "done", "cancelled": "cancelled"}
    return {
        "people": {
            key: {
                "name": name,
                "email": f"{key}@acme.example",
                "ids": {each: stand.people[key] for each, stand in STANDS.items()},
            }
            for key, name in names.items()
        },
        "projects": _with_ids(["in-house/support"], lambda stand: stand.projects),
        "labels": _with_ids(["shopify", "urgent"], lambda stand: stand.labels),
        "statuses": [
            {
                "id": key,
                "kind": kind,
                "ids": {n: stand.statuses[key] for n, stand in STANDS.items() if stand.statuses},
            }
            for key, kind in kinds.items()
        ],
    }


def _with_ids(
    names: Sequence[str], of: Callable[[Stand], Mapping[str, str]]
) -> dict[str, dict[str, dict[str, str]]]:
    return {
        name: {"ids": {each: of(stand)[name] for each, stand in STANDS.items() if of(stand)}}
        for name in names
    }


def _file(content: Any) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    return HEADER + text
