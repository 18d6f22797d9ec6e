"""Whatever is changed through the API, its token's name is found beside it: in a history or in the audit log."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from router.core.store.audit import ACTIONS
from router.core.store.schema import audit, history
from router.web.api import described
from tests.support.api_calls import CHANGING, prepare
from tests.support.rows import delivery_row, new_id
from tests.support.site import Site

ADDED = {
    "/contacts": "contact-created",
    "/contacts/{id}": "contact-changed",
    "/events/{id}/replay": "event-replayed",
    "/deliveries/{id}/retry": "delivery-retried",
    "/deliveries/{id}/drop": "delivery-dropped",
}


async def traces(site: Site, actor: str) -> list[tuple[str, str]]:
    """Return what somebody did: where it is written, and what was done."""
    found: list[tuple[str, str]] = []
    async with site.store.connect() as conn:
        for table in (history, audit):
            query = select(table.c.action).where(table.c.actor == actor)
            found += [(table.name, action) for action in await conn.scalars(query)]
    return found


async def entries(site: Site, query: str = "") -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await site.get(f"/api/v1/audit{query}"))["data"]
    return listed


@pytest.mark.parametrize(("method", "path", "scope"), CHANGING)
async def test_every_change_is_attributable(site: Site, method: str, path: str, scope: str) -> None:
    address, body = await prepare(site, method, path)
    token = await site.make_token(scope)

    headers = {"Authorization": f"Bearer {token}"}
    url = f"/api/v1{address}"
    async with site.client.request(method, url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()

    found = await traces(site, f"api:{token}")
    assert found, f"{method} {path} leaves no trace of who did it"
    if path in ADDED:
        assert found == [("audit", ADDED[path])]


async def test_a_copy_that_was_found_is_noted_with_its_id(site: Site) -> None:
    row = delivery_row(new_id(), "crm", state="held")
    await site.add(deliveries=[row])

    await site.call("POST", f"/deliveries/{row['id']}/retry", {"external_id": "77"}, status=202)

    (entry,) = await entries(site)
    assert (entry["actor"], entry["action"], entry["subject"]) == (
        "api:admin",
        "delivery-retried",
        row["id"],
    )
    assert entry["detail"] == {"destination": "crm", "external_id": "77"}


async def test_what_is_refused_is_not_noted(site: Site) -> None:
    row = delivery_row(new_id(), "crm", state="current")
    await site.add(deliveries=[row])

    for act, body in (("retry", {}), ("drop", {"reason": "x"})):
        await site.call("POST", f"/deliveries/{row['id']}/{act}", body, status=409)
    await site.call("PATCH", f"/contacts/{new_id()}", {"name": "x"}, status=404)

    assert await entries(site) == []


async def test_a_contact_is_noted_once_without_its_address(site: Site) -> None:
    body = {"email": "anna@example.net"}
    made = await site.call("POST", "/contacts", body, status=201)
    await site.call("POST", "/contacts", body, status=201)
    await site.call("POST", "/contacts", {**body, "name": "Anna"}, status=201)
    await site.call("POST", "/tasks", {"title": "x", "contact": {**body, "name": "B"}}, status=201)
    await site.call(
        "POST", "/tasks", {"title": "x", "contact": {"email": "b@example.net"}}, status=201
    )

    found = await entries(site)
    assert [one["action"] for one in found] == [
        "contact-created",
        "contact-changed",
        "contact-created",
    ]
    assert [one["subject"] for one in found[1:]] == [made["id"]] * 2
    assert found[1]["detail"] == {"fields": ["name"]}
    assert "example.net" not in str(found)


async def test_the_log_is_narrowed_by_who_what_to_what_and_when(site: Site) -> None:
    first, second = [delivery_row(new_id(), "crm", state="failed") for _ in range(2)]
    await site.add(deliveries=[first, second])
    token = await site.make_token("tasks:write")
    await site.call(
        "POST", f"/deliveries/{first['id']}/drop", {"reason": "x"}, status=202, token=token
    )
    site.clock.forward(60_000)
    await site.call("POST", f"/deliveries/{second['id']}/retry", {}, status=202)
    later = (await entries(site))[0]["at"]

    async def subjects(query: str) -> list[str]:
        return [one["subject"] for one in await entries(site, query)]

    assert await subjects("") == [second["id"], first["id"]]
    assert await subjects(f"?actor=api:{token}") == [first["id"]]
    assert await subjects("?action=delivery-retried") == [second["id"]]
    assert await subjects(f"?subject={first['id']}") == [first["id"]]
    assert await subjects(f"?since={later}") == [second["id"]]
    assert await subjects(f"?until={later}") == [first["id"]]
    assert await subjects(f"?actor=api:admin&subject={first['id']}") == []
    page = await site.get("/api/v1/audit?limit=1")
    assert await subjects(f"?limit=1&cursor={page['next_cursor']}") == [first["id"]]
    for wrong in ("?action=delivery-lost", "?who=x", "?since=never"):
        problem = await site.get(f"/api/v1/audit{wrong}", status=400)
        assert problem["code"] == "bad-filter"


def test_the_document_names_all_actions() -> None:
    assert described.PARAMETERS["action"]["enum"] == list(ACTIONS)
