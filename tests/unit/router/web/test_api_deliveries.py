"""`/api/v1/deliveries` and `/destinations`: what became of copies, and what people do about them."""

from __future__ import annotations

import json
from typing import Any

import fakeredis
import pytest
from structlog.testing import capture_logs

from router.core import keys
from router.core.store.deliveries import add_attempts, get_delivery
from router.core.store.schema import Row
from tests.support.rows import HOUR_MS, NOW_MS, attempt_row, delivery_row, new_id
from tests.support.site import OPEN, Site

UNKNOWN = "0193573a-6e5c-7000-8000-00000000dead"


async def add(site: Site, destination: str = "crm", **given: Any) -> Row:
    row = delivery_row(new_id(), destination, **{"state": "failed", **given})
    await site.add(deliveries=[row])
    return row


async def stored(site: Site, row: Row) -> Row:
    async with site.store.connect() as conn:
        found = await get_delivery(conn, row["id"])
    assert found is not None
    return found


async def listed(site: Site, query: str = "") -> list[str]:
    answer = await site.get(f"/api/v1/deliveries{query}")
    return [row["id"] for row in answer["data"]]


async def test_deliveries_are_listed_newest_first_in_the_contracts_shape(site: Site) -> None:
    reason = {"code": "rejected", "message": "answered 422"}
    first = await add(site, reason=reason, attempts=3)
    second = await add(site, state="retrying", next_attempt_ms=NOW_MS + HOUR_MS)

    answer = await site.get("/api/v1/deliveries")

    assert [row["id"] for row in answer["data"]] == [second["id"], first["id"]]
    assert answer["next_cursor"] is None
    assert answer["data"][1] == {
        "id": first["id"],
        "task_id": first["task_id"],
        "destination": "crm",
        "state": "failed",
        "external_id": None,
        "reason": reason,
        "attempts": 3,
        "next_attempt_at": None,
        "updated_at": "2026-11-23T09:12:45.120Z",
    }
    assert answer["data"][0]["next_attempt_at"] == "2026-11-23T10:12:45.120Z"


async def test_they_are_found_by_state_destination_task_and_time(site: Site) -> None:
    failed = await add(site)
    held = await add(site, state="held", updated_ms=NOW_MS - HOUR_MS)
    other = await add(site, "desk", state="pending")

    assert await listed(site, "?state=failed") == [failed["id"]]
    assert await listed(site, "?state=pending") == [other["id"]]
    assert await listed(site, "?destination=crm") == [held["id"], failed["id"]]
    assert await listed(site, f"?task={held['task_id']}") == [held["id"]]
    assert await listed(site, "?until=2026-11-23T09:00:00Z") == [held["id"]]
    assert await listed(site, "?since=2026-11-23T09:00:00Z&state=held") == []


async def test_pages_follow_each_other(site: Site) -> None:
    rows = [await add(site) for _ in range(3)]

    page = await site.get("/api/v1/deliveries?state=failed&limit=2")
    rest = await listed(site, f"?state=failed&limit=2&cursor={page['next_cursor']}")

    assert [row["id"] for row in page["data"]] + rest == [row["id"] for row in reversed(rows)]


@pytest.mark.parametrize("query", ["?state=odd", "?colour=red", "?cursor=odd", "?since=soon"])
async def test_a_filter_that_cannot_be_is_refused(site: Site, query: str) -> None:
    await site.get(f"/api/v1/deliveries{query}", status=400)


async def test_one_is_shown_with_the_last_answer_and_its_attempts(site: Site) -> None:
    last = {"status": 422, "message": "answered 422: no", "body": "no", "truncated": False}
    row = await add(site, last_answer=last)
    async with site.store.begin() as conn:
        await add_attempts(
            conn, [attempt_row(row["id"], kind="create", outcome="rejected", status=422)]
        )

    answer = await site.get(f"/api/v1/deliveries/{row['id']}")

    assert answer["last_answer"] == last
    (attempt,) = answer["log"]
    assert (attempt["kind"], attempt["outcome"], attempt["status"]) == ("create", "rejected", 422)
    assert set(attempt) == {"at", "kind", "outcome", "status", "message", "duration_ms"}


@pytest.mark.parametrize("path", [f"/{UNKNOWN}", "/nonsense"])
async def test_one_that_is_not_there_is_404(site: Site, path: str) -> None:
    await site.get(f"/api/v1/deliveries{path}", status=404)
    await site.post(f"/api/v1/deliveries{path}/retry", status=404)
    await site.post(f"/api/v1/deliveries{path}/drop", status=404, json={"reason": "gone"})


async def test_a_retry_makes_it_due_with_all_its_attempts_before_it(site: Site) -> None:
    row = await add(
        site,
        attempts=9,
        first_attempt_ms=NOW_MS - 48 * HOUR_MS,
        next_attempt_ms=None,
        reason={"code": "gave-up", "message": "…"},
    )

    with capture_logs() as logs:
        answer = await site.post(f"/api/v1/deliveries/{row['id']}/retry")

    assert (answer["state"], answer["reason"], answer["attempts"]) == ("pending", None, 0)
    found = await stored(site, row)
    assert (found["state"], found["attempts"], found["first_attempt_ms"]) == ("pending", 0, None)
    assert found["next_attempt_ms"] == site.clock.now_ms
    assert [entry["event"] for entry in logs] == ["delivery_retried"]


async def test_a_retry_ends_the_pause_of_refused_credentials_and_all_that_was_held_for_it_goes_on(
    site: Site,
) -> None:
    reason = {"code": "credentials", "message": "answered 401"}
    rows = [await add(site, state="held", reason=reason) for _ in range(3)]
    uncertain = await add(site, state="held", reason={"code": "uncertain", "message": "…"})
    elsewhere = await add(site, "desk", state="held", reason=reason)
    await site.redis.set(keys.pause("crm"), json.dumps({**reason, "mark": "m"}))

    await site.post(f"/api/v1/deliveries/{rows[1]['id']}/retry")

    assert not await site.redis.exists(keys.pause("crm"))
    assert {(await stored(site, row))["state"] for row in rows} == {"pending"}
    assert (await stored(site, uncertain))["state"] == "held"
    assert (await stored(site, elsewhere))["state"] == "held"


async def test_a_destination_that_asked_for_patience_gets_it(site: Site) -> None:
    row = await add(site)
    told = {"code": "rate-limited", "message": "slow down", "mark": ""}
    await site.redis.set(keys.pause("crm"), json.dumps(told), px=60_000)

    await site.post(f"/api/v1/deliveries/{row['id']}/retry")

    assert await site.redis.exists(keys.pause("crm"))


async def test_a_copy_that_somebody_found_is_adopted(site: Site) -> None:
    row = await add(site, state="held", reason={"code": "uncertain", "message": "…"})

    answer = await site.post(
        f"/api/v1/deliveries/{row['id']}/retry", json={"external_id": "task/77"}
    )

    assert (answer["external_id"], answer["state"]) == ("task/77", "pending")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"state": "current", "delivered_version": 1}, "is-current"),
        ({"intent": {"kind": "create", "version": 1, "at_ms": NOW_MS}}, "in-hand"),
    ],
)
async def test_what_cannot_be_retried_or_dropped_is_a_409_that_says_why(
    site: Site, given: dict[str, Any], code: str
) -> None:
    row = await add(site, **given)

    for action in ("retry", "drop"):
        body = {"reason": "why"} if action == "drop" else {}
        answer = await site.post(f"/api/v1/deliveries/{row['id']}/{action}", status=409, json=body)
        assert answer["code"] == code
    assert (await stored(site, row))["state"] == row["state"]


async def test_one_that_has_a_copy_gets_no_other(site: Site) -> None:
    row = await add(site, external_id="77")

    answer = await site.post(
        f"/api/v1/deliveries/{row['id']}/retry", status=409, json={"external_id": "78"}
    )

    assert answer["code"] == "has-copy"


async def test_a_drop_says_why_and_can_be_taken_back(site: Site) -> None:
    row = await add(site)

    answer = await site.post(
        f"/api/v1/deliveries/{row['id']}/drop", json={"reason": " the customer left "}
    )

    assert answer["state"] == "dropped"
    assert answer["reason"] == {"code": "dropped", "message": "the customer left"}
    assert answer["next_attempt_at"] is None
    await site.post(f"/api/v1/deliveries/{row['id']}/retry")
    assert (await stored(site, row))["state"] == "pending"


async def test_a_reason_may_have_any_character_that_a_line_has(site: Site) -> None:
    row = await add(site)
    reason = "they\u00a0left \N{MAN}\u200d\N{WOMAN}"

    answer = await site.post(f"/api/v1/deliveries/{row['id']}/drop", json={"reason": reason})

    assert answer["reason"]["message"] == reason


@pytest.mark.parametrize("action", ["drop", "retry"])
async def test_a_query_that_means_nothing_is_refused_and_nothing_is_done(
    site: Site, action: str
) -> None:
    row = await add(site)
    path = f"/api/v1/deliveries/{row['id']}/{action}?force=true"

    answer = await site.post(path, status=400, json={"reason": "why"} if action == "drop" else None)

    assert answer["code"] == "bad-filter"
    assert (await stored(site, row))["state"] == "failed"


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("drop", None),
        ("drop", {"reason": "  "}),
        ("drop", {"reason": 5}),
        ("drop", {"reason": "x" * 501}),
        ("drop", {"reason": "why", "colour": "red"}),
        ("retry", {"external_id": ""}),
        ("drop", {"reason": "a\u0085b"}),
        ("drop", {"reason": "a\u2028b"}),
        ("retry", {"external_id": "a\nb"}),
        ("retry", {"force": True}),
    ],
)
async def test_a_body_that_cannot_be_is_refused_and_nothing_is_done(
    site: Site, action: str, body: Any
) -> None:
    row = await add(site)

    answer = await site.post(f"/api/v1/deliveries/{row['id']}/{action}", status=400, json=body)

    assert answer["code"] == "bad-body"
    assert (await stored(site, row))["state"] == "failed"


async def test_looking_and_acting_need_a_scope_each(site: Site) -> None:
    row = await add(site)
    reader, writer = await site.make_token("tasks:read"), await site.make_token("tasks:write")

    await site.get("/api/v1/deliveries", token=reader)
    await site.get(f"/api/v1/deliveries/{row['id']}", token=writer, status=403)
    await site.post(f"/api/v1/deliveries/{row['id']}/retry", token=reader, status=403)
    await site.post(f"/api/v1/deliveries/{row['id']}/retry", token=writer)


async def test_while_redis_is_away_nothing_is_retried(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    row = await add(site)
    redis_server.connected = False

    answer = await site.post(f"/api/v1/deliveries/{row['id']}/retry", status=503)

    assert answer["code"] == "unavailable"
    assert (await stored(site, row))["state"] == "failed"


async def test_destinations_are_listed_with_how_they_stand_and_what_waits_for_people(
    site: Site,
) -> None:
    await site.use(OPEN, destinations={"crm": "http", "desk": "attio"})
    told = {"code": "rate-limited", "message": "slow down", "mark": "", "since_ms": NOW_MS}
    await site.redis.set(keys.pause("crm"), json.dumps(told), px=60_000)
    for state in ("failed", "failed", "held", "uncertain", "pending", "dropped", "current"):
        await add(site, state=state)
    await add(site, "gone", state="held")

    answer = await site.get("/api/v1/destinations")

    crm, desk, gone = answer["data"]
    assert (crm["name"], crm["type"], crm["state"]) == ("crm", "http", "paused")
    assert crm["reason"] == {"code": "rate-limited", "message": "slow down"}
    assert crm["until"] > crm["since"]
    assert crm["deliveries"] == {"uncertain": 1, "held": 1, "failed": 2}
    assert (desk["type"], desk["state"], desk["reason"]) == ("attio", "ok", None)
    assert (gone["type"], gone["deliveries"]["held"]) == (None, 1)
