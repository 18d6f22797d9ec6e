"""Whatever is asked of the API, it never breaks, and each answer is one that `/openapi.json` names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
from router.web.api.openapi import document, operations
from tests.support.manual_clock import ManualClock
from tests.support.rows import contact_row, delivery_row, event_row, task_row
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import OPEN, Site, open_site
from tests.support.slow_redis import SlowRedis

DOCUMENT = document("https://hooks.example")
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
TASK, EVENT, CONTACT = (
    task_row(number=10**9, key="k", labels=["a"]),
    event_row(connector="open"),
    contact_row("a@b.example"),
)

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
DATES = st.sampled_from(
    [
        "tomorrow",
        "+2 business days",
        "2026-12-01",
        "17:00",
        "2026-12-01T10:00:00Z",
        "9999-12-31",
        "0001-01-01",
    ]
)
ZONES = st.sampled_from(["UTC", "Europe/London", "Pacific/Apia", "Mars/Olympus"])


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of a schema, and now and then others."""
    if "$ref" in schema:
        return bodies_of(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return st.one_of([values_of(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | st.text(max_size=5)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(max_size=30)
        | DATES
        | ZONES
        | st.sampled_from(schema.get("examples", [""])),
        "integer": st.integers(),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(st.text(max_size=8), ANYTHING, max_size=3),
    }
    if schema.get("type") == "array":
        return st.lists(values_of(schema["items"]), max_size=3)
    return kinds.get(schema.get("type", ""), ANYTHING)


def bodies_of(name: str) -> st.SearchStrategy[Any]:
    """Return bodies of a model: some of its fields, with fields nobody knows now and then."""
    schema = DOCUMENT["components"]["schemas"][name]
    fields = {field: values_of(one) for field, one in schema["properties"].items()}
    needed = {field: fields[field] for field in schema.get("required", ())}
    known = st.fixed_dictionaries(
        needed, optional={k: v for k, v in fields.items() if k not in needed}
    )
    return known | known | known | st.dictionaries(st.text(max_size=8), ANYTHING, max_size=2)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, Any], bytes | None, dict[str, str]]:
    """Draw an operation and a request to it: path and query, body, headers."""
    path, method, operation = draw(st.sampled_from(OPERATIONS))
    ids = st.sampled_from([TASK["id"], EVENT["id"], CONTACT["id"]]) | st.text(
        min_size=1, max_size=20
    )
    query, headers = {}, {}
    for parameter in operation["parameters"]:
        where, name = parameter["in"], parameter["name"]
        if where == "path":
            path = path.replace("{id}", quote(draw(ids), safe="", errors="replace"))
        elif draw(st.integers(0, 3)) == 0:
            value = draw(values_of(parameter["schema"]))
            if where == "query":
                query[name] = str(value).encode("utf-8", "replace")
            else:
                headers[name] = draw(st.sampled_from(['"1"', '"2", W/"1"', "*", "x", "k1"]))
    body = None
    if "requestBody" in operation:
        kind, content = draw(st.sampled_from(sorted(operation["requestBody"]["content"].items())))
        headers["Content-Type"] = kind
        value = draw(
            values_of(content["schema"]) | ANYTHING
            if draw(st.booleans())
            else values_of(content["schema"])
        )
        body = json.dumps(value).encode()
    return f"{path}?{urlencode(query)}" if query else path, method, operation, body, headers


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
            await site.use(OPEN)
            await site.add(new_tasks=[TASK], events=[EVENT], deliveries=[delivery_row(TASK["id"])])
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
@given(requests())
def test_no_request_breaks_the_api_and_every_answer_is_as_the_document_says(
    loop_and_site: tuple[asyncio.AbstractEventLoop, Site],
    request_: tuple[str, str, dict[str, Any], bytes | None, dict[str, str]],
) -> None:
    loop, site = loop_and_site
    url, method, operation, body, headers = request_

    async def ask() -> tuple[int, str, bytes]:
        named = {**headers, "Authorization": f"Bearer {ADMIN_TOKEN}"}
        given_: Any = {"data": body, "headers": named, "skip_auto_headers": ["Content-Type"]}
        async with site.client.request(method, url, **given_) as answer:
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
