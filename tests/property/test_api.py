"""Whatever dates the API is given, it never breaks, and each answer is one that `/openapi.json` names.

What follows from the document itself, and what breaks it, schemathesis tries on a real process:
see `tests/integration/test_api_document.py`. No document leads to all days and all zones.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import available_timezones

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
from router.web.api.openapi import document, operations
from tests.support.manual_clock import ManualClock
from tests.support.rows import task_row
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import Site, open_site
from tests.support.slow_redis import SlowRedis

DOCUMENT = document("https://hooks.example")
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
TASK = task_row(number=10**9)
OFFSETS = st.none() | st.integers(-1439, 1439).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
DATES = (
    st.sampled_from(["tomorrow", "+2 business days", "+9999999 days", "-1 day", "17:00"])
    | st.builds("{}{}".format, st.integers(0, 10**15), st.sampled_from(["ms", "d", "w"]))
    | st.dates().map(date.isoformat)
    | st.datetimes(timezones=OFFSETS).map(datetime.isoformat)
    | st.times().map(time.isoformat)
    | st.text(max_size=20)
)
ZONES = st.sampled_from(sorted(available_timezones())) | st.text(max_size=20)
FIELDS = {
    **{
        name: st.none() | DATES
        for name in ("start", "start_at", "due", "due_at", "due_date", "due_time")
    },
    "timezone": st.none() | ZONES,
    "reminder": st.none() | st.fixed_dictionaries({}, optional={"time": DATES}),
}
LISTS = [
    (path, method, operation)
    for path, method, operation in OPERATIONS
    if any(one["name"] == "since" for one in operation["parameters"]) and "{" not in path
]

Asked = tuple[str, str, dict[str, Any], Any]


def changes(path: str, method: str, needed: dict[str, Any]) -> st.SearchStrategy[Asked]:
    """Return requests that give a task dates of any kind, several at once too."""
    bodies = st.fixed_dictionaries(needed, optional=FIELDS)
    operation = DOCUMENT["paths"][path][method]
    address = path.replace("{id}", TASK["id"])
    return bodies.map(lambda body: (address, method, operation, body))


@st.composite
def lists(draw: st.DrawFn) -> Asked:
    """Draw a list and from when until when it is asked for."""
    path, method, operation = draw(st.sampled_from(LISTS))
    span = {name: draw(DATES).encode("utf-8", "replace") for name in ("since", "until")}
    return f"{path}?{urlencode(span)}", method, operation, None


REQUESTS = st.one_of(
    changes("/api/v1/tasks", "post", {"title": st.just("x")}),
    changes("/api/v1/tasks/{id}", "patch", {}),
    lists(),
)


@pytest.fixture
def loop_and_site(tmp_path: Path) -> Iterator[tuple[asyncio.AbstractEventLoop, Site]]:
    """A site on a loop of the test's own, which goes from one example to the next."""
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        url = f"sqlite:///{tmp_path / 'property.db'}"

        async def start() -> tuple[Any, Any, Any, Site]:
            await upgrade(url)
            store, redis = await open_store(url), SlowRedis()
            opened = open_site(redis, store, ManualClock())
            site = await opened.__aenter__()
            await site.add(new_tasks=[TASK])
            return store, redis, opened, site

        store, redis, opened, site = runner.run(start())
        yield runner.get_loop(), site

        async def stop() -> None:
            await opened.__aexit__(None, None, None)
            await redis.aclose()
            await store.close()

        runner.run(stop())


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(REQUESTS)
def test_no_request_breaks_the_api_and_every_answer_is_as_the_document_says(
    loop_and_site: tuple[asyncio.AbstractEventLoop, Site],
    asked: Asked,
) -> None:
    loop, site = loop_and_site
    url, method, operation, body = asked

    async def ask() -> tuple[int, str, bytes]:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with site.client.request(method, url, json=body, headers=headers) as answer:
            return answer.status, answer.content_type, await answer.read()

    status, content_type, content = loop.run_until_complete(ask())

    assert status < 500, content
    assert str(status) in operation["responses"], (status, content)
    answer = operation["responses"][str(status)]
    if "content" not in answer:
        assert content == b""
        return
    (described,) = [answer["content"][content_type]]
    validator(described["schema"]).validate(json.loads(content))


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return what checks a value by a schema of the document."""
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_the_document_describes_every_route_by_itself() -> None:
    assert {(one.method, one.path) for one in operations() if one.described.tag == "Other"} == set()
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)
    for path, _, operation in OPERATIONS:
        assert operation["summary"].endswith("."), path


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_models_are_schemas_and_their_examples_are_of_them(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    Draft202012Validator.check_schema(schema)
    for example in schema.get("examples", ()):
        validator(schema).validate(example)


def test_every_reference_leads_somewhere() -> None:
    def refs(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for one in value.values():
                yield from refs(one)
        elif isinstance(value, list):
            for one in value:
                yield from refs(one)

    there = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(refs(DOCUMENT)) <= there
