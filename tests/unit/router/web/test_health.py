"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import fakeredis
import pytest
from aiohttp.test_utils import make_mocked_request

from router.core import keys
from router.core.intake_table import publish
from router.core.rules_state import Trouble, say, take_back
from router.web import health as module
from router.web.health import is_local
from tests.support.rows import NOW_MS
from tests.support.senders import ADMIN_TOKEN, Request
from tests.support.site import OPEN, RULES_HASH, Site, table

NOTE = Request("open", b"{}", {"Content-Type": "application/json"})
INSIDERS = ["/readyz", "/metrics"]
TROUBLE = Trouble("w1", "2026-11-23T09:12:45Z", ["routes/a.yaml:1:1: R002 no"])


class _Transport:
    """A connection from an address."""

    def __init__(self, remote: str) -> None:
        self._remote = remote

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._remote, 5000) if name == "peername" else default


def local(remote: str, **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport: Any = _Transport(remote)
    return is_local(make_mocked_request("GET", "/readyz", headers=named, transport=transport))


async def metric(site: Site, name: str) -> float:
    async with site.client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name} "))
    return float(line.split()[1])


async def test_a_process_that_is_up_says_so_to_everybody(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    redis_server.connected = False
    async with site.client.get("/healthz", headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_with_all_it_needs_it_is_ready(site: Site) -> None:
    await site.use(OPEN)

    assert await site.get("/readyz", token="") == {
        "status": "ready",
        "redis": {"state": "ok"},
        "database": {"state": "ok"},
        "rules": {"state": "ok", "hash": RULES_HASH},
        "destinations": {},
    }


async def test_a_destination_that_is_left_alone_is_named_and_makes_nothing_unready(
    site: Site,
) -> None:
    await site.use(OPEN, destinations={"crm": "http", "desk": "http"})
    told = {"code": "credentials", "message": "answered 401", "mark": "", "since_ms": NOW_MS}
    await site.redis.set(keys.pause("crm"), json.dumps(told))

    answer = await site.get("/readyz")

    assert answer["status"] == "ready"
    assert answer["destinations"] == {
        "crm": {
            "state": "paused",
            "reason": {"code": "credentials", "message": "answered 401"},
            "since": "2026-11-23T09:12:45.120Z",
            "until": None,
        }
    }
    assert await metric(site, 'hookyard_breaker_open{destination="crm"}') == 1
    assert await metric(site, 'hookyard_breaker_open{destination="desk"}') == 0

    await site.use(OPEN, destinations={"desk": "http"})
    assert await metric(site, 'hookyard_breaker_open{destination="crm"}') == 0


async def test_as_long_as_no_rules_could_be_loaded_it_waits_for_them(site: Site) -> None:
    answer = await site.get("/readyz", status=503)

    assert answer["status"] == "not ready"
    assert answer["rules"] == {
        "state": "waiting",
        "reason": "no worker has put rules in force yet",
        "hash": None,
    }
    assert await metric(site, "hookyard_rules_last_reload_success") == 0


async def test_where_no_rules_could_be_loaded_at_all_it_says_what_is_wrong_with_them(
    site: Site,
) -> None:
    await say(site.redis, TROUBLE)

    answer = await site.get("/readyz", status=503)

    assert answer["rules"] == {
        "state": "waiting",
        "reason": "the rule files have problems, and none were in force before",
        "worker": "w1",
        "since": TROUBLE.since,
        "problems": ["routes/a.yaml:1:1: R002 no"],
        "hash": None,
    }


async def test_while_redis_is_away_it_does_not_know_about_rules_it_never_had(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    redis_server.connected = False

    answer = await site.get("/readyz", status=503)

    assert answer["rules"] == {"state": "waiting", "reason": "Redis does not say", "hash": None}


async def test_on_a_bad_edit_the_older_rules_are_good_enough(site: Site) -> None:
    await site.use(OPEN)
    assert await metric(site, "hookyard_rules_last_reload_success") == 1
    await say(site.redis, TROUBLE)

    answer = await site.get("/readyz")

    assert (answer["status"], answer["rules"]) == (
        "ready",
        {
            "state": "stale",
            "worker": "w1",
            "since": TROUBLE.since,
            "problems": ["routes/a.yaml:1:1: R002 no"],
            "hash": RULES_HASH,
        },
    )
    assert await metric(site, "hookyard_rules_last_reload_success") == 0


async def test_put_right_again_it_is_well(site: Site) -> None:
    await site.use(OPEN)
    await say(site.redis, TROUBLE)
    await take_back(site.redis, "w1")

    assert (await site.get("/readyz"))["rules"] == {"state": "ok", "hash": RULES_HASH}
    assert await metric(site, "hookyard_rules_last_reload_success") == 1


async def test_metrics_name_the_set_of_rules_in_force_and_no_other(site: Site) -> None:
    for rules_hash in ("first-set", "second-set", "first-set", "second-set"):
        await publish(site.redis, table(OPEN, rules_hash=rules_hash))
        await site.connectors.refresh()
        async with site.client.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        shown = [line for line in lines if line.startswith("hookyard_rules_info{")]

        assert f'hookyard_rules_info{{hash="{rules_hash}"}} 1.0' in shown
        assert len([line for line in shown if "-set" in line]) == 1


async def test_a_state_of_the_rules_that_cannot_be_read_changes_nothing(site: Site) -> None:
    await site.use(OPEN)
    await site.redis.set(keys.RULES_STATE, "{")

    assert (await site.get("/readyz"))["rules"] == {"state": "ok", "hash": RULES_HASH}


async def test_while_redis_is_away_it_is_not_ready_and_says_why(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    await site.use(OPEN)
    redis_server.connected = False

    answer = await site.get("/readyz", status=503)

    assert answer["redis"] == {"state": "away", "reason": "ConnectionError"}
    assert answer["database"] == {"state": "ok"}
    assert answer["rules"]["hash"] == RULES_HASH


async def test_while_the_database_is_away_it_is_not_ready_and_says_why(
    site: Site, request: pytest.FixtureRequest
) -> None:
    await site.use(OPEN)
    request.getfixturevalue("database_away")

    answer = await site.get("/readyz", status=503)

    assert answer["database"] == {
        "state": "away",
        "reason": "The database cannot be reached at the moment.",
    }
    assert answer["redis"] == {"state": "ok"}


async def test_what_does_not_answer_is_not_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> None:
        await asyncio.Event().wait()

    await site.use(OPEN)
    monkeypatch.setattr(module, "_ANSWER_WITHIN_S", 0.01)
    for name in ("ping", "get"):
        monkeypatch.setattr(site.redis, name, hangs)

    answer = await site.get("/readyz", status=503)

    assert answer["redis"] == {"state": "away", "reason": "no answer in time"}
    assert answer["rules"] == {"state": "ok", "hash": RULES_HASH}


async def test_metrics_show_the_backlog_and_its_age(site: Site) -> None:
    await site.use(OPEN)
    for _ in range(2):
        await site.send(NOTE)
        site.clock.forward(750)

    assert await metric(site, "hookyard_backlog_events") == 2
    assert await metric(site, "hookyard_backlog_age_seconds") == 1.5


async def test_without_a_backlog_its_age_is_nothing(site: Site) -> None:
    assert await metric(site, "hookyard_backlog_events") == 0
    assert await metric(site, "hookyard_backlog_age_seconds") == 0


async def test_metrics_are_there_while_redis_is_away(
    site: Site, redis_server: fakeredis.FakeServer
) -> None:
    redis_server.connected = False
    async with site.client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        assert "hookyard_requests_total" in await answer.text()


@pytest.mark.parametrize("path", INSIDERS)
async def test_who_comes_from_elsewhere_needs_the_scope_admin(site: Site, path: str) -> None:
    await site.use(OPEN)
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    reader = await site.make_token("tasks:read", "events:read")
    statuses = []
    for token in ("", reader, ADMIN_TOKEN):
        headers = elsewhere | ({"Authorization": f"Bearer {token}"} if token else {})
        async with site.client.get(path, headers=headers) as answer:
            statuses.append(answer.status)

    assert statuses == [401, 403, 200]


@pytest.mark.parametrize("path", INSIDERS)
async def test_who_is_on_this_machine_needs_no_token(site: Site, path: str) -> None:
    await site.use(OPEN)
    async with site.client.get(path) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(remote: str) -> None:
    assert local(remote)


@pytest.mark.parametrize(
    "remote", ["203.0.113.9", "10.0.0.1", "::ffff:203.0.113.9", "2001:db8::1", "", "/run/a.sock"]
)
def test_all_else_is_not(remote: str) -> None:
    assert not local(remote)


@pytest.mark.parametrize("header", ["Forwarded", "X_Forwarded_For", "x_real_ip"])
def test_what_a_proxy_on_this_machine_hands_on_is_not_from_it(header: str) -> None:
    assert not local("127.0.0.1", **{header: "127.0.0.1"})
