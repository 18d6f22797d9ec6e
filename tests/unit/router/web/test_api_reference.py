"""`/openapi.json` and `/docs`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from router.core.clock import epoch_ms
from router.core.when import instant_ms
from router.web.api.described import PARAMETERS
from router.web.api.openapi import document, operations
from router.web.api.routes import ACTIONS, PREFIX
from tests.support.manual_clock import ManualClock
from tests.support.rows import delivery_row, task_row
from tests.support.site import BASE_URL, Site


async def test_the_document_is_there_without_a_token(site: Site) -> None:
    async with site.client.get("/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert await answer.json() == document(BASE_URL)


async def test_the_page_names_every_operation_and_needs_nothing_from_outside(site: Site) -> None:
    async with site.client.get("/docs") as answer:
        page = await answer.text()
        assert answer.content_type == "text/html"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    for one in operations():
        assert f"{one.method} /api/v1{one.path}</h3>" in page
    for name in ("ETag", "Location", "Retry-After", "WWW-Authenticate"):
        assert f"<code>{name}</code>" in page
    assert "<script" not in page
    assert re.findall(r"""(?:src|href|url)[=(]["']?(?!#|/openapi\.json)""", page) == []
    links = set(re.findall(r"href=#([\w-]+)", page))
    assert links <= set(re.findall(r"id=([\w-]+)", page))


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_both_are_only_read(site: Site, path: str) -> None:
    async with site.client.post(path) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_every_operation_says_its_scope_and_what_may_go_wrong() -> None:
    for methods in document(BASE_URL)["paths"].values():
        for operation in methods.values():
            assert operation["description"].startswith("Needs the scope `")
            assert {"401", "403", "503"} <= operation["responses"].keys()


def test_an_action_is_said_to_be_answered_as_it_is() -> None:
    for path, _, _ in ACTIONS:
        responses = document(BASE_URL)["paths"][PREFIX + path]["post"]["responses"]
        assert [status for status in responses if status < "300"] == ["202"]


def test_the_headers_that_clients_go_by_are_named() -> None:
    paths = document(BASE_URL)["paths"]
    made = paths["/api/v1/tasks"]["post"]["responses"]
    shown = {status: sorted(answer.get("headers", ())) for status, answer in made.items()}

    assert shown["201"] == shown["200"] == ["ETag", "Location"]
    assert shown["401"] == ["WWW-Authenticate"]
    assert shown["503"] == ["Retry-After"]
    patched = paths["/api/v1/tasks/{id}"]["patch"]["responses"]
    assert sorted(patched["200"]["headers"]) == sorted(patched["412"]["headers"]) == ["ETag"]


@pytest.mark.parametrize(
    ("model", "value", "taken"),
    [
        ("Comment", {"note": "a"}, True),
        ("Comment", {"note": " \n\x1c"}, False),
        ("TaskNew", {"title": "\x01a"}, True),
        ("TaskNew", {"title": "\x01\xa0"}, False),
        ("TaskNew", {"title": "a", "status": None}, True),
        ("TaskNew", {"title": "a", "links": [{"object": "people", "id": " "}]}, False),
        ("TaskNew", {"title": "a", "reminder": {"time": "9:30"}}, True),
        ("TaskNew", {"title": "a", "reminder": {"time": "24:00"}}, False),
        ("TaskNew", {"title": "a", "contact": {"email": "a@b.example"}}, True),
        ("TaskNew", {"title": "a", "contact": {"email": None, "name": "A"}}, False),
        ("TaskPatch", {"title": None}, False),
        ("TaskPatch", {"status": None}, False),
        ("TaskPatch", {"duration_minutes": 30.0}, True),
        ("DropAsked", {"reason": "they\xa0left"}, True),
        ("DropAsked", {"reason": "they\nleft"}, False),
    ],
)
async def test_the_models_say_which_texts_are_taken_as_the_api_takes_them(
    site: Site, model: str, value: dict[str, Any], *, taken: bool
) -> None:
    described = document(BASE_URL)
    schema = {"$ref": f"#/components/schemas/{model}", "components": described["components"]}
    row = task_row(number=10**6)
    delivery = delivery_row(row["id"], state="failed")
    await site.add(new_tasks=[row], deliveries=[delivery])
    method, path, status = {
        "Comment": ("POST", f"/tasks/{row['id']}/comments", 201),
        "TaskNew": ("POST", "/tasks", 201),
        "TaskPatch": ("PATCH", f"/tasks/{row['id']}", 200),
        "DropAsked": ("POST", f"/deliveries/{delivery['id']}/drop", 202),
    }[model]
    refused = 400 if model == "DropAsked" else 422

    assert Draft202012Validator(schema).is_valid(value) is taken
    await site.call(method, path, value, status=status if taken else refused)


@pytest.mark.parametrize(
    "span", ["99999w", "99999 d", "9999999h", "999999999m", "9999999999s", "9999999999999ms"]
)
def test_every_span_that_the_document_takes_is_one_of_the_calendar(span: str) -> None:
    clock = ManualClock()

    assert re.fullmatch(PARAMETERS["since"]["anyOf"][-1]["pattern"], span)
    assert instant_ms(span, clock) < epoch_ms(clock())
