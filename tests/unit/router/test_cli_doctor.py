from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import fakeredis
import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from router.cli import embedded
from router.cli.checks import packages
from router.cli.checks import redis as redis_checks
from router.cli.checks import rules as rules_checks
from router.cli.checks.database import check_database
from router.cli.checks.finding import Finding, ok
from router.cli.checks.packages import check_packages
from router.cli.checks.redis import check_redis
from router.cli.checks.rules import check_rules, check_rules_in_force
from router.cli.doctor import _exit_code
from router.cli.main import run
from router.cli.rules_report import load_rules
from router.core.clock import utc_now
from router.core.intake_table import IntakeTable, publish
from router.core.networks import parse_network
from router.core.rules_state import Trouble, say
from router.core.settings import Secrets, Settings, load_settings
from router.core.store.migrate import upgrade
from rules.loader import Loaded
from tests.support.routes import OPEN_DOOR

GOOD = {
    "redis_version": "7.2.4",
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "maxmemory_policy": "noeviction",
}


class _Redis(fakeredis.FakeAsyncRedis):
    """A Redis that says of itself what the test wants."""

    said: dict[str, Any] = {}  # noqa: RUF012  each test gives its own
    config: dict[str, str] | None = None

    async def info(self, *_: object, **__: object) -> dict[str, Any]:
        return self.said

    async def config_get(self, pattern: Any = "*", *_: Any, **__: Any) -> dict[str, str]:
        if self.config is None:
            raise NoPermissionError("no")
        return {pattern: self.config[pattern]} if pattern in self.config else {}


async def _check(said: dict[str, Any], config: dict[str, str] | None) -> dict[str, Finding]:
    redis = _Redis()
    redis.said, redis.config = said, config
    return {finding.subject: finding for finding in await redis_checks._ask(redis, utc_now)}


async def test_a_redis_that_keeps_everything_is_fine() -> None:
    found = await _check(GOOD, {"appendfsync": "always"})

    assert {subject: finding.level for subject, finding in found.items()} == {
        "redis": "ok",
        "persistence": "ok",
        "eviction": "ok",
        "clock": "ok",
    }


@pytest.mark.parametrize(
    ("changed", "config", "subject", "level", "words"),
    [
        ({"redis_version": "6.0.16"}, {}, "redis", "problem", "Redis 6.0.16 is too old"),
        ({"valkey_version": "8.1.0"}, {}, "redis", "ok", "Valkey 8.1.0"),
        ({"aof_enabled": 0}, {}, "persistence", "problem", "in memory only"),
        ({"aof_last_write_status": "err"}, {}, "persistence", "problem", "could not write"),
        ({}, {"appendfsync": "everysec"}, "persistence", "warning", "appendfsync everysec"),
        ({}, None, "persistence", "warning", "cannot be asked"),
        ({"maxmemory_policy": "allkeys-lru"}, {}, "eviction", "problem", "allkeys-lru"),
        ({"maxmemory_policy": None}, None, "eviction", "warning", "cannot be asked"),
        ({"maxmemory_policy": None}, {"maxmemory-policy": "noeviction"}, "eviction", "ok", "no"),
    ],
)
async def test_each_way_to_lose_events_is_named(
    changed: dict[str, Any], config: dict[str, str] | None, subject: str, level: str, words: str
) -> None:
    found = (await _check(GOOD | changed, config))[subject]

    assert found.level == level
    assert words in found.text
    assert bool(found.advice) == (level != "ok")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load_settings(data=tmp_path / "data", routes=tmp_path / "routes")


async def test_an_embedded_redis_that_does_not_run_is_fine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = embedded.Server(Path("/x/redis-server"), "redis", (6, 2, 14))
    monkeypatch.setattr(embedded, "servers", lambda: iter([server]))

    (found,) = await check_redis(settings, utc_now)

    assert found.level == "ok"
    assert "`hookyard up` starts redis 6.2.14" in found.text


async def test_no_redis_at_all_is_a_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "servers", lambda: iter(()))

    (found,) = await check_redis(settings, utc_now)

    assert (found.level, found.reachable) == ("problem", False)
    assert "HOOKYARD_REDIS_URL" in found.advice


async def test_a_redis_that_cannot_be_reached_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOKYARD_REDIS_URL", "redis://:canary@127.0.0.1:1/0")

    (found,) = await check_redis(load_settings(), utc_now)

    assert (found.level, found.reachable) == ("problem", False)
    assert "canary" not in repr(found)


async def test_a_database_that_is_not_there_yet_is_fine(settings: Settings) -> None:
    (found,) = await check_database(settings, utc_now)

    assert found.level == "ok"
    assert "`hookyard up` makes it" in found.text


async def test_a_database_without_tables_is_to_be_upgraded(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hookyard.db").touch()

    before = {found.subject: found for found in await check_database(settings, utc_now)}
    await upgrade(settings.database)
    after = {found.subject: found for found in await check_database(settings, utc_now)}

    assert before["database"].level == "ok"
    assert before["migrations"].advice == "run `hookyard db upgrade`"
    assert after["migrations"].level == "ok"


async def test_a_database_that_cannot_be_reached_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", "postgresql://u:canary@127.0.0.1:1/d")

    (found,) = await check_database(load_settings(), utc_now)

    assert (found.level, found.reachable) == ("problem", False)
    assert "canary" not in repr(found)


@pytest.mark.postgresql
async def test_the_clock_of_postgresql_is_compared(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", postgres_url)

    now = {f.subject: f for f in await check_database(load_settings(), utc_now)}
    ahead = {
        f.subject: f
        for f in await check_database(load_settings(), lambda: utc_now() + timedelta(hours=1))
    }

    assert now["database"].text.startswith("postgresql ")
    assert now["clock"].level == "ok"
    assert "ahead of the database" in ahead["clock"].text


def test_rules_and_secrets_are_checked(settings: Settings, tmp_path: Path) -> None:
    secrets = Secrets(settings, {})
    (nothing,) = check_rules(settings, secrets)
    (tmp_path / "routes").mkdir()
    file = tmp_path / "routes" / "shop.yaml"
    file.write_text("connector: [")
    broken, *problems = check_rules(settings, secrets)
    file.write_text(
        "connector: shop\nsource: shopify\nsecrets: [shop]\n"
        "rules: [{name: order, task: {title: Order}}]\n"
    )
    missing = check_rules(settings, secrets)
    there = check_rules(settings, Secrets(settings, {"HOOKYARD_SECRET_SHOP": "value"}))
    file.write_text(file.read_text() + "otherwise: {drop: none}\n")
    (warned, _) = check_rules(settings, secrets)

    assert "hookyard init" in nothing.advice
    assert "hookyard rules check" in broken.advice
    assert [(f.subject, f.level, f.text) for f in problems] == [
        ("rules", "problem", f"{file}:1:13: R002 a value is missing here")
    ]
    assert [(f.subject, f.level) for f in missing] == [("rules", "ok"), ("secrets", "problem")]
    assert [(f.subject, f.level) for f in there] == [("rules", "ok"), ("secrets", "ok")]
    assert (warned.level, warned.text[-11:]) == ("warning", ", 1 warning")
    assert "hookyard rules check" in warned.advice


@pytest.fixture
def running(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """The Redis that workers run on."""
    redis = fakeredis.FakeAsyncRedis()

    @asynccontextmanager
    async def redis_of(_: Settings) -> AsyncIterator[Redis]:
        yield redis

    monkeypatch.setattr(rules_checks, "redis_of", redis_of)
    monkeypatch.setenv("HOOKYARD_REDIS_URL", "redis://127.0.0.1:1")
    return redis


def _good(tmp_path: Path) -> Loaded:
    (tmp_path / "routes").mkdir(exist_ok=True)
    (tmp_path / "routes" / "open.yaml").write_text(OPEN_DOOR)
    return load_rules(tmp_path / "routes")


async def _in_force(loaded: Loaded) -> list[tuple[str, str]]:
    findings = await check_rules_in_force(load_settings(), loaded)
    assert {finding.subject for finding in findings} <= {"in force"}
    return [(finding.level, finding.text) for finding in findings]


async def test_what_the_workers_go_by_is_said(running: Redis, tmp_path: Path) -> None:
    loaded = _good(tmp_path)
    assert loaded.rule_set is not None
    nothing = await _in_force(loaded)
    await publish(running, IntakeTable(hash=loaded.rule_set.hash))
    these = await _in_force(loaded)
    await publish(running, IntakeTable(hash="of others"))
    others = await _in_force(loaded)
    unknown = await _in_force(Loaded(None))

    assert nothing == [("warning", "no worker has put rules in force yet")]
    assert these == [("ok", f"set {loaded.rule_set.hash[:12]}")]
    assert others == [("warning", "set of others, which is not that of the files here")]
    assert unknown == [("ok", "set of others")]


@pytest.mark.parametrize(
    ("is_published", "words"), [(True, "older rules, since"), (False, "none, since")]
)
async def test_what_a_worker_has_against_its_files_is_said_with_its_places(
    running: Redis, tmp_path: Path, *, is_published: bool, words: str
) -> None:
    if is_published:
        await publish(running, IntakeTable(hash="older"))
    problems = [f"routes/a.yaml:{line}:1: R011 no" for line in range(1, 9)]
    await say(running, Trouble("w1", "2026-11-23T09:12:45Z", problems))

    first, *others = await _in_force(_good(tmp_path))

    assert first == ("problem", f"{words} 2026-11-23T09:12:45Z")
    assert others == [("problem", problem) for problem in problems[:5]]
    assert await _in_force(Loaded(None)) == [first], (
        "what is wrong with the files here is said once"
    )


async def test_where_redis_does_not_answer_nothing_is_said_of_the_rules_in_force(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await check_rules_in_force(settings, _good(tmp_path)) == []
    monkeypatch.setenv("HOOKYARD_REDIS_URL", "redis://127.0.0.1:1")
    assert await check_rules_in_force(load_settings(), _good(tmp_path)) == []


def test_a_connector_that_would_see_its_proxy_instead_of_its_sender_is_noticed(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "routes").mkdir()
    text = "connector: shop\nsource: none\nallow: 203.0.113.0/24\nrules: []\n"
    (tmp_path / "routes" / "shop.yaml").write_text(text)
    behind = {"public_url": "https://hooks.example"}

    def subjects(**changed: Any) -> dict[str, str]:
        given = settings.model_copy(update=changed)
        return {found.subject: found.level for found in check_rules(given, Secrets(given, {}))}

    assert subjects(**behind) == {"rules": "ok", "proxies": "warning"}
    assert subjects() == {"rules": "ok"}
    assert subjects(public_url="http://127.0.0.1:8080") == {"rules": "ok"}
    assert subjects(**behind, trusted_proxies=(parse_network("10.0.0.0/8"),)) == {"rules": "ok"}


def test_a_key_that_was_issued_here_is_not_missed(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "routes").mkdir()
    text = "connector: alerts\nsource: alertmanager\nsecrets: [alerts_key]\nrules: []\n"
    (tmp_path / "routes" / "alerts.yaml").write_text(text)
    secrets = Secrets(settings, {})

    issued = check_rules(settings, secrets, issued={"alerts_key"})
    not_issued = check_rules(settings, secrets, issued={"another"})

    assert [(f.subject, f.level) for f in issued] == [("rules", "ok"), ("secrets", "ok")]
    assert [(f.subject, f.level) for f in not_issued] == [("rules", "ok"), ("secrets", "problem")]


def test_a_connector_with_a_key_of_its_own_misses_none_of_its_secrets(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "routes").mkdir()
    text = "connector: {}\nsource: task\nsecrets: [form_key, form_key_old]\ndedupe: off\n"
    (tmp_path / "routes" / "form.yaml").write_text(text.format("form"))
    secrets = Secrets(settings, {})

    def missing(*issued: str) -> list[str]:
        found = check_rules(settings, secrets, issued=issued)
        return [
            each.advice for each in found if (each.subject, each.level) == ("secrets", "problem")
        ]

    assert missing("connector:form") == []
    first, _ = missing("connector:another")
    assert first.endswith("; or `hookyard keys create --connector form` makes a key")

    (tmp_path / "routes" / "other.yaml").write_text(text.format("other"))
    assert len(missing("connector:form")) == 2, "the other connector has no key yet"
    assert missing("connector:form", "connector:other") == []

    (tmp_path / "routes" / "destinations.yaml").write_text(
        "destinations:\n  team: {type: http, url: https://team.example/, headers: {X-Key: {secret: form_key}}}\n"
    )
    assert missing("connector:form", "connector:other") != [], "a destination has to show it"


def test_a_key_that_was_issued_here_is_missed_where_the_sender_signs(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "routes").mkdir()
    text = "connector: shop\nsource: shopify\nsecrets: [shop_key]\nrules: []\n"
    (tmp_path / "routes" / "shop.yaml").write_text(text)

    found = check_rules(settings, Secrets(settings, {}), issued={"shop_key"})

    (_, secret) = found
    assert (secret.subject, secret.level) == ("secrets", "problem")
    assert "the key of that name cannot stand for it: only its hash is kept" in secret.text
    assert "HOOKYARD_SECRET_SHOP_KEY" in secret.advice


def _module(name: str, doc: str, file: str) -> ModuleType:
    module = ModuleType(name, doc)
    module.__file__ = file
    return module


def test_a_package_of_another_project_is_noticed() -> None:
    theirs = _module("rules", "A rule engine.", "/site-packages/rules/__init__.py")

    (found,) = check_packages((theirs,))

    assert (found.level, found.subject) == ("problem", "packages")
    assert "/site-packages/rules" in found.text


def test_packages_from_several_places_are_noticed() -> None:
    modules = (
        _module("router", "Receives: x", "/a/router/__init__.py"),
        _module("rules", "Decides: x", "/b/rules/__init__.py"),
    )

    (found,) = check_packages(modules)

    assert "/a, /b" in found.text


def test_another_distribution_with_our_names_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packages, "packages_distributions", lambda: {"rules": ["Hookyard", "rules"]}
    )

    (found,) = check_packages()

    assert "also installed by rules" in found.text


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("redis", "")], 0),
        ([Finding("redis", "warning", "")], 0),
        ([Finding("redis", "problem", "")], 1),
        ([Finding("redis", "problem", "", reachable=False)], 1),
        (
            [
                Finding("redis", "problem", "", reachable=False),
                Finding("database", "problem", "", reachable=False),
            ],
            2,
        ),
    ],
)
def test_the_exit_code_follows_from_what_was_found(findings: list[Finding], code: int) -> None:
    assert _exit_code(findings) == code


def test_the_doctor_says_what_is_and_what_to_do(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor"]) == 1
    text = capsys.readouterr().out
    assert run(["doctor", "--json"]) == 1
    data = json.loads(capsys.readouterr().out)["data"]

    assert text.startswith("OK      settings")
    assert "PROBLEM rules" in text
    assert "hookyard init" in text
    assert {"subject", "level", "text", "advice"} == set(data[0])
