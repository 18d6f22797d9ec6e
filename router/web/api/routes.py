"""The addresses of the API: path, scope, and what answers."""

from __future__ import annotations

from aiohttp import web

from router.web.api import (
    audit,
    connectors,
    contacts,
    deliveries,
    destinations,
    events,
    lookups,
    refusals,
    replay,
    stats,
    task_changes,
    tasks,
)
from router.web.api.endpoint import (
    Act,
    Api,
    Change,
    Read,
    action,
    changing,
    endpoint,
    not_found,
    resource,
)

PREFIX = "/api/v1"

ENDPOINTS: tuple[tuple[str, str, Read], ...] = (
    ("/tasks", "tasks:read", tasks.many),
    ("/tasks/{id}", "tasks:read", tasks.one),
    ("/tasks/{id}/deliveries", "tasks:read", tasks.deliveries),
    ("/deliveries", "tasks:read", deliveries.many),
    ("/deliveries/{id}", "tasks:read", deliveries.one),
    ("/destinations", "tasks:read", destinations.many),
    ("/events", "events:read", events.many),
    ("/events/{id}", "events:read", events.one),
    ("/refusals", "events:read", refusals.many),
    ("/connectors", "events:read", connectors.many),
    ("/connectors/{id}/code", "events:read", connectors.code),
    ("/connectors/{id}/activity", "events:read", connectors.activity),
    ("/stats", "events:read", stats.show),
    ("/contacts", "tasks:read", contacts.many),
    ("/contacts/{id}", "tasks:read", contacts.one),
    *((f"/{kind}", "tasks:read", listing) for kind, listing in lookups.LISTINGS),
    ("/audit", "admin", audit.many),
)

CHANGES: tuple[tuple[str, str, str, Change], ...] = (
    ("POST", "/tasks", "tasks:write", task_changes.create),
    ("PATCH", "/tasks/{id}", "tasks:write", task_changes.patch),
    ("DELETE", "/tasks/{id}", "tasks:write", task_changes.delete),
    ("POST", "/tasks/{id}/complete", "tasks:write", task_changes.complete),
    ("POST", "/tasks/{id}/reopen", "tasks:write", task_changes.reopen),
    ("POST", "/tasks/{id}/comments", "tasks:write", task_changes.comment),
    ("POST", "/contacts", "tasks:write", contacts.create),
    ("PATCH", "/contacts/{id}", "tasks:write", contacts.patch),
)

ACTIONS: tuple[tuple[str, str, Act], ...] = (
    ("/events/{id}/replay", "events:replay", replay.replay),
    ("/deliveries/{id}/retry", "tasks:write", deliveries.retry),
    ("/deliveries/{id}/drop", "tasks:write", deliveries.drop),
)


def add_api(router: web.UrlDispatcher, api: Api) -> None:
    """Add all addresses of the API, and an answer for those under it that are not there."""
    changes: dict[str, dict[str, tuple[str, Change]]] = {}
    for method, path, scope, change in CHANGES:
        changes.setdefault(path, {})[method] = (scope, change)
    for path, scope, read in ENDPOINTS:
        of_path = changes.pop(path, None)
        handler = resource(api, scope, read, of_path) if of_path else endpoint(api, scope, read)
        router.add_route("*", PREFIX + path, handler)
    for path, of_path in changes.items():
        router.add_route("*", PREFIX + path, changing(api, of_path))
    for path, scope, act in ACTIONS:
        router.add_route("*", PREFIX + path, action(api, scope, act))
    for path in ("/api", "/api/{tail:[\\s\\S]*}"):
        router.add_route("*", path, not_found)
