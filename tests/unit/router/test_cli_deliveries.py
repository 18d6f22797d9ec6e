"""`hookyard deliveries`: looking at copies, sending them again, giving them up."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import fakeredis
import pytest
from redis.asyncio import Redis

from router.cli import deliveries as looking
from router.cli import deliveries_acting as acting
from router.cli.main import run
from router.core import keys
from router.core.clock import epoch_ms, utc_now
from router.core.intake_table import IntakeTable, publish
from router.core.store.deliveries import add_attempts, get_delivery
from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from tests.support.rows import HOUR_MS, attempt_row, delivery_row, task_row

NOW_MS = epoch_ms(utc_now())
UNKNOWN = "0193573a-6e5c-7000-8000-00000000dead"


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def table(self) -> list[list[str]]:
        """Lines of the table without its head, split at gaps."""
        return [line.split("  ") for line in self.out.splitlines()[1:]]


class Office:
    """A database and a Redis that the command uses."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'test.db'}"
        self.server = fakeredis.FakeServer()
        asyncio.run(upgrade(self.url))

    def add(self, *given: dict[str, Any]) -> list[str]:
        """Add deliveries, each of a task of its own; return their ids."""
        tasks = [task_row(number=number) for number in range(1, len(given) + 1)]
        rows = [
            delivery_row(task["id"], **{"state": "failed", "updated_ms": NOW_MS, **one})
            for task, one in zip(tasks, given, strict=True)
        ]

        async def put() -> None:
            store = await open_store(self.url)
            async with store.begin() as conn:
                await write(conn, Writes(new_tasks=tasks, deliveries=rows))
            await store.close()

        asyncio.run(put())
        return [row["id"] for row in rows]

    def stored(self, delivery_id: str) -> Row:
        async def get() -> Row | None:
            store = await open_store(self.url)
            async with store.connect() as conn:
                found = await get_delivery(conn, delivery_id)
            await store.close()
            return found

        found = asyncio.run(get())
        assert found is not None
        return found

    def states(self, ids: list[str]) -> list[str]:
        return [self.stored(one)["state"] for one in ids]

    def with_redis(self, work: Callable[[Redis], Any]) -> Any:
        """Do something with the Redis of the command."""

        async def go() -> Any:
            async with fakeredis.FakeAsyncRedis(server=self.server) as redis:
                return await work(redis)

        return asyncio.run(go())


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", made.url)

    @asynccontextmanager
    async def redis_of(_: object) -> AsyncIterator[Redis]:
        async with fakeredis.FakeAsyncRedis(server=made.server) as redis:
            yield redis

    for module in (looking, acting):
        monkeypatch.setattr(module, "redis_of", redis_of)
    return made


Command = Callable[..., Ran]


@pytest.fixture
def command(office: Office, capsys: pytest.CaptureFixture[str]) -> Command:
    del office

    def call(*arguments: str) -> Ran:
        code = run(["deliveries", *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


REJECTED = {"code": "rejected", "message": "answered 422: no such label"}
UNCERTAIN = {"code": "uncertain", "message": "it may have been created"}


def test_the_list_shows_the_newest_first_and_why(office: Office, command: Command) -> None:
    first, second = office.add({"reason": REJECTED, "attempts": 1}, {"state": "pending"})

    ran = command("list")

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].split() == list(looking._COLUMNS)
    assert [second in lines[1], first in lines[2]] == [True, True]
    for words in ("#1", "failed", "rejected", "answered 422: no such label"):
        assert words in lines[2]


def test_the_list_is_narrowed_and_goes_on_page_by_page(office: Office, command: Command) -> None:
    ids = office.add(
        {"state": "held"},
        {"destination": "desk"},
        {"updated_ms": NOW_MS - 10 * HOUR_MS},
        {},
    )

    def listed(*arguments: str) -> list[str]:
        return [row["id"] for row in command("list", "--json", *arguments).json["data"]]

    assert listed("--state", "held") == [ids[0]]
    assert listed("--destination", "desk") == [ids[1]]
    assert listed("--until", "5h") == [ids[2]]
    assert listed("--task", "#4") == [ids[3]]
    page = command("list", "--limit", "3", "--json").json
    assert listed("--cursor", page["next_cursor"]) == [ids[0]]
    assert "More: --cursor" in command("list", "--limit", "3").err


def test_one_is_shown_with_its_attempts_and_the_whole_last_answer(
    office: Office, command: Command
) -> None:
    answer = {
        "status": 422,
        "message": "answered 422",
        "headers": {"x-request-id": "r-1"},
        "body": '{"error":"no such label"}',
        "truncated": True,
    }
    (one,) = office.add({"reason": REJECTED, "last_answer": answer})

    async def attempt() -> None:
        store = await open_store(office.url)
        async with store.begin() as conn:
            made = attempt_row(one, kind="create", outcome="rejected", message="answered 422")
            await add_attempts(conn, [made])
        await store.close()

    asyncio.run(attempt())

    shown = command("show", one)

    for words in (
        "rejected: answered 422: no such label",
        "create: rejected",
        "x-request-id: r-1",
        '{"error":"no such label"} …',
    ):
        assert words in shown.out
    assert command("show", one, "--json").json["last_answer"] == answer
    assert command("show", UNKNOWN).code == 1


def test_those_that_are_named_are_sent_again(office: Office, command: Command) -> None:
    ids = office.add({}, {}, {})

    ran = command("retry", ids[0], ids[2])

    assert (ran.code, ran.err) == (0, "2 deliveries are due at once.\n")
    assert office.states(ids) == ["pending", "failed", "pending"]


def test_what_cannot_be_sent_again_is_said_and_is_exit_code_1(
    office: Office, command: Command
) -> None:
    ids = office.add({"state": "current", "delivered_version": 1}, {})

    ran = command("retry", *ids, UNKNOWN)
    as_json = command("retry", ids[0], "--json")

    assert ran.code == as_json.code == 1
    assert f"1 left as it is (the copy is as it is wanted): {ids[0]}" in ran.err
    assert f"(there is no such delivery): {UNKNOWN}" in ran.err
    assert office.states(ids) == ["current", "pending"]
    assert as_json.json["refused"] == [{"id": ids[0], "code": "is-current"}]


def test_all_of_a_destination_in_trouble_are_sent_again(
    office: Office, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "_AT_ONCE", 2)
    ids = office.add(
        *({} for _ in range(5)),
        {"state": "held", "reason": {"code": "credentials", "message": "m"}},
        {"state": "uncertain", "next_attempt_ms": NOW_MS + HOUR_MS},
        {"state": "dropped"},
        {"destination": "desk"},
        {"updated_ms": NOW_MS - 10 * HOUR_MS},
    )

    ran = command("retry", "--destination", "crm", "--since", "5h")

    assert ran.code == 0
    assert office.states(ids) == [
        *(["pending"] * 6),
        "uncertain",
        "dropped",
        "failed",
        "failed",
    ]
    assert office.stored(ids[6])["next_attempt_ms"] < NOW_MS + HOUR_MS


def test_what_may_be_there_is_not_created_again_by_a_script_unless_it_says_so(
    office: Office, command: Command
) -> None:
    ids = office.add({"state": "held", "reason": UNCERTAIN}, {})

    ran = command("retry", "--destination", "crm")

    assert ran.code == 2
    assert "1 of them wait for somebody to look there" in ran.err
    assert "--yes" in ran.err
    assert office.states(ids) == ["held", "failed"]
    assert command("retry", "--destination", "crm", "--yes").code == 0
    assert office.states(ids) == ["pending", "pending"]


def test_who_sits_at_a_terminal_is_asked(
    office: Office, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = office.add({}, {"state": "held"})
    asked: list[str] = []

    def confirm(question: str, **_: object) -> bool:
        asked.append(question)
        return len(asked) > 1

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", confirm)

    assert command("retry", "--destination", "crm").code == 1
    assert office.states(ids) == ["failed", "held"]
    assert command("retry", "--destination", "crm").code == 0
    assert asked[0] == "1 failed, 1 held. Send them again?"
    assert office.states(ids) == ["pending", "pending"]
    assert command("retry", "--state", "failed").err == "0 deliveries are due at once.\n"


def test_a_copy_that_somebody_found_is_taken_for_it(office: Office, command: Command) -> None:
    (one,) = office.add({"state": "held", "reason": UNCERTAIN})

    assert command("retry", one, "--found", "task/77").code == 0

    assert office.stored(one)["external_id"] == "task/77"


def test_a_retry_ends_the_pause_of_a_destination(office: Office, command: Command) -> None:
    (one,) = office.add({"state": "held", "reason": {"code": "credentials", "message": "m"}})
    pause = json.dumps({"code": "credentials", "message": "m", "mark": ""})
    office.with_redis(lambda redis: redis.set(keys.pause("crm"), pause))

    assert command("retry", one).code == 0

    assert not office.with_redis(lambda redis: redis.exists(keys.pause("crm")))


def test_those_that_are_dropped_say_why(office: Office, command: Command) -> None:
    ids = office.add({}, {})

    ran = command("drop", ids[0], "--reason", " the customer left ")

    assert (ran.code, ran.err) == (0, "1 delivery is dropped.\n")
    assert office.stored(ids[0])["reason"] == {"code": "dropped", "message": "the customer left"}
    assert office.states(ids) == ["dropped", "failed"]


def test_the_status_shows_each_destination_and_is_exit_code_1_if_one_is_left_alone(
    office: Office, command: Command
) -> None:
    office.add({}, {"state": "held"})
    table = IntakeTable(hash="c0ffee", destinations={"crm": "http", "desk": "attio"})
    office.with_redis(lambda redis: publish(redis, table))

    fine = command("status", "--json")
    pause = json.dumps({"code": "rate-limited", "message": "slow down", "mark": ""})
    office.with_redis(lambda redis: redis.set(keys.pause("desk"), pause, px=60_000))
    paused = command("status")

    assert fine.code == 0
    assert [(row["name"], row["type"], row["state"]) for row in fine.json["data"]] == [
        ("crm", "http", "ok"),
        ("desk", "attio", "ok"),
    ]
    assert fine.json["data"][0]["deliveries"] == {"uncertain": 0, "held": 1, "failed": 1}
    assert paused.code == 1
    assert "slow down" in paused.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retry"], "name deliveries by their IDs, or by"),
        (["retry", UNKNOWN, "--state", "failed"], "name deliveries by their IDs, or by"),
        (["retry", "--state", "current"], "'current' is not one of"),
        (["retry", "--state", "failed", "--found", "7"], "name it by its ID"),
        (["retry", UNKNOWN, "--found", " "], "an id of 1 to 255 characters"),
        (["drop", UNKNOWN], "Missing option '--reason'"),
        (["drop", UNKNOWN, "--reason", " "], "a line of 1 to 500 characters"),
        (["list", "--state", "odd"], "'odd' is not one of"),
        (["list", "--since", "soon"], "such as 7d"),
    ],
)
def test_bad_usage_is_exit_code_2(command: Command, arguments: list[str], words: str) -> None:
    ran = command(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
