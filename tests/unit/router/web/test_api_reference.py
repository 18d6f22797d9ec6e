"""`/openapi.json` and `/docs`."""

from __future__ import annotations

import re

import pytest

from router.web.api.openapi import document, operations
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
