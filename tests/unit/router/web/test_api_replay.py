"""`POST /api/v1/events/{id}/replay`: what is queued, and what cannot be."""

from __future__ import annotations

from typing import Any

import fakeredis
import pytest
from structlog.testing import capture_logs

from router.core.event import IncomingEvent
from router.core.ids import id_source
from router.core.replay import REPLAYABLE
from router.core.store.schema import Row
from tests.support.batches import put_batch, webhook
from tests.support.rows import event_row, new_id
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import OPEN, SHOP, Site

pytestmark = pytest.mark.usefixtures("in_force")


@pytest.fixture
async def in_force(site: Site) -> None:
    await site.use(SHOP, OPEN)


async def decided(site: Site, **given: Any) -> Row:
    row = event_row(**{"status": "undecided", **given})
    await site.add(events=[row])
    return row


async def post(
    site: Site,
    event_id: str,
    query: str = "",
    *,
    status: int = 202,
    token: str = ADMIN_TOKEN,
    **given: Any,
) -> Any:
    """Ask for a replay; the answer must have this status, and be JSON."""
    headers = {"Authorization": f"Bearer {token}"}
    path = f"/api/v1/events/{event_id}/replay{query}"
    async with site.client.post(path, headers=headers, **given) as answer:
        assert answer.status == status, await answer.text()
        kind = "application/json" if status == 202 else "application/problem+json"
        assert answer.content_type == kind
        return await answer.json(content_type=None)


async def queued(site: Site) -> list[IncomingEvent]:
    """Return the replays that wait in Redis, in the order they came."""
    loaded = await site.pending.load_all(await site.pending.oldest(100))
    return [event for events in loaded.values() for event in events if event.replay]


@pytest.mark.parametrize("status", REPLAYABLE)
async def test_an_event_goes_as_it_came_through_the_intake_again(site: Site, status: str) -> None:
    came_in = {
        "body": b"\x00\xff exact",
        "type": "orders/create",
        "delivery_id": "4d3e",
        "headers": {"x-a": "1"},
        "query": {"b": "2"},
        "remote": "203.0.113.9",
    }
    row = await decided(site, status=status, replays=2, **came_in)

    with capture_logs() as logs:
        answer = await post(site, row["id"])

    assert answer == {"event_id": row["id"], "replay": 3, "force": False}
    (event,) = await queued(site)
    assert event == IncomingEvent(
        id=row["id"],
        connector="shop",
        received_ms=row["received_ms"],
        content_type="application/json",
        replay=3,
        **came_in,  # type: ignore[arg-type]  # each of the kind its field has
    )
    (said,) = logs
    assert (said["event"], said["event_id"], said["replay"]) == ("replay_queued", row["id"], 3)


async def test_an_event_that_is_replayed_is_shown_as_the_database_has_it(site: Site) -> None:
    row = await decided(site)
    await post(site, row["id"])

    assert (await site.get(f"/api/v1/events/{row['id']}"))["status"] == "undecided"
    answer = await site.get("/api/v1/events")
    assert [(event["id"], event["status"]) for event in answer["data"]] == [
        (row["id"], "undecided")
    ]
    assert (await site.get("/api/v1/events?status=accepted"))["data"] == []


async def test_asked_for_twice_it_is_the_same_replay(site: Site) -> None:
    row = await decided(site)

    answers = [await post(site, row["id"]) for _ in range(2)]

    assert [answer["replay"] for answer in answers] == [1, 1]


@pytest.mark.parametrize(
    ("query", "given", "forced"),
    [
        ("", {}, False),
        ("?force=true", {}, True),
        ("?force=false", {}, False),
        ("", {"json": {"force": True}}, True),
        ("", {"json": {"force": False}}, False),
        ("", {"json": {}}, False),
        ("", {"data": b" \n"}, False),
        ("?force=true", {"json": {"force": True}}, True),
    ],
)
async def test_it_is_forced_by_the_query_or_by_the_body(
    site: Site, query: str, given: dict[str, Any], *, forced: bool
) -> None:
    row = await decided(site)

    answer = await post(site, row["id"], query, **given)

    assert answer["force"] is forced
    assert [event.forced for event in await queued(site)] == [forced]


@pytest.mark.parametrize(
    ("query", "given", "status", "code", "words"),
    [
        ("?force=1", {}, 400, "bad-filter", "force=true or force=false"),
        ("?forced=true", {}, 400, "bad-filter", "force=true or force=false"),
        ("", {"json": {"force": 1}}, 400, "bad-body", "force is true or false"),
        ("", {"json": {"forced": True}}, 400, "bad-body", "forced is not known; force is"),
        ("", {"json": []}, 400, "bad-body", "a JSON object"),
        ("", {"data": b"{"}, 400, "unparseable", ""),
        ("", {"data": b" " * 20_000}, 413, "too-large", "16,384 bytes"),
        ("?force=true", {"json": {"force": False}}, 400, "bad-body", "differently"),
    ],
)
async def test_what_cannot_be_used_is_said(
    site: Site, query: str, given: dict[str, Any], status: int, code: str, words: str
) -> None:
    row = await decided(site)

    problem = await post(site, row["id"], query, status=status, **given)

    assert problem["code"] == code
    assert words in problem["detail"]
    assert await queued(site) == []


@pytest.mark.parametrize("event_id", [new_id(), "1", "%00", new_id().upper()])
async def test_an_event_that_is_not_there_is_404(site: Site, event_id: str) -> None:
    assert (await post(site, event_id, status=404))["code"] == "not-found"


@pytest.mark.parametrize("where", ["Redis", "database"])
async def test_an_event_that_waits_to_be_decided_is_no_replay(site: Site, where: str) -> None:
    if where == "Redis":
        event = webhook("shop", clock=site.clock, id=id_source(site.clock)())
        site.clock.forward(1)
        await put_batch(site.redis, event, clock=site.clock)
        event_id = event.id
    else:
        event_id = (await decided(site, status="accepted"))["id"]

    problem = await post(site, event_id, status=409)

    assert problem["code"] == "still-accepted"
    assert "a worker has to run" in problem["detail"]
    assert await queued(site) == []


async def test_a_duplicate_is_replayed_only_if_it_is_forced(site: Site) -> None:
    row = await decided(site, status="duplicate", duplicate_of="the-first")

    problem = await post(site, row["id"], status=409)

    assert problem["code"] == "is-duplicate"
    assert "the-first" in problem["detail"]
    assert (await post(site, row["id"], "?force=true"))["force"] is True


async def test_without_its_connector_an_event_is_not_replayed(site: Site) -> None:
    row = await decided(site, connector="gone", status="held")

    problem = await post(site, row["id"], status=409)

    assert problem["code"] == "no-connector"
    assert "there is no connector gone" in problem["detail"]
    assert await queued(site) == []


async def test_an_event_that_is_decided_between_two_looks_is_replayed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = new_id()

    async def decides_it(_: str) -> None:
        await site.add(events=[event_row(id=event_id)])

    monkeypatch.setattr(site.pending, "find_event", decides_it)

    assert (await post(site, event_id))["replay"] == 1


async def test_it_needs_a_scope_of_its_own(site: Site) -> None:
    row = await decided(site)
    reader = await site.make_token("events:read", "tasks:write")
    replayer = await site.make_token("events:replay")

    assert (await post(site, row["id"], status=403, token=reader))["code"] == "scope-missing"
    assert (await post(site, row["id"], status=401, token="no"))["code"] == "token-invalid"
    assert await queued(site) == []
    await post(site, row["id"], token=replayer)
    await site.get(f"/api/v1/events/{row['id']}", status=403, token=replayer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_it_is_posted_to(site: Site, method: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    path = f"/api/v1/events/{new_id()}/replay"
    async with site.client.request(method, path, headers=headers) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_what_redis_does_not_keep_is_not_promised(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    row = await decided(site)
    redis_server.connected = False

    problem = await post(site, row["id"], status=503)

    assert problem["code"] == "not-durable"


async def test_while_too_much_waits_it_is_503(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    row = await decided(site)
    monkeypatch.setattr(site.intake, "_max_requests", 0)

    assert (await post(site, row["id"], status=503))["code"] == "overloaded"


async def test_before_any_rules_are_known_the_worker_is_left_to_find_the_connector(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await decided(site, connector="gone")
    monkeypatch.setattr(site.connectors, "_table", None)

    await post(site, row["id"])

    assert [event.id for event in await queued(site)] == [row["id"]]
