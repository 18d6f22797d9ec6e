"""`/api/v1/events`: also those that wait to be routed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from router.core.event import IncomingEvent
from router.core.ids import IdSource, id_source
from router.core.intake import Intake
from router.core.store.schema import Row
from router.web.api import events as module
from router.web.api.events import STATUSES
from tests.support.rows import HOUR_MS, NOW_MS, event_row, new_id
from tests.support.senders import Request
from tests.support.site import OPEN, Site


@pytest.fixture
def ids(site: Site) -> IdSource:
    """Ids in order, as one receiver makes them for events and batches alike."""
    return id_source(site.clock)


async def accept(site: Site, ids: IdSource, connector: str = "shop", **given: Any) -> IncomingEvent:
    """Leave an event in Redis, in a batch of its own."""
    event = IncomingEvent(
        **{
            "id": ids(),
            "connector": connector,
            "received_ms": site.clock.now_ms,
            "body": b"{}",
            **given,
        }
    )
    intake = Intake(site.redis, new_id=ids, clock=site.clock, max_requests=9, max_bytes=2**20)
    await intake.put(event)
    return event


async def route(site: Site, event: IncomingEvent, **given: Any) -> None:
    """Write what became of an event, as a worker does before it forgets the batch."""
    row = event_row(id=event.id, connector=event.connector, **given)
    await site.add(events=[row])


async def routed(site: Site, ids: IdSource, **given: Any) -> Row:
    """Write an event that is decided."""
    row = event_row(id=ids(), received_ms=site.clock.now_ms, **given)
    await site.add(events=[row])
    return row


async def listed(site: Site, query: str = "") -> list[str]:
    return [event["id"] for event in (await site.get(f"/api/v1/events?{query}"))["data"]]


async def all_pages(site: Site, query: str, *, limit: int) -> list[list[str]]:
    """Return the ids of page after page."""
    pages: list[list[str]] = []
    cursor = ""
    while True:
        answer = await site.get(f"/api/v1/events?limit={limit}&{query}{cursor}")
        pages.append([event["id"] for event in answer["data"]])
        if answer["next_cursor"] is None:
            return pages
        assert len(pages) < 50, "the list does not end"
        cursor = f"&cursor={answer['next_cursor']}"


async def test_an_event_is_there_as_soon_as_it_is_acknowledged(site: Site) -> None:
    await site.use(OPEN)
    request = Request("open?a=1", b'{"n": 1.50}', {"Content-Type": "application/json", "X-A": "b"})
    answer = await (await site.send(request)).json()

    event = await site.get(f"/api/v1/events/{answer['event_id']}")

    assert (event["id"], event["status"], event["connector"]) == (
        answer["event_id"],
        "accepted",
        "open",
    )
    assert event["received_at"] == "2026-11-23T09:12:45.120Z"
    assert (event["decided_at"], event["rules_hash"], event["tasks"]) == (None, None, [])
    assert (event["headers"]["x-a"], event["query"], event["body"]) == ("b", {"a": "1"}, {"n": 1.5})
    assert await listed(site) == [answer["event_id"]]


async def test_an_event_that_is_decided_is_shown_whole(site: Site) -> None:
    row = event_row(headers={"x-a": "1"}, decisions=[{"rule": "r", "why": ["because"]}])
    await site.add(events=[row])

    event = await site.get(f"/api/v1/events/{row['id']}")

    assert (event["status"], event["headers"], event["body"]) == ("routed", {"x-a": "1"}, {})
    assert event["decisions"] == [{"rule": "r", "why": ["because"]}]


async def test_lists_leave_out_what_is_long(site: Site, ids: IdSource) -> None:
    await routed(site, ids, decisions=[{"rule": "r", "why": ["because"]}])
    await accept(site, ids)

    answer = await site.get("/api/v1/events")

    for event in answer["data"]:
        assert not {"headers", "query", "body"} & event.keys()
    assert answer["data"][1]["decisions"] == [{"rule": "r"}]


async def test_an_event_in_both_is_the_databases_and_there_once(site: Site, ids: IdSource) -> None:
    event = await accept(site, ids)
    await route(site, event)

    answer = await site.get("/api/v1/events")

    assert [(row["id"], row["status"]) for row in answer["data"]] == [(event.id, "routed")]
    assert (await site.get(f"/api/v1/events/{event.id}"))["status"] == "routed"


async def test_an_event_that_is_routed_between_two_looks_is_found(
    site: Site, ids: IdSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = IncomingEvent(ids(), "shop", NOW_MS, b"{}")

    async def routes_it(_: str) -> None:
        await route(site, event)

    monkeypatch.setattr(site.pending, "find_event", routes_it)

    assert (await site.get(f"/api/v1/events/{event.id}"))["status"] == "routed"


@pytest.mark.parametrize("event_id", [new_id(), "1", "%00", "..%2F..", new_id().upper()])
async def test_an_event_that_is_not_there_is_404(site: Site, event_id: str) -> None:
    assert (await site.get(f"/api/v1/events/{event_id}", status=404))["code"] == "not-found"


async def test_the_newest_comes_first_wherever_it_is(site: Site, ids: IdSource) -> None:
    expected = []
    for _ in range(3):
        expected += [(await routed(site, ids))["id"], (await accept(site, ids)).id]

    assert await listed(site) == expected[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_hold_every_event_once(site: Site, ids: IdSource, limit: int) -> None:
    expected = []
    for number in range(12):
        event = await accept(site, ids)
        expected.append(event.id)
        if number % 3 == 0:
            await route(site, event)
        if number % 4 == 0:
            expected.append((await routed(site, ids))["id"])

    pages = await all_pages(site, "", limit=limit)

    assert [event_id for page in pages for event_id in page] == expected[::-1]
    assert all(len(page) == limit for page in pages[:-1])


async def test_pages_stay_valid_while_events_come_and_are_routed(site: Site, ids: IdSource) -> None:
    events = [await accept(site, ids) for _ in range(6)]
    first = await site.get("/api/v1/events?limit=2")
    await accept(site, ids)
    for event, batch_id in zip(events, await site.pending.oldest(6), strict=True):
        await route(site, event)
        await site.pending.finish(batch_id)

    second = await site.get(f"/api/v1/events?limit=9&cursor={first['next_cursor']}")

    shown = [event["id"] for answer in (first, second) for event in answer["data"]]
    assert shown == [event.id for event in reversed(events)]


async def test_very_many_that_wait_are_paged_through_too(site: Site, ids: IdSource) -> None:
    expected = [(await accept(site, ids)).id for _ in range(80)]

    pages = await all_pages(site, "status=accepted", limit=30)

    assert [event_id for page in pages for event_id in page] == expected[::-1]


@pytest.mark.parametrize("status", STATUSES)
async def test_each_status_can_be_asked_for(site: Site, ids: IdSource, status: str) -> None:
    await accept(site, ids)
    for other in STATUSES[1:]:
        await routed(site, ids, status=other)

    answer = await site.get(f"/api/v1/events?status={status}")

    assert [event["status"] for event in answer["data"]] == [status]


async def test_a_status_that_is_none_is_refused(site: Site) -> None:
    problem = await site.get("/api/v1/events?status=done", status=400)

    assert problem["code"] == "bad-filter"
    assert "accepted, routed" in problem["detail"]


async def test_one_connectors_events_can_be_asked_for(site: Site, ids: IdSource) -> None:
    await accept(site, ids, "desk")
    await routed(site, ids, connector="desk")
    expected = [(await accept(site, ids)).id, (await routed(site, ids))["id"]]

    assert await listed(site, "connector=shop") == expected[::-1]


async def test_since_is_included_and_until_is_not(site: Site, ids: IdSource) -> None:
    old = [(await accept(site, ids)).id, (await routed(site, ids))["id"]]
    site.clock.forward(HOUR_MS)
    new = [(await accept(site, ids)).id, (await routed(site, ids))["id"]]
    border = "2026-11-23T10:12:45.120Z"

    assert await listed(site, f"since={border}") == new[::-1]
    assert await listed(site, f"until={border}") == old[::-1]
    assert await listed(site, f"since={border}&until={border}") == []


async def test_an_empty_list_has_no_next_page(site: Site) -> None:
    assert await site.get("/api/v1/events") == {"data": [], "next_cursor": None}


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "abc",
        "%FF",
        "é",
        ".",
        urlsafe_b64encode(b"1").decode().rstrip("="),
        urlsafe_b64encode(new_id().encode()).decode().rstrip("=") + ".",
        urlsafe_b64encode(new_id().encode()).decode().rstrip("=") + ".abc",
        "." + urlsafe_b64encode(new_id().encode()).decode().rstrip("="),
        urlsafe_b64encode(new_id().encode()).decode().rstrip("=") + "=",
    ],
)
async def test_a_cursor_that_is_none_is_refused(site: Site, cursor: str) -> None:
    problem = await site.get(f"/api/v1/events?cursor={cursor}", status=400)

    assert problem["code"] == "bad-cursor"


def test_a_place_is_read_as_it_was_written() -> None:
    for place in (module._Place(new_id()), module._Place(new_id(), new_id())):
        assert module._Place.read(place.written()) == place
