"""One copy on its way: what may exist is looked for, what cannot be changed is said (V3-V5, V9, V10, V32)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from router.core.store import deliveries
from router.core.store.engine import Row, Store
from tests.support import askable
from tests.support.delivering import Office, config
from tests.support.rows import NOW_MS
from workers.destinations import http
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import BuildError, Ids, Request, marker_of
from workers.line import Line

SILENCE = Outcome(Kind.UNCERTAIN, "no-answer", "no answer in time")
UNREACHABLE = Outcome(Kind.RETRY, "unreachable", "connection refused")
CREATED = Answer(201, body=b'{"id": "a1"}')
LOOK_AFTER_MS = 30_000


@pytest.fixture
def office(store: Store, redis: Redis) -> Office:
    return Office(store, redis)


def line(office: Office, ids: Ids | None = None, **given: Any) -> Line:
    configured = askable.Config.model_validate({"allow_private": True, **given})
    return Line(office.desk, "crm", askable.DESTINATION, configured, ids=ids)


async def run(office: Office, *answers: Answer | Outcome, **given: Any) -> None:
    """Let the line run once; requests are answered in turn."""
    office.sender.script.extend(answers)
    await line(office, **given).run()


def found(*ids: str, **said: Any) -> Answer:
    return Answer(200, body=json.dumps({"ids": ids, **said}).encode())


def asked(office: Office) -> list[str]:
    return [request.method for request in office.sender.requests]


async def uncertain(office: Office, **given: Any) -> Row:
    """Return a copy whose creation was answered by silence, at the time it is looked for."""
    row = await office.copy(**given)
    await run(office, SILENCE)
    stored = await office.stored(row)
    assert (stored["state"], stored["next_attempt_ms"]) == ("uncertain", NOW_MS + LOOK_AFTER_MS)
    office.clock.forward(LOOK_AFTER_MS)
    return row


async def test_silence_after_a_creation_makes_the_copy_uncertain_and_nothing_is_sent_at_once(
    office: Office,
) -> None:
    row = await office.copy()

    await run(office, SILENCE)
    await run(office)

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("uncertain", "no-answer")
    assert asked(office) == ["POST"]
    assert office.sender.repeatable == [False]


async def test_one_that_is_found_is_adopted(office: Office) -> None:
    row = await uncertain(office)

    await run(office, found("a7"))

    stored = await office.stored(row)
    assert (stored["state"], stored["external_id"], stored["delivered_version"]) == (
        "current",
        "a7",
        1,
    )
    assert asked(office) == ["POST", "GET"]
    assert marker_of(row["id"]).replace(":", "%3A") in office.sender.requests[1].url
    assert (stored["create_request"], stored["reason"]) == (None, None)


async def test_what_changed_meanwhile_follows_the_adoption(office: Office) -> None:
    row = await uncertain(office)
    await office.change(row["task_id"], labels=["urgent"])

    await run(office, found("a7"))

    assert asked(office) == ["POST", "GET", "PATCH"]
    assert office.sender.requests[2].url.endswith("/tasks/a7")
    assert (await office.stored(row))["delivered_version"] == 2


async def test_where_all_is_seen_and_it_is_not_there_it_is_created_byte_for_byte(
    office: Office,
) -> None:
    row = await uncertain(office)
    await office.change(row["task_id"], title="Changed meanwhile")

    await run(office, found(), CREATED)

    first, look, again = office.sender.requests[:3]
    assert (look.method, again) == ("GET", first)
    assert (await office.stored(row))["external_id"] == "a1"


async def test_all_pages_are_looked_at(office: Office) -> None:
    row = await uncertain(office)

    await run(office, found(more=True), found(more=True), found("a7"), page_size=3)

    assert [request.url.partition("start=")[2] for request in office.sender.requests[1:]] == [
        "0&limit=3",
        "3&limit=3",
        "6&limit=3",
    ]
    assert (await office.stored(row))["external_id"] == "a7"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([found("a1", "a2")], "2 copies of it: a1, a2"),
        ([found("a1", more=True), found("a2")], "2 copies of it: a1, a2"),
        ([found(all=False)], "cannot show all it has"),
        ([found(more=True)] * 20, "cannot show all it has"),
        ([Answer(404, body=b"no such page")], "404: no such page"),
    ],
    ids=["several", "several on two pages", "not all", "no end", "no such question"],
)
async def test_what_a_look_cannot_tell_is_left_to_a_person(
    office: Office, answers: list[Answer], said: str
) -> None:
    row = await uncertain(office)

    await run(office, *answers)

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("held", "uncertain")
    assert said in stored["reason"]["message"]
    assert asked(office).count("POST") == 1


async def test_a_look_that_takes_too_long_is_begun_again_later(office: Office) -> None:
    row = await uncertain(office)
    office.sender.script.extend([found(more=True)] * 3)
    one = line(office)
    one.look_within_s = -1.0

    await one.run()

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("uncertain", "too-slow")
    assert asked(office) == ["POST"]


async def test_a_copy_that_cannot_be_asked_for_is_held(office: Office) -> None:
    row = await uncertain(office, task={"title": "Unfindable"})

    await run(office)

    assert (await office.stored(row))["state"] == "held"
    assert asked(office) == ["POST"]


async def test_where_people_are_to_decide_it_is_held_at_once(office: Office) -> None:
    row = await office.copy()

    await run(office, SILENCE, on_uncertain="hold")

    assert (await office.stored(row))["state"] == "held"


async def test_where_people_are_to_decide_by_now_it_is_not_looked_for_any_more(
    office: Office,
) -> None:
    row = await uncertain(office)

    await run(office, on_uncertain="hold")

    assert (await office.stored(row))["state"] == "held"
    assert asked(office) == ["POST"]


async def test_a_type_that_cannot_be_asked_any_more_leaves_it_to_a_person(office: Office) -> None:
    row = await uncertain(office)
    one = line(office)
    one.kind = replace(askable.DESTINATION, find=None)

    await one.run()

    stored = await office.stored(row)
    assert (stored["state"], asked(office)) == ("held", ["POST"])
    assert "cannot be asked" in stored["reason"]["message"]


async def test_where_a_repeat_makes_no_second_copy_by_now_it_is_simply_repeated(
    office: Office,
) -> None:
    row = await uncertain(office)
    one = line(office)
    one.policy = replace(one.policy, on_uncertain="repeat")

    await one.run()

    first, again = office.sender.requests
    assert first == again
    assert (await office.stored(row))["state"] == "current"


async def keyed(office: Office, *answers: Answer | Outcome, **given: Any) -> None:
    """Let a line run once that repeats creations: its API takes an idempotency key."""
    office.sender.script.extend(answers)
    patient = config(retry={"for": "1h", "first": "5s", "max": "10s"}, **given)
    await Line(office.desk, "crm", http.DESTINATION, patient).run()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(409), "gave-up"),
        (UNREACHABLE, "gave-up"),
        (SILENCE, "gave-up"),
        (Answer(422, body=b"no such label"), "uncertain"),
    ],
    ids=["refused for now", "unreachable", "silent", "refused for good"],
)
async def test_a_creation_that_may_have_worked_is_never_said_to_have_failed(
    office: Office, answer: Answer | Outcome, code: str
) -> None:
    row = await office.copy()
    await keyed(office, SILENCE)
    assert (await office.stored(row))["state"] == "retrying"
    for wait_ms in (10_000, 3_600_000):
        office.clock.forward(wait_ms)
        await keyed(office, answer)

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("held", code)
    assert stored["create_request"]["may_exist"]


async def test_what_was_refused_without_a_silence_before_it_has_failed(office: Office) -> None:
    row = await office.copy()
    for wait_ms in (0, 3_600_000):
        office.clock.forward(wait_ms)
        await keyed(office, Answer(409))

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("failed", "gave-up")


async def test_one_that_was_looked_for_and_is_not_there_has_failed_when_it_is_refused(
    office: Office,
) -> None:
    row = await uncertain(office)

    await run(office, found(), Answer(422))

    assert (await office.stored(row))["state"] == "failed"


async def test_what_cannot_be_looked_for_is_left_to_a_person_and_says_why(office: Office) -> None:
    row = await uncertain(office)
    one = line(office)

    def refuse(_config: Any, _copy: Any) -> Request:
        raise BuildError("no-window", "it has no due date to look around")

    one.kind = replace(askable.DESTINATION, find=refuse)
    await one.run()

    stored = await office.stored(row)
    assert stored["state"] == "held"
    assert "no due date to look around" in stored["reason"]["message"]


async def test_a_look_that_fails_is_repeated_and_the_copy_stays_uncertain(office: Office) -> None:
    row = await uncertain(office)

    await run(office, UNREACHABLE)

    stored = await office.stored(row)
    assert (stored["state"], stored["attempts"]) == ("uncertain", 2)
    assert stored["next_attempt_ms"] > office.clock.now_ms
    assert (await office.stored(row))["create_request"]["may_exist"]


async def test_an_early_look_that_finds_nothing_proves_nothing(office: Office) -> None:
    row = await office.copy()
    await run(office, SILENCE)
    office.clock.forward(1_000)
    async with office.store.begin() as conn:
        await conn.exec_driver_sql("UPDATE deliveries SET next_attempt_ms = 0")

    await run(office, found())

    stored = await office.stored(row)
    assert (stored["state"], stored["next_attempt_ms"]) == ("uncertain", NOW_MS + LOOK_AFTER_MS)
    assert asked(office) == ["POST", "GET"]


async def test_a_copy_that_was_held_for_credentials_is_still_looked_for(office: Office) -> None:
    row = await uncertain(office)
    await run(office, Answer(401))
    assert (await office.stored(row))["state"] == "held"
    async with office.store.begin() as conn:
        await conn.exec_driver_sql(
            "UPDATE deliveries SET state = 'pending', next_attempt_ms = 0, reason = NULL"
        )
    await office.pauses.end("crm")

    await run(office, found("a7"))

    assert asked(office) == ["POST", "GET", "GET"]
    assert (await office.stored(row))["external_id"] == "a7"


async def test_the_deleted_task_of_a_copy_that_may_exist_is_left_alone(office: Office) -> None:
    row = await uncertain(office)
    async with office.store.begin() as conn:
        await conn.exec_driver_sql("UPDATE tasks SET deleted_ms = 1")

    await run(office)

    assert asked(office) == ["POST"]
    assert (await office.stored(row))["state"] == "current"


async def test_where_copies_are_deleted_with_their_tasks_one_that_may_exist_is_found_and_deleted(
    office: Office,
) -> None:
    row = await uncertain(office)
    async with office.store.begin() as conn:
        await conn.exec_driver_sql("UPDATE tasks SET deleted_ms = 1")

    await run(office, found("a7"), Answer(404), on_delete="delete")

    assert asked(office) == ["POST", "GET", "DELETE"]
    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("current", "removed")


async def delete(office: Office, row: Row) -> None:
    await office.change(row["task_id"], deleted_ms=NOW_MS)


@pytest.mark.parametrize("answer", [Answer(204), Answer(404), Answer(410)])
async def test_the_copy_of_a_deleted_task_is_deleted_where_that_is_wanted(
    office: Office, answer: Answer
) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await delete(office, row)

    await run(office, answer, on_delete="delete")
    await run(office, on_delete="delete")

    assert asked(office) == ["POST", "DELETE"]
    stored = await office.stored(row)
    assert (stored["state"], stored["shown"]["kind"]) == ("current", "removed")


async def test_a_task_that_is_deleted_before_it_was_created_is_never_sent(office: Office) -> None:
    row = await office.copy()
    await delete(office, row)

    await run(office, on_delete="delete")

    assert asked(office) == []
    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("current", "removed")


async def test_a_copy_that_is_left_says_so(office: Office) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await delete(office, row)

    await run(office)

    assert asked(office) == ["POST"]
    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("current", "left")


async def test_a_deletion_that_is_not_answered_is_sent_again_and_gone_is_as_good_as_deleted(
    office: Office,
) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await delete(office, row)

    await run(office, SILENCE, on_delete="delete")
    assert (await office.stored(row))["state"] == "retrying"
    office.clock.forward(600_000)
    await run(office, Answer(404), on_delete="delete")

    assert asked(office) == ["POST", "DELETE", "DELETE"]
    assert (await office.stored(row))["reason"]["code"] == "removed"


async def test_a_deletion_that_is_refused_has_failed(office: Office) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await delete(office, row)

    await run(office, Answer(422, body=b"it is locked"), on_delete="delete")

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("failed", "rejected")
    assert "it is locked" in stored["reason"]["message"]


async def test_where_it_cannot_be_seen_which_copy_there_is_nothing_is_deleted(
    office: Office,
) -> None:
    row = await uncertain(office)
    await delete(office, row)

    await run(office, found("a7", "a8"), on_delete="delete")

    assert asked(office) == ["POST", "GET"]
    assert (await office.stored(row))["state"] == "held"


REMOVAL = {"on_delete": "delete", "delete": {"url": "https://helpdesk.example/{{ external_id }}"}}


async def test_with_a_key_a_creation_is_repeated_to_learn_what_is_to_be_deleted(
    office: Office,
) -> None:
    row = await office.copy()
    await keyed(office, SILENCE, **REMOVAL)
    await delete(office, row)
    office.clock.forward(600_000)

    await keyed(office, CREATED, Answer(204), **REMOVAL)

    first, again, removal = office.sender.requests
    assert first == again
    assert (removal.method, removal.url) == ("DELETE", "https://helpdesk.example/a1")
    assert (await office.stored(row))["reason"]["code"] == "removed"


async def test_without_a_key_a_copy_that_may_exist_of_a_deleted_task_is_for_a_person_to_find(
    office: Office,
) -> None:
    row = await office.copy()
    doubles_are_fine = {"idempotency_header": None, "on_uncertain": "retry", **REMOVAL}
    await keyed(office, SILENCE, **doubles_are_fine)
    await delete(office, row)
    office.clock.forward(600_000)

    await keyed(office, **doubles_are_fine)

    assert asked(office) == ["POST"]
    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("held", "uncertain")
    assert "its task was deleted" in stored["reason"]["message"]


async def test_what_the_destination_cannot_change_is_named_and_the_rest_is_changed(
    office: Office,
) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await office.change(row["task_id"], title="Another", labels=["urgent"])

    await run(office)

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("current", "not-changeable")
    assert "cannot change title:" in stored["reason"]["message"]
    assert asked(office) == ["POST", "PATCH"]


async def test_what_is_as_it_was_again_differs_no_more(office: Office) -> None:
    row = await office.copy(task={"title": "First"})
    await run(office, CREATED)
    await office.change(row["task_id"], title="Another")
    await run(office)
    await office.change(row["task_id"], title="First")

    await run(office)

    assert (await office.stored(row))["reason"] is None


async def test_a_destination_that_changes_nothing_names_all_that_differs(office: Office) -> None:
    row = await office.copy()
    plain = config(update=None)
    await Line(office.desk, "crm", http.DESTINATION, plain).run()
    await office.change(
        row["task_id"], title="Another", priority="high", status="done", status_kind="done"
    )

    await Line(office.desk, "crm", http.DESTINATION, plain).run()

    stored = await office.stored(row)
    assert (stored["state"], stored["delivered_version"]) == ("current", 2)
    assert "cannot change title, status, priority:" in stored["reason"]["message"]
    assert asked(office) == ["POST"]


async def test_a_change_of_a_task_that_is_closed_already_is_an_update(office: Office) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await office.change(row["task_id"], status="done", status_kind="done", completed_ms=NOW_MS)
    await run(office)
    await office.change(row["task_id"], labels=["late"])
    await run(office)

    assert [request.body for request in office.sender.requests[1:]] == [
        b'{"done": true}',
        b'{"labels": ["late"]}',
    ]


async def test_one_edit_that_closes_and_changes_is_sent_as_both(office: Office) -> None:
    row = await office.copy()
    await run(office, CREATED)
    await office.change(
        row["task_id"], labels=["x"], status="done", status_kind="done", completed_ms=NOW_MS
    )

    await run(office)

    assert [request.body for request in office.sender.requests[1:]] == [
        b'{"labels": ["x"]}',
        b'{"done": true}',
    ]


async def test_a_type_that_builds_no_creation_fails_and_ends(office: Office) -> None:
    row = await office.copy()
    broken = replace(http.DESTINATION, build=lambda _config, _change, _copy: None)

    await Line(office.desk, "crm", broken, config()).run()

    stored = await office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("failed", "no-request")
    assert office.sender.requests == []


async def test_names_become_the_destinations_ids_and_one_without_is_a_failure_that_says_it(
    office: Office,
) -> None:
    known = await office.copy(task={"assignees": ["jane"]})
    unknown = await office.copy(number=2, task={"assignees": ["tom"]})

    await line(office, Ids(people={"jane": "u-1"})).run()

    assert json.loads(office.sender.requests[0].body)["who"] == ["u-1"]
    assert (await office.stored(known))["state"] == "current"
    stored = await office.stored(unknown)
    assert (stored["state"], stored["reason"]["code"]) == ("failed", "no-id")
    assert "the person `tom` has no id at crm" in stored["reason"]["message"]


async def test_the_last_answer_is_kept_whole_without_secrets(office: Office) -> None:
    row = await office.copy()
    body = json.dumps({"error": "no such label", "api_key": "hunter2", "more": "x" * 20_000})
    headers = {"x-request-id": "r-1", "set-cookie": "session=hunter2"}

    await run(office, Answer(422, headers, body.encode()))

    kept = (await office.stored(row))["last_answer"]
    assert (kept["status"], kept["truncated"]) == (422, True)
    assert kept["headers"]["x-request-id"] == "r-1"
    assert "no such label" in kept["body"]
    assert len(kept["body"]) == 8192
    assert "hunter2" not in str(kept)


async def test_each_look_is_an_attempt_in_the_record(office: Office) -> None:
    row = await uncertain(office)
    await run(office, found("a7"))

    async with office.store.connect() as conn:
        made = await deliveries.attempts_of(conn, row["id"])
    assert [(each["kind"], each["outcome"]) for each in made] == [
        ("create", "uncertain"),
        ("look", "delivered"),
    ]


async def test_a_look_is_shown_what_was_sent(office: Office) -> None:
    row = await uncertain(office)
    await office.change(row["task_id"], title="Another")
    seen: list[Request | None] = []
    one = line(office)
    find = askable.DESTINATION.find
    assert find is not None

    def look(configured: Any, copy: Any) -> Request | None:
        seen.append(copy.sent)
        return find(configured, copy)

    one.kind = replace(askable.DESTINATION, find=look)
    office.sender.script.append(found("a7"))
    await one.run()

    assert seen == [office.sender.requests[0]]
