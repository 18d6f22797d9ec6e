"""What a sender is told of an event that was stored."""

from __future__ import annotations

import asyncio
import json
from email.utils import formatdate
from typing import Any

import pytest
from aiohttp import web

from router.web.answers import answer_of
from tests.support.rows import NOW_MS
from tests.support.site import BASE_URL, OPEN, Site, read_answer

NOW = NOW_MS / 1000
WEBHOOK = b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n%s\r\n{}"


def answered(status: str, **given: Any) -> tuple[int, dict[str, Any], web.Response]:
    """Return status and content of the answer to an outcome."""
    outcome = {"event_id": "e-1", "status": status, "tasks": [], **given}
    response = answer_of("e-1", outcome, BASE_URL, NOW)
    assert isinstance(response.body, bytes)
    return response.status, json.loads(response.body), response


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("routed", 201),
        ("dropped", 200),
        ("duplicate", 200),
        ("held", 200),
        ("undecided", 202),
        ("failed", 202),
        ("refused", 422),
    ],
)
def test_each_outcome_has_its_status(status: str, code: int) -> None:
    assert answered(status)[0] == code


def test_an_outcome_that_did_not_come_in_time_is_accepted() -> None:
    response = answer_of("e-1", None, BASE_URL, NOW)

    assert response.status == 202
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {"event_id": "e-1", "status": "accepted"}


def test_a_duplicate_names_the_event_it_repeats() -> None:
    _, content, _ = answered("duplicate", duplicate_of="e-0", reason=None, code=None)

    assert content == {"event_id": "e-1", "status": "duplicate", "duplicate_of": "e-0"}


def test_without_a_task_the_reason_is_told() -> None:
    _, content, _ = answered("dropped", reason="not ours", code="dropped")

    assert (content["reason"], content["code"]) == ("not ours", "dropped")
    assert "tasks" not in content


def test_tasks_have_their_addresses_and_the_first_is_the_location() -> None:
    tasks = [{"id": "t-1", "action": "created"}, {"id": "t-2", "action": "counted"}]

    _, content, response = answered("routed", tasks=tasks)

    urls = [f"{BASE_URL}/api/v1/tasks/{name}" for name in ("t-1", "t-2")]
    assert [task["url"] for task in content["tasks"]] == urls
    assert response.headers["Location"] == urls[0]


def test_routed_without_a_task_has_no_location() -> None:
    _, content, response = answered("routed")

    assert content["tasks"] == []
    assert "Location" not in response.headers


def test_a_refused_task_is_a_problem_with_its_errors() -> None:
    errors = [{"field": "priority", "code": "fixed", "message": "is fixed"}]

    _, content, response = answered("refused", reason="a field is fixed", errors=errors)

    assert response.content_type == "application/problem+json"
    assert (content["code"], content["event_id"]) == ("refused", "e-1")
    assert (content["detail"], content["errors"]) == ("a field is fixed", errors)


def test_a_refused_task_without_errors_has_an_empty_list() -> None:
    assert answered("refused", errors=None)[1]["errors"] == []


async def test_what_is_written_in_one_piece_is_http_to_the_letter(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        writer.write(WEBHOOK % b"")
        answer = await read_answer(reader)

    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status == "HTTP/1.1 202 Accepted"
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Date"] == formatdate(NOW, usegmt=True)
    assert headers["Server"].startswith("Python/")
    assert "Connection" not in headers
    assert json.loads(body)["status"] == "accepted"


async def test_a_connection_is_used_for_one_webhook_after_the_other(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        for _ in range(3):
            writer.write(WEBHOOK % b"")
            assert (await read_answer(reader)).startswith(b"HTTP/1.1 202 ")

    assert len(await site.events()) == 3


async def test_webhooks_that_are_sent_without_waiting_are_answered_in_order(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        writer.write((WEBHOOK % b"") * 3)
        answers = [await read_answer(reader) for _ in range(3)]

    told = [json.loads(answer.partition(b"\r\n\r\n")[2])["event_id"] for answer in answers]
    assert told == sorted(event.id for event in await site.events())


async def test_who_wants_the_connection_closed_finds_it_closed(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        writer.write(WEBHOOK % b"Connection: close\r\n")
        answer = await read_answer(reader)
        assert await reader.read() == b""

    assert b"\r\nConnection: close\r\n" in answer


async def test_an_older_http_is_answered_in_its_own_way(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        writer.write(b"POST /hooks/open HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        answer = await read_answer(reader)
        assert await reader.read() == b""

    assert answer.startswith(b"HTTP/1.0 202 ")


async def test_a_header_that_was_added_is_sent(site: Site) -> None:
    await site.use(OPEN)
    async with asyncio.timeout(10), site.connection() as (reader, writer):
        writer.write(WEBHOOK % b"Prefer: wait=0\r\n")
        answer = await read_answer(reader)
        writer.write(WEBHOOK % b"")
        assert (await read_answer(reader)).startswith(b"HTTP/1.1 202 ")

    assert b"\r\nPreference-Applied: wait=0\r\n" in answer


async def test_an_older_http_that_stays_open_is_answered_in_its_own_way(site: Site) -> None:
    await site.use(OPEN)
    head = b"POST /hooks/open HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}"

    assert (await site.exchange(head)).startswith(b"HTTP/1.0 202 ")
