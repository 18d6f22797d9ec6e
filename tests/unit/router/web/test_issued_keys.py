"""Keys that were issued here prove their senders: by their hash, while they are in force."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Collection, Mapping, Sequence

import pytest
from redis.asyncio import Redis

from router.core.errors import StoreUnavailableError
from router.core.intake_table import ConnectorIntake, publish
from router.core.store.api_keys import Issued as IssuedRows
from router.core.token_hash import IssuedHashes, digest_of, keyed
from router.sources.registry import compile_source
from router.sources.source import SourceError
from router.web.connectors import Connector, Connectors
from tests.conformance.sources_cases import headers_of
from tests.support.senders import SECRETS
from tests.support.site import SHOP, secrets_of, table

KEY = "hky_canary-of-an-issued-key"
OTHER = "hky_canary-of-another"
FORM = ConnectorIntake(name="form", source={"bearer": True}, secrets=("form_key",))


HASH_KEY = bytes(range(32))


def hash_of(key: str) -> str:
    return keyed(digest_of(key), HASH_KEY)


def hashes_of(*keys: str) -> IssuedHashes:
    return IssuedHashes(HASH_KEY, frozenset(map(hash_of, keys)))


class Issued:
    """What the database knows of issued keys; it is away while `failure` is set."""

    def __init__(self) -> None:
        self.keys: Mapping[str, Sequence[str]] = {}
        self.failure: Exception | None = None

    async def ask(self) -> IssuedRows:
        if self.failure is not None:
            raise self.failure
        return IssuedRows(HASH_KEY, self.keys)


@pytest.fixture
def issued() -> Issued:
    return Issued()


@pytest.fixture
async def connectors(redis: Redis, issued: Issued) -> Connectors:
    await publish(redis, table(FORM, SHOP))
    return Connectors(redis, secrets_of(dict(SECRETS)), issued=issued.ask)


def taken(connector: Connector | None, key: str) -> bool:
    """Tell whether a sender that shows a key is let in."""
    assert connector is not None
    if connector.source is None:
        return False
    headers = headers_of({"Authorization": f"Bearer {key}"})
    return connector.source.verify(headers, b"{}", 0) is None


async def test_an_issued_key_stands_for_the_secret_of_its_name(
    connectors: Connectors, issued: Issued
) -> None:
    await connectors.refresh()
    before = connectors.find("form")
    issued.keys = {"form_key": [hash_of(KEY)]}
    await connectors.refresh()
    after = connectors.find("form")

    assert before is not None
    assert "form_key" in str(before.problem)
    assert not taken(before, KEY)
    assert after is not None
    assert after.problem is None
    assert taken(after, KEY)
    for wrong in (OTHER, KEY + "x", KEY[:-1], hash_of(KEY), ""):
        assert not taken(after, wrong)


async def test_while_a_key_is_rotated_both_count_and_then_the_new_one_alone(
    connectors: Connectors, issued: Issued
) -> None:
    seen = []
    for keys in ([KEY], [KEY, OTHER], [OTHER], []):
        issued.keys = {"form_key": [hash_of(key) for key in keys]} if keys else {}
        await connectors.refresh()
        form = connectors.find("form")
        seen.append((taken(form, KEY), taken(form, OTHER)))

    assert seen == [(True, False), (True, True), (False, True), (False, False)]


async def test_while_the_database_is_away_the_keys_known_last_count(
    connectors: Connectors, issued: Issued
) -> None:
    issued.keys = {"form_key": [hash_of(KEY)]}
    await connectors.refresh()
    form, shop = connectors.find("form"), connectors.find("shop")

    issued.failure = StoreUnavailableError()
    await connectors.refresh()

    assert connectors.find("form") is form
    assert connectors.find("shop") is shop
    assert taken(form, KEY)


async def test_a_database_that_is_away_from_the_start_keeps_no_other_connector_from_working(
    connectors: Connectors, issued: Issued
) -> None:
    issued.failure = StoreUnavailableError()
    await connectors.refresh()

    form, shop = connectors.find("form"), connectors.find("shop")
    assert form is not None
    assert form.source is None
    assert shop is not None
    assert shop.source is not None


async def test_beside_a_secret_of_the_environment_both_are_taken(redis: Redis) -> None:
    issued = Issued()
    issued.keys = {"form_key": [hash_of(KEY)]}
    await publish(redis, table(FORM))
    secrets = secrets_of({"form_key": OTHER})
    connectors = Connectors(redis, secrets, issued=issued.ask)
    await connectors.refresh()

    form = connectors.find("form")
    assert taken(form, KEY)
    assert taken(form, OTHER)


@pytest.mark.parametrize(
    "source",
    [
        {"bearer": True},
        {"basic": "jane"},
        {"header": "X-Key"},
        {"preset": "alertmanager"},
        {"preset": "grafana"},
    ],
)
def test_every_sender_that_shows_a_secret_may_show_an_issued_one(source: dict[str, object]) -> None:
    compiled = compile_source(source, [], hashes_of(OTHER, KEY))
    basic = base64.b64encode(f"jane:{KEY}".encode()).decode()
    shown = [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"Basic {basic}"},
        {"X-Key": KEY},
    ]

    results = [compiled.verify(headers_of(one), b"", 0) for one in shown]

    assert None in results
    refused = [refusal for refusal in results if refusal is not None]
    assert all("canary" not in refusal.reason for refusal in refused)
    wrong = compiled.verify(headers_of({"Authorization": "Bearer no", "X-Key": "no"}), b"", 0)
    assert wrong is not None
    assert "canary" not in repr(compiled) + repr(compiled._scheme)


def test_a_key_of_which_only_the_hash_is_kept_can_neither_sign_nor_be_shown() -> None:
    with pytest.raises(SourceError, match="only the hash is kept: set the secret itself"):
        compile_source({"preset": "shopify"}, [], hashes_of(KEY))
    shown = compile_source({"bearer": True}, [], hashes_of(KEY))
    with pytest.raises(SourceError, match="cannot be shown"):
        shown.sign(b"", now=0, headers={})
    in_query = compile_source({"preset": "alertmanager", "query": "token"}, [], hashes_of(KEY))
    with pytest.raises(SourceError, match="cannot be shown"):
        in_query.sign_query()


def test_a_sender_that_signs_or_shows_its_secret_may_show_an_issued_one_and_not_sign_with_it() -> (
    None
):
    source = {"preset": "grafana"}
    signed = compile_source(source, [KEY]).sign(b"{}", now=0, headers={})
    shown = {"Authorization": f"Bearer {KEY}"}
    by_hash = compile_source(source, [], hashes_of(KEY))
    by_both = compile_source(source, [OTHER], hashes_of(KEY))

    unknown = by_hash.verify(headers_of(signed), b"{}", 0)
    assert unknown is not None
    assert unknown.code == "signature-missing"
    assert "only the hash is kept" in unknown.reason
    assert by_hash.verify(headers_of({"Authorization": f"Bearer {OTHER}"}), b"{}", 0) is not None
    assert by_both.verify(headers_of(shown), b"{}", 0) is None
    mismatch = by_both.verify(headers_of({**signed, **shown}), b"{}", 0)
    assert mismatch is not None
    assert mismatch.code == "signature-mismatch"
    # What is not looked at by hash alone is hidden from rules all the same.
    assert by_hash.hidden == by_both.hidden
    with pytest.raises(SourceError, match="nothing can be signed with it"):
        by_hash.sign(b"{}", now=0, headers={})


def test_a_signing_sender_with_its_secret_is_not_disturbed_by_a_key_of_that_name() -> None:
    source = compile_source({"preset": "shopify"}, ["a-secret"], hashes_of(KEY))
    body = json.dumps({"id": 1}).encode()

    assert source.verify(headers_of(source.sign(body, now=0, headers={})), body, 0) is None


async def test_what_a_connector_is_proven_with_is_not_shown(
    connectors: Connectors, issued: Issued
) -> None:
    issued.keys = {"form_key": [hash_of(KEY)]}
    await connectors.refresh()
    form, shop = connectors.find("form"), connectors.find("shop")

    assert form is not None
    assert shop is not None
    shown = repr((form, shop, form.material, shop.material))
    assert hash_of(KEY) not in shown
    assert SECRETS["shop_webhook"] not in shown


async def test_a_key_of_a_connector_opens_it_and_no_other(
    connectors: Connectors, issued: Issued
) -> None:
    issued.keys = {"connector:form": [hash_of(KEY)]}
    await connectors.refresh()
    assert taken(connectors.find("form"), KEY)

    issued.keys = {"connector:other": [hash_of(KEY)]}
    await connectors.refresh_keys()
    assert not taken(connectors.find("form"), KEY)


async def test_which_keys_were_used_is_noted_once(redis: Redis, issued: Issued) -> None:
    noted: list[set[str]] = []

    async def note(hashes: Collection[str]) -> None:
        noted.append(set(hashes))

    await publish(redis, table(FORM, SHOP))
    connectors = Connectors(redis, secrets_of({}), issued=issued.ask, note_use=note)
    issued.keys = {"form_key": [hash_of(KEY), hash_of(OTHER)]}
    await connectors.refresh()

    assert not taken(connectors.find("form"), "hky_wrong")
    await connectors.note_use()
    assert noted == []
    assert taken(connectors.find("form"), KEY)
    assert taken(connectors.find("form"), KEY)
    await connectors.note_use()
    await connectors.note_use()
    assert noted == [{hash_of(KEY)}]


async def test_keys_of_a_database_without_a_key_of_its_own_count_until_it_gets_one(
    redis: Redis,
) -> None:
    await publish(redis, table(FORM))
    rows = [
        IssuedRows(None, {"form_key": [digest_of(KEY).hex()]}),
        IssuedRows(HASH_KEY, {"form_key": [hash_of(KEY)]}),
    ]
    connectors = Connectors(redis, secrets_of({}), issued=lambda: asyncio.sleep(0, rows[0]))
    seen = []
    for shown in (KEY, hash_of(KEY), KEY, digest_of(KEY).hex()):
        await connectors.refresh_keys()
        await connectors.refresh()
        seen.append(taken(connectors.find("form"), shown))
        rows = rows[1:] if len(seen) == 2 else rows

    assert seen == [True, False, True, False]


def test_a_hash_of_another_installation_is_not_known() -> None:
    stolen = keyed(digest_of(KEY), b"x" * 32)

    assert hashes_of(KEY).find(KEY.encode()) == hash_of(KEY)
    assert IssuedHashes(HASH_KEY, frozenset({stolen})).find(KEY.encode()) is None
    assert hash_of(KEY) not in repr(hashes_of(KEY)) + repr(IssuedRows(HASH_KEY, {}))
    assert HASH_KEY.hex() not in repr(hashes_of(KEY)) + repr(IssuedRows(HASH_KEY, {}))
