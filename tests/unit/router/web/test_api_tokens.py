"""Who may read what."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from pydantic import SecretStr

from router.core.errors import StoreUnavailableError
from router.core.store.api_keys import create_key, list_keys, revoke_key
from router.core.store.engine import Store
from router.core.store.installation import stored_hash
from router.web.api import tokens as module
from router.web.api.routes import ENDPOINTS
from router.web.api.tokens import Tokens
from router.web.problems import ProblemError
from tests.support.manual_clock import ManualClock
from tests.support.rows import new_id
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import Site, request_for

ADDRESSES = [
    (f"/api/v1{path.replace('{id}', '0193a1b2-0000-7000-8000-000000000000')}", scope)
    for path, scope, _ in ENDPOINTS
]


class Watch:
    """A monotonic clock that a test sets, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def tokens(store: Store, clock: ManualClock, watch: Watch) -> Tokens:
    return Tokens(store, SecretStr(ADMIN_TOKEN), clock=clock, monotonic=watch)


async def code_of(tokens: Tokens, authorization: str, scope: str = "tasks:read") -> str | None:
    """Return why a request is turned away; None if it is let through."""
    try:
        await tokens.demand(request_for("/", Authorization=authorization), scope)
    except ProblemError as error:
        return error.problem.code
    return None


async def last_used(store: Store) -> list[int | None]:
    async with store.connect() as conn:
        return [row["last_used_ms"] for row in await list_keys(conn)]


async def revoke_all(site: Site) -> None:
    async with site.store.begin() as conn:
        for row in await list_keys(conn):
            await revoke_key(conn, row["id"], now_ms=site.clock.now_ms)


@pytest.mark.parametrize(("path", "_scope"), ADDRESSES)
async def test_every_address_wants_a_token(site: Site, path: str, _scope: str) -> None:
    async with site.client.get(path) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json(content_type=None))["code"] == "token-missing"


@pytest.mark.parametrize(("path", "_scope"), ADDRESSES)
async def test_a_key_that_a_sender_shows_opens_nothing_here(
    site: Site, path: str, _scope: str
) -> None:
    key = await site.make_token("hooks")

    assert (await site.get(path, status=403, token=key))["code"] == "scope-missing"


@pytest.mark.parametrize(("path", "scope"), ADDRESSES)
async def test_every_address_wants_its_own_scope(site: Site, path: str, scope: str) -> None:
    others = {"tasks:read", "events:read", "tasks:write", "events:replay"} - {scope}
    without, having = await site.make_token(*others), await site.make_token(scope)

    problem = await site.get(path, status=403, token=without)

    assert problem["code"] == "scope-missing"
    assert problem["detail"] == f"the scope {scope} is needed"
    async with site.client.get(path, headers={"Authorization": f"Bearer {having}"}) as answer:
        assert answer.status in {200, 404}


@pytest.mark.parametrize(("path", "_scope"), ADDRESSES)
async def test_a_token_that_is_none_is_turned_away(site: Site, path: str, _scope: str) -> None:
    async with site.client.get(path, headers={"Authorization": "Bearer guess"}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert (await answer.json(content_type=None))["code"] == "token-invalid"


@pytest.mark.parametrize(
    "authorization", [f"Bearer {ADMIN_TOKEN}", f"bearer  {ADMIN_TOKEN} ", f"BEARER {ADMIN_TOKEN}"]
)
async def test_the_admin_token_may_do_all(tokens: Tokens, authorization: str) -> None:
    assert await code_of(tokens, authorization, "anything") is None


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Basic {ADMIN_TOKEN}", ADMIN_TOKEN, "Bearer " + "a" * 513],
)
async def test_what_is_no_bearer_token_is_missing(tokens: Tokens, authorization: str) -> None:
    assert await code_of(tokens, authorization) == "token-missing"


async def test_a_token_that_is_no_text_is_turned_away(site: Site) -> None:
    head = b"GET /api/v1/tasks HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \xff\r\n\r\n"

    answer = await site.exchange(head)

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"token-invalid"' in answer


async def test_without_an_admin_token_none_is_it(store: Store, clock: ManualClock) -> None:
    tokens = Tokens(store, None, clock=clock, monotonic=Watch())

    assert await code_of(tokens, f"Bearer {ADMIN_TOKEN}") == "token-invalid"


async def test_a_token_of_the_scope_admin_may_do_all(site: Site, tokens: Tokens) -> None:
    token = await site.make_token("admin")

    assert await code_of(tokens, f"Bearer {token}", "events:read") is None


async def test_a_token_is_looked_up_once_in_five_seconds(
    site: Site, tokens: Tokens, watch: Watch
) -> None:
    authorization = f"Bearer {await site.make_token('tasks:read')}"
    assert await code_of(tokens, authorization) is None
    await revoke_all(site)

    watch.now += 4.9
    assert await code_of(tokens, authorization) is None
    watch.now += 0.2
    assert await code_of(tokens, authorization) == "token-invalid"
    assert tokens._found == {}


async def test_a_token_that_was_seen_works_on_while_the_database_is_away(
    site: Site, tokens: Tokens, request: pytest.FixtureRequest
) -> None:
    authorization = f"Bearer {await site.make_token('tasks:read')}"
    await code_of(tokens, authorization)
    request.getfixturevalue("database_away")

    assert await code_of(tokens, authorization) is None
    assert await code_of(tokens, f"Bearer {ADMIN_TOKEN}") is None
    with pytest.raises(StoreUnavailableError):
        await code_of(tokens, "Bearer another")


async def test_a_token_is_good_until_it_expires_even_if_it_was_just_seen(
    store: Store, tokens: Tokens, clock: ManualClock, watch: Watch
) -> None:
    async with store.begin() as conn:
        await create_key(
            conn,
            key_id=new_id(),
            name="ci",
            scopes=["tasks:read"],
            token_hash=await stored_hash(conn, "short"),
            now_ms=clock.now_ms,
            expires_ms=clock.now_ms + 2000,
        )
    assert await code_of(tokens, "Bearer short") is None

    watch.now += 1.9
    clock.forward(1900)
    assert await code_of(tokens, "Bearer short") is None
    watch.now += 0.1
    clock.forward(100)
    assert await code_of(tokens, "Bearer short") == "token-invalid"


async def test_who_makes_a_request_is_known_by_the_tokens_name(site: Site, tokens: Tokens) -> None:
    token = await site.make_token("tasks:read")
    request = request_for("/", Authorization=f"Bearer {token}")

    caller = await tokens.demand(request, "tasks:read")

    assert (str(caller.actor), caller.scopes) == (f"api:{token}", frozenset({"tasks:read"}))
    request = request_for("/", Authorization=f"Bearer {ADMIN_TOKEN}")
    assert str((await tokens.demand(request, "tasks:read")).actor) == "api:admin"


async def test_tokens_themselves_are_not_kept(site: Site, tokens: Tokens) -> None:
    token = await site.make_token("tasks:read")

    await code_of(tokens, f"Bearer {token}")

    assert list(tokens._found) == [hashlib.sha256(token.encode()).digest()]


async def test_only_so_many_tokens_are_remembered(
    site: Site, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    for _ in range(5):
        await code_of(tokens, f"Bearer {await site.make_token('tasks:read')}")
        assert len(tokens._found) <= 2


async def test_that_a_token_is_used_is_noted_once_a_minute(
    site: Site, tokens: Tokens, clock: ManualClock, watch: Watch
) -> None:
    authorization = f"Bearer {await site.make_token('tasks:read')}"
    first = clock.now_ms
    seen = []
    for _ in range(3):
        await code_of(tokens, authorization)
        seen += await last_used(site.store)
        watch.now += 30
        clock.forward(30_000)

    assert seen == [first, first, first + 60_000]


async def test_a_token_whose_use_cannot_be_noted_is_good_all_the_same(
    site: Site, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorization = f"Bearer {await site.make_token('tasks:read')}"

    async def fails(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0)
        raise StoreUnavailableError

    monkeypatch.setattr(module, "touch_key", fails)
    assert await code_of(tokens, authorization) is None


def test_tasks_and_what_came_in_have_a_scope_each() -> None:
    names = ("people", "clients", "projects", "labels", "statuses", "task-types")
    assert {path: scope for path, scope, _ in ENDPOINTS if "{" not in path} == {
        **{f"/{name}": "tasks:read" for name in names},
        "/contacts": "tasks:read",
        "/audit": "admin",
        "/tasks": "tasks:read",
        "/deliveries": "tasks:read",
        "/destinations": "tasks:read",
        "/events": "events:read",
        "/refusals": "events:read",
        "/connectors": "events:read",
        "/stats": "events:read",
    }
