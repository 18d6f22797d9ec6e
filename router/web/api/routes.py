"""The addresses of the API: path, scope, and what answers."""

from __future__ import annotations

from aiohttp import web

from router.web.api import connectors, events, refusals, replay, stats, tasks
from router.web.api.endpoint import Act, Api, Read, action, endpoint, not_found

PREFIX = "/api/v1"

ENDPOINTS: tuple[tuple[str, str, Read], ...] = (
    ("/tasks", "tasks:read", tasks.many),
    ("/tasks/{id}", "tasks:read", tasks.one),
    ("/tasks/{id}/deliveries", "tasks:read", tasks.deliveries),
    ("/events", "events:read", events.many),
    ("/events/{id}", "events:read", events.one),
    ("/refusals", "events:read", refusals.many),
    ("/connectors", "events:read", connectors.many),
    ("/stats", "events:read", stats.show),
)

ACTIONS: tuple[tuple[str, str, Act], ...] = (
    ("/events/{id}/replay", "events:replay", replay.replay),
)


def add_api(router: web.UrlDispatcher, api: Api) -> None:
    """Add all addresses of the API, and an answer for those under it that are not there."""
    for path, scope, read in ENDPOINTS:
        router.add_route("*", PREFIX + path, endpoint(api, scope, read))
    for path, scope, act in ACTIONS:
        router.add_route("*", PREFIX + path, action(api, scope, act))
    for path in ("/api", "/api/{tail:.*}"):
        router.add_route("*", path, not_found)
