"""What a destination's job does besides sending: pauses, held copies, abandoned ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core.store import deliveries, retries
from router.core.store.engine import Row, Store
from tests.support.delivering import Office
from tests.support.routes import write_routes
from tests.support.rows import HOUR_MS, NOW_MS
from tests.support.ruling import rules_in_force
from workers import deliver as deliver_module
from workers.deliver import Deliveries, deliver
from workers.destinations.outcome import Answer
from workers.destinations.request import Request
from workers.pauses import RATE_LIMITED, Pause

CRM = """\
destinations:
  crm:
    type: http
    url: "https://helpdesk.example/tasks"
    headers: {X-Key: {secret: crm_key}}
    body: {subject: "{{ task.title }}"}
    id_at: id
    idempotency_header: Idempotency-Key
  plain:
    type: http
    url: "https://plain.example/tasks"
    body: {subject: "{{ task.title }}"}
"""


@pytest.fixture
def office(store: Store, redis: Redis) -> Office:
    made = Office(store, redis)
    made.secrets["crm_key"] = "old"
    return made


@pytest.fixture
async def work(office: Office, redis: Redis, tmp_path: Path) -> Deliveries:
    rules = await rules_in_force(tmp_path, redis, office.store, office.clock, destinations=CRM)
    return Deliveries(office.desk, rules)


def state(row: Row) -> tuple[str, str | None]:
    return row["state"], (row["reason"] or {}).get("code")


async def refused(office: Office, work: Deliveries, **given: Any) -> Row:
    """Return a copy that is held because the credentials were refused."""
    row = await office.copy(**given)
    office.sender.script.append(Answer(401))
    await work.run("crm")
    assert state(await office.stored(row)) == ("held", "credentials")
    return row


async def test_the_job_makes_due_copies_current(office: Office, work: Deliveries) -> None:
    row = await office.copy()

    await deliver({"deliveries": work}, "crm")

    assert (await office.stored(row))["state"] == "current"


async def test_copies_for_a_destination_that_is_no_more_are_held(
    office: Office, work: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_module, "_AT_REST", 2)
    copies = [await office.copy("gone", number=number) for number in range(1, 6)]

    await work.run("gone")

    for row in copies:
        stored = await office.stored(row)
        assert state(stored) == ("held", "no-destination")
        assert (stored["next_attempt_ms"], stored["lease_owner"]) == (None, None)


async def test_while_the_worker_stops_no_copies_are_held(office: Office, work: Deliveries) -> None:
    row = await office.copy("gone")
    office.stop.set()

    await work.run("gone")

    assert (await office.stored(row))["state"] == "pending"


async def test_while_it_is_rate_limited_nothing_is_sent_and_copies_wait(
    office: Office, work: Deliveries
) -> None:
    row = await office.copy()
    await office.pauses.put("crm", Pause(RATE_LIMITED, "slow down"), for_ms=60_000)

    await work.run("crm")

    assert office.sender.requests == []
    assert (await office.stored(row))["state"] == "pending"


async def test_after_refused_credentials_all_other_copies_are_held_unsent(
    office: Office, work: Deliveries
) -> None:
    await refused(office, work)
    others = [await office.copy(number=number) for number in (2, 3)]

    await work.run("crm")

    assert len(office.sender.requests) == 1
    for row in others:
        assert state(await office.stored(row)) == ("held", "credentials")


async def test_with_another_secret_the_held_copies_go_on(
    office: Office, work: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "_PAGE", 1)
    first = await refused(office, work)
    second = await office.copy(number=2)
    await work.run("crm")
    uncertain = await office.copy(number=3, state="held", reason={"code": "uncertain"})
    office.secrets["crm_key"] = "new"

    with capture_logs() as logs:
        await work.run("crm")

    assert await office.pauses.of("crm") is None
    assert [entry["event"] for entry in logs] == ["destination_resumed"]
    for row in (first, second):
        assert (await office.stored(row))["state"] == "current"
    assert state(await office.stored(uncertain)) == ("held", "uncertain")


async def test_the_sweeper_resumes_only_what_has_changed(office: Office, work: Deliveries) -> None:
    row = await refused(office, work)

    await work.resume_changed()
    assert (await office.pauses.of("crm")) is not None
    assert (await office.stored(row))["state"] == "held"

    office.secrets["crm_key"] = "new"
    await work.resume_changed()
    assert (await office.pauses.of("crm")) is None
    assert (await office.stored(row))["state"] == "pending"


async def test_a_copy_that_was_held_over_a_weekend_has_all_its_attempts_again(
    office: Office, work: Deliveries
) -> None:
    row = await refused(office, work)
    office.clock.forward(72 * HOUR_MS)
    office.secrets["crm_key"] = "new"

    for _ in range(2):
        office.sender.script.append(Answer(409))
        await work.run("crm")
        office.clock.forward(60_000)

    stored = await office.stored(row)
    assert (stored["state"], stored["attempts"]) == ("retrying", 2)


async def abandoned(office: Office, kind: str, destination: str = "crm", **given: Any) -> list[Row]:
    """Return a copy whose worker died after it had written that it was about to send."""
    row = await office.copy(destination, **given)
    async with office.store.begin() as conn:
        await deliveries.claim_due(
            conn, destination, owner="dead", now_ms=NOW_MS, lease_ms=1000, limit=1
        )
        intent = {"kind": kind, "version": 1, "at_ms": NOW_MS}
        told = {"id": row["id"], "intent": intent, "attempts": 1}
        await deliveries.set_intents(conn, [told], owner="dead", now_ms=NOW_MS)
    office.clock.forward(2000)
    async with office.store.begin() as conn:
        return await deliveries.abandoned_intents(
            conn, owner="w1", now_ms=office.clock.now_ms, lease_ms=30_000, limit=9
        )


@pytest.mark.parametrize(
    ("kind", "destination", "expected"),
    [
        ("create", "crm", ("retrying", "no-answer")),
        ("create", "plain", ("held", "uncertain")),
        ("create", "gone", ("held", "uncertain")),
        ("update", "plain", ("pending", None)),
        ("complete", "gone", ("pending", None)),
    ],
)
async def test_a_copy_whose_worker_died_is_repeated_only_where_that_makes_no_second_one(
    office: Office, work: Deliveries, kind: str, destination: str, expected: tuple[str, str | None]
) -> None:
    found = await abandoned(office, kind, destination)

    assert await work.settle_abandoned(found) == {destination}

    stored = await office.stored(found[0])
    assert state(stored) == expected
    assert (stored["intent"], stored["lease_owner"]) == (None, None)
    if expected[0] != "held":
        assert stored["next_attempt_ms"] == office.clock.now_ms


async def test_a_copy_that_was_abandoned_after_its_time_is_not_made_due_again(
    office: Office, work: Deliveries
) -> None:
    found = await abandoned(office, "create", first_attempt_ms=NOW_MS - 48 * HOUR_MS)

    await work.settle_abandoned(found)

    assert state(await office.stored(found[0])) == ("held", "gave-up")


async def changed(work: Deliveries, text: str) -> None:
    """Put other destinations in force, as a reload does."""
    rules = work._rules
    write_routes(rules.files.directory, destinations=text)
    await rules.reload(await rules.files.load(after_quiet=False), asyncio.Event())


async def test_with_another_configuration_the_held_copies_go_on(
    office: Office, work: Deliveries
) -> None:
    row = await refused(office, work)
    await changed(work, CRM.replace("helpdesk", "desk2"))

    await work.resume_changed()
    await work.run("crm")

    assert (await office.stored(row))["state"] == "current"
    assert [request.url for request in office.sender.requests] == [
        "https://helpdesk.example/tasks",
        "https://desk2.example/tasks",
    ]


async def test_a_reload_while_it_sends_counts_from_the_next_copy_on(
    office: Office, work: Deliveries
) -> None:
    copies = [await office.copy(number=number) for number in range(1, 30)]

    async def reload(_: Request) -> None:
        if len(office.sender.requests) == 1:
            await changed(work, CRM.replace("helpdesk", "desk2"))

    office.sender.before = reload
    await work.run("crm")

    asked = [request.url.split("/")[2] for request in office.sender.requests]
    assert asked == sorted(asked, reverse=True), "the old address, then the new one"
    assert set(asked) == {"helpdesk.example", "desk2.example"}
    assert len(asked) == len(copies)
    for row in copies:
        assert (await office.stored(row))["state"] == "current"


async def test_a_destination_that_is_gone_and_comes_back_goes_on(
    office: Office, work: Deliveries
) -> None:
    row, uncertain = (
        await office.copy(),
        await office.copy(number=2, state="held", reason={"code": "uncertain"}),
    )
    await changed(work, CRM.replace("crm:", "crm2:"))
    await work.run("crm")
    assert state(await office.stored(row)) == ("held", "no-destination")
    await work.resume_changed()
    assert state(await office.stored(row)) == ("held", "no-destination")

    await changed(work, CRM)
    with capture_logs() as logs:
        await work.resume_changed()
        await work.resume_changed()

    assert [entry["event"] for entry in logs] == ["destination_resumed"]
    assert (await office.stored(row))["state"] == "pending"
    assert state(await office.stored(uncertain)) == ("held", "uncertain")


async def test_a_destination_that_comes_back_while_its_copies_are_held_is_not_forgotten(
    office: Office, work: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await office.copy()
    await changed(work, CRM.replace("crm:", "crm2:"))
    hold = work._hold

    async def back_meanwhile(*given: str) -> None:
        await changed(work, CRM)
        await work.resume_changed()
        await hold(*given)

    monkeypatch.setattr(work, "_hold", back_meanwhile)
    await work.run("crm")

    assert (await office.stored(row))["state"] == "current"


async def test_a_destination_that_only_another_workers_newer_rules_have_is_sent_to(
    office: Office, work: Deliveries, redis: Redis, tmp_path: Path
) -> None:
    row = await office.copy("late")
    await rules_in_force(
        tmp_path / "ahead",
        redis,
        office.store,
        office.clock,
        destinations=CRM.replace("crm:", "late:"),
    )

    await work.run("late")

    assert (await office.stored(row))["state"] == "current"
