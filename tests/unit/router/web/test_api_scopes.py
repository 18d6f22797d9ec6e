"""What a token may not do: each address says which scope it wants, and nothing changes without it."""

from __future__ import annotations

import pytest

from router.core.store.api_keys import create_key, list_keys, revoke_key
from router.core.store.installation import stored_hash
from router.web.api.routes import ENDPOINTS
from tests.support.api_calls import CHANGING, all_stored, prepare
from tests.support.rows import new_id
from tests.support.site import Site

ALL = {"tasks:read", "tasks:write", "events:read", "events:replay", "hooks"}
UNKNOWN = "0193a1b2-0000-7000-8000-000000000000"
READING = [("GET", path, scope) for path, scope, _ in ENDPOINTS]


async def token_that_ends(site: Site, *scopes: str, in_ms: int) -> str:
    key_id = new_id()
    async with site.store.begin() as conn:
        await create_key(
            conn,
            key_id=key_id,
            name="short",
            scopes=scopes,
            token_hash=await stored_hash(conn, key_id),
            now_ms=site.clock.now_ms,
            expires_ms=site.clock.now_ms + in_ms,
        )
    return key_id


@pytest.mark.parametrize(("method", "path", "scope"), CHANGING)
async def test_with_every_other_scope_nothing_changes_and_the_one_that_lacks_is_named(
    site: Site, method: str, path: str, scope: str
) -> None:
    address, body = await prepare(site, method, path)
    others, right = await site.make_token(*ALL - {scope}), await site.make_token(scope)
    before = await all_stored(site)

    problem = await site.call(method, address, body, status=403, token=others)

    assert (problem["code"], problem["detail"]) == ("scope-missing", f"the scope {scope} is needed")
    assert await all_stored(site) == before
    # The same request with the scope does change something.
    headers = {"Authorization": f"Bearer {right}"}
    url = f"/api/v1{address}"
    async with site.client.request(method, url, json=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
    assert await all_stored(site) != before


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("_method", "path", "scope"), READING)
async def test_with_every_other_scope_nothing_is_shown_and_the_one_that_lacks_is_named(
    site: Site, method: str, _method: str, path: str, scope: str
) -> None:
    others = await site.make_token(*ALL - {scope})
    url = f"/api/v1{path.replace('{id}', UNKNOWN)}"

    headers = {"Authorization": f"Bearer {others}"}
    async with site.client.request(method, url, headers=headers) as answer:
        assert answer.status == 403
        if method == "GET":
            problem = await answer.json(content_type=None)
            assert problem["detail"] == f"the scope {scope} is needed"


@pytest.mark.parametrize(("method", "path", "scope"), [*CHANGING, *READING])
@pytest.mark.parametrize("end", ["expired", "revoked"])
async def test_a_token_that_has_ended_changes_nothing_and_is_told_that_it_is_not_valid(
    site: Site, end: str, method: str, path: str, scope: str
) -> None:
    is_change = (method, path, scope) in CHANGING
    address, body = await prepare(site, method, path) if is_change else (path, None)
    token = await token_that_ends(site, scope, "admin", in_ms=1000 if end == "expired" else 10**9)
    if end == "expired":
        site.clock.forward(1000)
    else:
        async with site.store.begin() as conn:
            for row in await list_keys(conn):
                await revoke_key(conn, row["id"], now_ms=site.clock.now_ms)
    before = await all_stored(site)

    problem = await site.call(
        method, address.replace("{id}", UNKNOWN), body, status=401, token=token
    )

    assert problem["code"] == "token-invalid"
    assert await all_stored(site) == before


def test_reading_and_changing_have_scopes_of_their_own() -> None:
    changing = {scope for _, _, scope in CHANGING}
    reading = {scope for _, _, scope in READING}

    assert changing == {"tasks:write", "events:replay"}
    assert reading == {"tasks:read", "events:read", "admin"}
