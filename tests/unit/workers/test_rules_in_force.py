"""Which rules a worker goes by: the files, else the last good ones (P10, P11, X3, N11, Q8)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core import keys
from router.core.errors import StoreUnavailableError
from router.core.intake_table import fetch
from router.core.rules_state import said
from router.core.store import rule_sets
from router.core.store.api_keys import HOOKS, create_key
from router.core.store.engine import Store
from tests.support.routes import OPEN_DOOR, SHOP, destinations, write_routes
from tests.support.rows import NOW_MS, new_id
from tests.support.ruling import loader_of, rules_in_force
from tests.support.waiting import wait_until
from workers import patience
from workers import rules_in_force as module
from workers.patience import StoppedError
from workers.rules_in_force import RulesInForce

BROKEN = "connector: open\nsource: none\nrulez: []\n"
DIRECTORY = """\
directory:
  statuses:
    - {id: todo, kind: initial}
    - {id: finished, kind: done}
"""


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_S", 0.002)
    monkeypatch.setattr(patience, "_LONGEST_S", 0.01)


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    return tmp_path / "routes"


@pytest.fixture
def rules(routes: Path, redis: Redis, store: Store) -> RulesInForce:
    return loader_of(routes, redis, store)


async def test_good_files_are_in_force_kept_and_published(
    routes: Path, rules: RulesInForce, redis: Redis, store: Store
) -> None:
    write_routes(routes, open=OPEN_DOOR)

    await rules.start(asyncio.Event())

    in_force = rules.current
    assert list(in_force.rule_set.connectors) == ["open"]
    table = await fetch(redis)
    assert table is not None
    assert (table.hash, list(table.connectors)) == (in_force.rule_set.hash, ["open"])
    async with store.connect() as conn:
        kept = await rule_sets.last_good(conn)
    assert kept is not None
    assert (kept["hash"], kept["files"]) == (in_force.rule_set.hash, in_force.rule_set.files)
    assert REGISTRY.get_sample_value("hookyard_rules_last_reload_success") == 1


async def test_before_there_are_any_nobody_can_go_by_them(rules: RulesInForce) -> None:
    with pytest.raises(RuntimeError, match="no rules are in force"):
        _ = rules.current
    await rules.uphold()


async def test_with_broken_files_the_last_good_ones_are_in_force_and_that_is_said(
    routes: Path, rules: RulesInForce, redis: Redis, store: Store
) -> None:
    write_routes(routes, open=OPEN_DOOR)
    await rules.start(asyncio.Event())
    write_routes(routes, open=BROKEN)
    later = loader_of(routes, redis, store)

    with capture_logs() as logs:
        await later.start(asyncio.Event())

    assert later.current.rule_set.hash == rules.current.rule_set.hash
    by_name = {entry["event"]: entry for entry in logs}
    assert list(by_name) == ["rules_not_loaded", "last_good_rules_in_force", "rules_in_force"]
    (problem,) = by_name["rules_not_loaded"]["problems"]
    assert (
        problem
        == f"{routes}/open.yaml:3:1: R011 there is no key `rulez` here; did you mean `rules`?"
    )
    assert by_name["rules_not_loaded"]["count"] == 1
    assert REGISTRY.get_sample_value("hookyard_rules_last_reload_success") == 0


async def test_without_any_good_rules_good_files_are_waited_for_and_receivers_know_why(
    routes: Path, rules: RulesInForce, redis: Redis
) -> None:
    write_routes(routes, open=BROKEN)
    starting = asyncio.create_task(rules.start(asyncio.Event()))
    with capture_logs() as logs:
        trouble = await wait_until(lambda: said(redis), "it says what is wrong")
        assert "open.yaml:3:1: R011" in trouble["problems"][0]
        write_routes(routes, open=OPEN_DOOR)
        await starting

    assert list(rules.current.rule_set.connectors) == ["open"]
    assert [entry["event"] for entry in logs] == ["rules_not_loaded", "rules_in_force"]


async def test_an_empty_directory_is_waited_for_until_the_stop(rules: RulesInForce) -> None:
    stop = asyncio.Event()
    starting = asyncio.create_task(rules.start(stop))
    with capture_logs() as logs:
        await wait_until(lambda: logs, "it says what it lacks")
        stop.set()
        with pytest.raises(StoppedError):
            await starting

    assert logs[0]["event"] == "rules_not_loaded"


async def test_last_good_rules_of_another_release_are_not_used(
    routes: Path, rules: RulesInForce, store: Store
) -> None:
    async with store.begin() as conn:
        await rule_sets.put_in_force(
            conn, rules_hash="h", files={"a.yaml": BROKEN}, intake_table={}, now_ms=1
        )
    stop = asyncio.Event()
    starting = asyncio.create_task(rules.start(stop))
    with capture_logs() as logs:
        await wait_until(
            lambda: [each for each in logs if each["event"] == "last_good_rules_unusable"],
            "it says that they cannot be used",
        )
        stop.set()
        with pytest.raises(StoppedError):
            await starting


async def test_while_redis_is_away_the_rules_wait_to_be_published(
    routes: Path, rules: RulesInForce, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_routes(routes, open=OPEN_DOOR)
    real, left = redis.set, [RedisConnectionError("gone")]

    async def flaky(*args: object, **given: object) -> object:
        if left:
            raise left.pop()
        return await real(*args, **given)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(redis, "set", flaky)
    await rules.start(asyncio.Event())

    assert await fetch(redis) is not None


async def test_a_table_that_redis_lost_is_published_again(
    routes: Path, rules: RulesInForce, redis: Redis
) -> None:
    write_routes(routes, open=OPEN_DOOR)
    await rules.start(asyncio.Event())
    with capture_logs() as logs:
        await rules.uphold()
        assert logs == []
        await redis.delete(keys.INTAKE_TABLE)
        await rules.uphold()

    assert await fetch(redis) == rules.current.table
    assert [entry["event"] for entry in logs] == ["intake_table_published_again"]


async def test_a_secret_that_is_not_set_is_said_with_its_place(
    routes: Path, redis: Redis, store: Store
) -> None:
    write_routes(routes, shop=SHOP)
    with capture_logs() as logs:
        await loader_of(routes, redis, store).start(asyncio.Event())
        await loader_of(routes, redis, store, shop_webhook="s").start(asyncio.Event())

    (entry,) = [entry for entry in logs if entry["event"] == "secret_missing"]
    assert entry["secret_name"] == "shop_webhook"
    assert "shop.yaml:4" in entry["used_at"]


async def _issue(store: Store, name: str) -> None:
    async with store.begin() as conn:
        await create_key(
            conn, key_id=new_id(), name=name, scopes=[HOOKS], token_hash=name, now_ms=NOW_MS
        )


async def test_a_secret_is_not_missed_where_a_key_stands_for_it_and_is_where_the_sender_signs(
    routes: Path, redis: Redis, store: Store
) -> None:
    form = "connector: {name}\nsource: {{bearer: }}\nsecrets: [{name}_key]\nrules: []\n"
    files = {name: form.format(name=name) for name in ("form", "other", "third")}
    write_routes(routes, shop=SHOP, **files)
    for name in ("form_key", "connector:other", "shop_webhook"):
        await _issue(store, name)
    with capture_logs() as logs:
        await loader_of(routes, redis, store).start(asyncio.Event())

    missing = [entry["secret_name"] for entry in logs if entry["event"] == "secret_missing"]
    assert sorted(missing) == ["shop_webhook", "third_key"]


async def test_while_it_is_not_known_which_keys_there_are_every_secret_is_missed(
    routes: Path, redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_routes(routes, shop=SHOP)

    async def away(*_: object, **__: object) -> None:
        await asyncio.sleep(0)
        raise StoreUnavailableError

    monkeypatch.setattr(module, "issued_keys", away)
    with capture_logs() as logs:
        await loader_of(routes, redis, store).start(asyncio.Event())

    events = [entry["event"] for entry in logs]
    assert events[-2:] == ["issued_keys_not_known", "secret_missing"]


async def test_statuses_are_those_of_the_directory_else_the_default_ones(
    tmp_path: Path, redis: Redis, store: Store
) -> None:
    plain = await rules_in_force(tmp_path / "a", redis, store)
    listed = await rules_in_force(tmp_path / "b", redis, store, people=DIRECTORY)

    assert plain.current.statuses.first("initial") == "open"
    assert listed.current.statuses.kinds == {"todo": "initial", "finished": "done"}
    assert listed.current.statuses.first("done") == "finished"
    assert listed.current.statuses.first("cancelled") == "cancelled"


async def test_only_destinations_that_show_occurrences_count(
    tmp_path: Path, redis: Redis, store: Store
) -> None:
    counting = destinations("https://a.example").replace("task.title", "task.occurrences")
    plain = destinations("https://b.example").partition("destinations:\n")[2]
    both = counting + plain.replace("downstream:", "plain:")

    rules = await rules_in_force(tmp_path, redis, store, destinations=both)

    assert rules.current.counting == {"downstream"}


async def test_what_goes_wrong_in_one_round_does_not_end_the_others(
    rules: RulesInForce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UPHOLD_S", 0.002)
    rounds = 0

    async def broken() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(rules, "uphold", broken)
    with capture_logs() as logs:
        running = asyncio.create_task(rules.run())
        await wait_until(lambda: rounds > 2, "it goes on")
        running.cancel()
        await asyncio.wait([running])

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("uphold_broken", "error")]


async def test_what_holds_only_while_it_is_said_is_said_again_and_again_through_an_outage(
    routes: Path, rules: RulesInForce, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_UPHOLD_S", 0.002)
    write_routes(routes, open=OPEN_DOOR)
    await rules.start(asyncio.Event())
    used = keys.rules_used(rules.current.rule_set.hash)
    server = redis.connection_pool.connection_kwargs["server"]

    async def is_said() -> bool:
        return bool(await redis.exists(used))

    async def is_said_anew() -> bool:
        await redis.delete(used)
        return await wait_until(is_said, "it is said")

    running = asyncio.create_task(rules.run())
    try:
        assert await is_said_anew()
        with capture_logs() as logs:
            server.connected = False
            await wait_until(lambda: logs, "it notices that Redis is away")
            server.connected = True
        assert await is_said_anew()
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert {entry["event"] for entry in logs} == {"rules_not_upheld"}
