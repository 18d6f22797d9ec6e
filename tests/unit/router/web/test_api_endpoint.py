"""What every address of the API does alike."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from router.web import problems
from router.web.api.endpoint import guarded, json_response
from router.web.api.routes import CHANGES, ENDPOINTS
from router.web.problems import ProblemError
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import OPEN, Site, request_for

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
LISTS = [path for path, _, _ in ENDPOINTS if "{" not in path]


CHANGED = {path for _, path, _, _ in CHANGES}
READ = [path for path, _, _ in ENDPOINTS if path not in CHANGED]


@pytest.mark.parametrize("path", [path.replace("{id}", "1") for path in READ])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_addresses_that_are_only_read_say_so(site: Site, path: str, method: str) -> None:
    async with site.client.request(method, f"/api/v1{path}", headers=ADMIN) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", LISTS)
async def test_answers_are_json_that_no_cache_keeps(site: Site, path: str) -> None:
    async with site.client.get(f"/api/v1{path}", headers=ADMIN) as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"


async def test_the_head_of_an_answer_can_be_asked_for(site: Site) -> None:
    async with site.client.head("/api/v1/tasks", headers=ADMIN) as answer:
        assert answer.status == 200
        assert await answer.read() == b""


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/tasks",
        "/api/v1/tasks/%0A%7B/complete",
    ],
)
async def test_what_is_not_there_is_a_problem(site: Site, path: str) -> None:
    assert (await site.get(path, status=404, token=""))["code"] == "not-found"


@pytest.mark.parametrize("path", ["/hooks", "/hooks/", "/hooks/shop/more"])
async def test_no_connector_is_a_problem_too(site: Site, path: str) -> None:
    await site.use(OPEN)

    assert (await site.get(path, status=404, token=""))["status"] == 404


@pytest.mark.usefixtures("database_away")
@pytest.mark.parametrize("path", ["/tasks", "/refusals", "/events"])
async def test_while_the_database_is_away_it_is_503(site: Site, path: str) -> None:
    with capture_logs() as logs:
        problem = await site.get(f"/api/v1{path}", status=503)

    assert problem["code"] == "unavailable"
    assert [entry["event"] for entry in logs] == ["api_unavailable"]


@pytest.mark.parametrize("path", ["/events", "/stats"])
async def test_while_redis_is_away_it_is_503(
    site: Site, redis_server: fakeredis.FakeServer, path: str
) -> None:
    redis_server.connected = False

    assert (await site.get(f"/api/v1{path}", status=503))["code"] == "unavailable"


async def test_a_mistake_of_ours_is_a_problem_that_says_nothing() -> None:
    async def mistaken(_: web.Request) -> web.Response:
        raise RuntimeError("canary")

    with capture_logs() as logs:
        response = await guarded(mistaken)(request_for("/api/v1/tasks"))

    assert response.status == 500
    assert isinstance(response.body, bytes)
    assert b"canary" not in response.body
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("api_failed", "error")]


async def test_a_problem_is_answered_as_it_is() -> None:
    async def refuses(_: web.Request) -> web.Response:
        raise ProblemError(problems.BAD_FILTER, "detail")

    assert (await guarded(refuses)(request_for("/"))).status == 400


@pytest.mark.parametrize(
    ("content", "written"), [({"a": None}, b'{"a":null}'), ([10**30], b"[1" + b"0" * 30 + b"]")]
)
def test_json_keeps_its_digits(content: Any, written: bytes) -> None:
    assert json_response(content).body == written
