"""The API of a real process and `/openapi.json`: schemathesis sends what the document allows, and what not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.core.store.migrate import upgrade
from router.web.api.openapi import operations
from tests.support.comparing import COMPARED, compare
from tests.support.downstream import Downstream
from tests.support.furnished import FORM_KEY, Ids, furnish, refuses_some, routes
from tests.support.hookyard import Hookyard
from tests.support.routes import write_routes
from tests.support.servers import RedisServer

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, database_url: str
) -> AsyncIterator[Hookyard]:
    """An installation at work, on a database of each kind in turn."""
    async with Downstream() as downstream:
        downstream.decide = refuses_some
        installation = Hookyard(
            tmp_path / "hookyard",
            routes=write_routes(tmp_path / "routes", **routes(downstream.url)),
            redis_url=redis_server.url,
            database_url=database_url,
            secret_form_key=FORM_KEY,
        )
        await upgrade(database_url)
        async with installation:
            await installation.serve()
            installation.work()
            await installation.ready()
            yield installation


@pytest.fixture
async def ids(hookyard: Hookyard) -> Ids:
    """The ids of what there is."""
    return await furnish(hookyard)


async def test_every_answer_is_one_that_the_document_names_and_none_is_a_server_error(
    hookyard: Hookyard,
    ids: Ids,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    pytestconfig: pytest.Config,
) -> None:
    found = await asyncio.to_thread(compare, hookyard, ids, tmp_path / "compared")
    pytestconfig.stash[COMPARED][request.node.callspec.params["database_url"]] = found

    assert not found.failures, found.failures
    assert found.operations == len(list(operations()))
    # What is only ever refused, or not found, is not tested.
    assert {one for one in found.asked if not found.was_done(one)} == set()
    assert '"api_failed"' not in hookyard.logs()


async def test_an_answer_that_is_not_as_the_document_says_is_found(
    hookyard: Hookyard, ids: Ids, tmp_path: Path
) -> None:
    async with hookyard.session.get("/openapi.json") as answer:
        document = await answer.json()
    path = "/api/v1/stats"
    document["paths"] = {path: document["paths"][path]}
    document["components"]["schemas"]["Stats"]["properties"]["connectors"]["type"] = "string"

    found = await asyncio.to_thread(
        compare, hookyard, ids, tmp_path / "compared", examples=1, document=document
    )

    assert "GET /api/v1/stats" in found.failures
    assert "is not of type" in found.failures
