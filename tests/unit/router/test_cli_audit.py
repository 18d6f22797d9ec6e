"""Whatever a command changes of what is stored, its user is found beside it; `hookyard audit` shows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import fakeredis
import pytest
from alembic import command as alembic_command
from alembic.script import ScriptDirectory
from redis.asyncio import Redis
from sqlalchemy import Connection, select

from router.cli import deliveries_acting, replaying
from router.cli import main as cli_main
from router.cli.admin_token import ensure_admin_token
from router.cli.main import COMMANDS, run
from router.cli.task_board import actor
from router.core import keys
from router.core.settings import Settings, load_settings
from router.core.store.engine import Store, open_store
from router.core.store.migrate import _config
from router.core.store.routing import Writes, write
from router.core.store.schema import audit, history
from tests.support.rows import delivery_row, event_row, new_id, task_row

LEAVES_NO_TRACE = {
    # They show, check, or make files.
    "audit",
    "catalogue",
    "connectors activity",
    "connectors code",
    "deliveries list",
    "deliveries show",
    "deliveries status",
    "destinations check",
    "destinations list",
    "directory pull",
    "doctor",
    "events list",
    "events refused",
    "events show",
    "init",
    "keys list",
    "rules backtest",
    "rules check",
    "rules explain",
    "rules schema",
    "rules test",
    "sources show",
    "tasks list",
    "tasks show",
    # They run processes; what those decide has its events and histories.
    "sandbox",
    "serve",
    "up",
    "work",
    # It posts as a sender does.
    "send",
}


class Office:
    """A database that commands use, and their Redis in memory."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url = f"sqlite:///{folder / 'test.db'}"
        self.redis = fakeredis.FakeServer()
        self._capsys = capsys

    def __call__(self, *arguments: str, code: int = 0) -> str:
        assert run(list(arguments)) == code
        return self._capsys.readouterr().out

    def made(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def store(self, work: Callable[[Store], Any]) -> Any:
        async def go() -> Any:
            store = await open_store(self.url)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(go())

    def add(self, **rows: Any) -> str:
        """Add a row and return its id."""

        async def put(store: Store) -> None:
            async with store.begin() as conn:
                await write(conn, Writes(**{name: [row] for name, row in rows.items()}))

        self.store(put)
        return str(next(iter(rows.values()))["id"])

    def traces(self) -> list[tuple[str, str]]:
        """Return who did what, by history and audit log."""

        async def look(store: Store) -> list[tuple[str, str]]:
            found: list[tuple[str, str]] = []
            async with store.connect() as conn:
                for table in (history, audit):
                    rows = await conn.execute(select(table.c.actor, table.c.action))
                    found += [(str(who), what) for who, what in rows]
            return found

        found: list[tuple[str, str]] = self.store(look)
        return found

    def entries(self, *arguments: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.made("audit", *arguments)["data"]
        return listed

    def pause(self, destination: str) -> None:
        async def go() -> None:
            async with fakeredis.FakeAsyncRedis(server=self.redis) as redis:
                said = {"code": "credentials", "message": "answered 401", "since_ms": 0}
                await redis.set(keys.pause(destination), json.dumps(said))

        asyncio.run(go())


@pytest.fixture
def office(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    made = Office(tmp_path, capsys)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", made.url)

    @asynccontextmanager
    async def redis_of(_: object) -> AsyncIterator[Redis]:
        async with fakeredis.FakeAsyncRedis(server=made.redis) as redis:
            yield redis

    for module in (deliveries_acting, replaying):
        monkeypatch.setattr(module, "redis_of", redis_of)
    made("db", "upgrade")
    return made


def a_key(office: Office) -> str:
    return str(office.made("keys", "create", "ci", "--scope", "tasks:read")["id"])


def a_delivery(office: Office, **given: Any) -> str:
    return office.add(deliveries=delivery_row(new_id(), "crm", **{"state": "failed", **given}))


def of_the_release_before(office: Office) -> str:
    """Take the database away, and make it as a release before left it."""

    def make(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        head = ScriptDirectory.from_config(config).get_revision("head")
        alembic_command.upgrade(config, str(head.down_revision))

    async def go(store: Store) -> None:
        async with store.begin() as conn:
            await conn.run_sync(make)

    Path(office.url.removeprefix("sqlite:///")).unlink()
    office.store(go)
    return ""


CHANGING: dict[str, tuple[Callable[[Office], str], tuple[str, ...], str]] = {
    "keys create": (lambda _: "", ("x", "--scope", "admin"), "key-created"),
    "keys rotate": (a_key, (), "key-rotated"),
    "keys revoke": (a_key, (), "key-revoked"),
    "events replay": (lambda office: office.add(events=event_row()), (), "event-replayed"),
    "tasks create": (lambda _: "", ("Call back",), "created"),
    "tasks complete": (lambda office: office.add(new_tasks=task_row(number=1)), (), "completed"),
    "deliveries retry": (a_delivery, (), "delivery-retried"),
    "deliveries drop": (a_delivery, ("--reason", "old"), "delivery-dropped"),
    "db upgrade": (of_the_release_before, (), "database-upgraded"),
}
"""What each command needs (its id is the first argument), the other arguments, and what is noted."""


def leaves() -> Iterator[str]:
    context = click.Context(cli_main.cli)
    for name in COMMANDS:
        command = cli_main.cli.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {inner}" for inner in command.commands)
        else:
            yield name


def test_every_command_is_known_to_change_something_or_nothing() -> None:
    assert set(leaves()) == LEAVES_NO_TRACE | CHANGING.keys()


@pytest.mark.parametrize("name", CHANGING)
def test_every_command_that_changes_something_is_attributable(office: Office, name: str) -> None:
    prepare, others, noted = CHANGING[name]
    subject = prepare(office)

    office(*name.split(), *([subject] if subject else []), *others)

    assert (str(actor()), noted) in office.traces()


def test_a_command_on_all_that_a_filter_finds_is_one_entry_with_filter_and_count(
    office: Office,
) -> None:
    for state in ("failed", "failed", "held", "pending"):
        a_delivery(office, state=state)
    office("deliveries", "retry", "--destination", "crm", "--since", "2020-01-01", "--yes")
    for _ in range(2):
        a_delivery(office, state="failed")
    office("deliveries", "drop", "--state", "failed", "--reason", "duplicates", "--yes")
    office("deliveries", "drop", "--state", "uncertain", "--reason", "none there", "--yes")

    dropped, retried = office.entries()

    assert (retried["action"], retried["subject"]) == ("deliveries-retried", "crm")
    detail = retried["detail"]
    assert (detail["count"], detail["states"]) == (3, ["failed", "held", "uncertain"])
    assert detail["since"] == "2020-01-01T00:00:00.000Z"
    assert detail["until"] is not None
    assert (dropped["action"], dropped["subject"]) == ("deliveries-dropped", "all")
    assert (dropped["detail"]["count"], dropped["detail"]["states"]) == (2, ["failed"])
    assert dropped["detail"]["reason"] == "duplicates"


def test_deliveries_that_are_named_have_an_entry_each_and_those_left_alone_none(
    office: Office,
) -> None:
    ids = [a_delivery(office), a_delivery(office), a_delivery(office, state="current")]

    office("deliveries", "retry", *ids, code=1)

    assert {one["subject"] for one in office.entries()} == set(ids[:2])


def test_a_destination_that_goes_on_by_a_retry_is_noted(office: Office) -> None:
    reason = {"code": "credentials", "message": "answered 401"}
    held = a_delivery(office, state="held", reason=reason)
    office.pause("crm")

    office("deliveries", "retry", held)
    office("deliveries", "retry", held)

    found = [(one["action"], one["subject"]) for one in reversed(office.entries())]
    again = ("delivery-retried", held)
    assert found == [("destination-resumed", "crm"), again, again]


def test_a_rotation_says_what_the_new_key_takes_the_place_of(office: Office) -> None:
    first = office.made("keys", "create", "ci", "--scope", "admin", "--expires", "90d")
    second = office.made("keys", "rotate", "ci", "--overlap", "1h")
    office("keys", "revoke", second["id"])

    revoked, rotated, created = office.entries()

    assert created["detail"] == {
        "name": "ci",
        "scopes": ["admin"],
        "expires_at": first["expires_at"],
    }
    assert rotated["subject"] == second["id"]
    assert rotated["detail"] == {
        "name": "ci",
        "scopes": ["admin"],
        "replaces": [first["id"]],
        "ends_at": second["ends_at"],
    }
    assert (revoked["subject"], revoked["detail"]) == (second["id"], {"name": "ci"})
    shown = office("audit") + json.dumps(office.entries())
    assert not any(made["token"] in shown for made in (first, second))


def test_the_admin_token_of_the_first_start_is_noted(office: Office) -> None:
    settings: Settings = load_settings()
    token = asyncio.run(ensure_admin_token(settings))
    assert asyncio.run(ensure_admin_token(settings)) is None

    (entry,) = office.entries()

    assert (entry["action"], entry["detail"]) == (
        "key-created",
        {"name": "admin", "scopes": ["admin"]},
    )
    assert str(token) not in str(entry)


def test_an_upgrade_says_from_and_to_what_and_one_that_changes_nothing_is_none(
    office: Office,
) -> None:
    assert office.entries() == []
    of_the_release_before(office)

    office("db", "upgrade")
    office("db", "upgrade")

    (entry,) = office.entries()
    assert entry["action"] == "database-upgraded"
    assert entry["detail"]["before"] < entry["subject"]


def test_the_log_is_narrowed_by_who_what_to_what_and_when(office: Office) -> None:
    first, second = a_key(office), a_key(office)
    office("keys", "revoke", first)

    def subjects(*arguments: str) -> list[str]:
        return [one["subject"] for one in office.entries(*arguments)]

    assert subjects("--action", "key-created") == [second, first]
    assert subjects("--subject", first) == [first, first]
    assert subjects("--actor", str(actor()), "--since", "1h") == [first, second, first]
    assert subjects("--actor", "api:ci") == subjects("--until", "1h") == []
    office("audit", "--action", "key-lost", code=2)
