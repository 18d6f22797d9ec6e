from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from router.cli.envelope import Envelope
from router.cli.failures import CommandError
from router.cli.main import run
from router.cli.send import find_connector, post, sign
from router.core.clock import utc_now
from router.core.intake_table import ConnectorIntake
from router.core.settings import Secrets, load_settings
from router.sources.preset import Target
from router.sources.registry import compile_source

RULES = """\
connector: shop
source: shopify
secrets: [new, old]
rules: [{name: order, task: {title: "Order"}}]
"""


@dataclass
class Receiver:
    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    status: int = 202
    answer: bytes = b'{"status": "accepted"}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()

    async def receive(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        made.requests.append((headers, await request.read()))
        made.addresses.append(request.raw_path)
        return web.Response(status=made.status, body=made.answer)

    app = web.Application()
    app.router.add_post("/{tail:.*}", receive)
    app.router.add_get("/{tail:.*}", receive)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/hooks/shop"))
        yield made


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    directory = tmp_path / "routes"
    directory.mkdir()
    (directory / "shop.yaml").write_text(RULES)
    return directory


def _secrets() -> Secrets:
    return Secrets(
        load_settings(), {"HOOKYARD_SECRET_NEW": "new-value", "HOOKYARD_SECRET_OLD": "old-value"}
    )


def test_a_connector_is_found_in_the_rule_files(routes: Path) -> None:
    found = find_connector(routes, "shop")

    assert found.source["preset"] == "shopify"
    assert found.secrets == ("new", "old")


def test_an_unknown_connector_says_which_there_are(routes: Path) -> None:
    with pytest.raises(CommandError, match="has no connector shp; it has: shop"):
        find_connector(routes, "shp")


def test_rules_with_errors_say_where_to_look(routes: Path) -> None:
    (routes / "bad.yaml").write_text("connector: [")

    with pytest.raises(CommandError, match="hookyard rules check"):
        find_connector(routes, "shop")


async def test_what_is_signed_is_proven_by_the_first_secret(receiver: Receiver) -> None:
    intake = ConnectorIntake(name="shop", source={"preset": "shopify"}, secrets=("new", "old"))
    envelope = Envelope(b"{}", {"x-shopify-topic": "a", "x-shopify-hmac-sha256": "of another"})
    now = utc_now().timestamp()

    signed = sign(intake, _secrets(), envelope, {"X-Extra": "1"}, now=now, address=receiver.url)
    code, answer = await post(receiver.url, *signed)

    assert (code, answer) == (202, {"status": "accepted"})
    ((sent, body),) = receiver.requests
    assert body == b"{}"
    assert sent["x-extra"] == "1"
    assert sent["content-type"] == "application/json"
    source = compile_source({"preset": "shopify"}, ["new-value"])
    (proof,) = source.sign(b"{}", now=now, headers={}).values()
    assert sent["x-shopify-hmac-sha256"] == proof
    assert [name.lower() for name in signed.headers].count("x-shopify-hmac-sha256") == 1
    assert signed.query == {}


async def test_an_address_that_is_signed_is_the_one_the_sender_was_given() -> None:
    intake = ConnectorIntake(
        name="till", source={"preset": "square"}, secrets=("new",), public_url="https://x.example"
    )
    envelope = Envelope(b"{}", {}, {"a": "ü"})
    given = intake.address("http://127.0.0.1:8080") + "?own=1"

    signed = sign(intake, _secrets(), envelope, {}, now=0, address=given)

    source = compile_source({"preset": "square"}, ["new-value"])
    url = "https://x.example/hooks/till?own=1&a=%C3%BC"
    headers = CIMultiDictProxy(CIMultiDict(signed.headers))
    assert source.verify(headers, b"{}", 0, Target("POST", url, MultiDict())) is None


async def test_a_query_is_sent_as_it_was_signed(receiver: Receiver) -> None:
    intake = ConnectorIntake(name="texts", source={"preset": "twilio"}, secrets=("new",))
    envelope = Envelope(b"[]", {"content-type": "application/json"}, {"a": "%41 ü"})

    signed = sign(intake, _secrets(), envelope, {}, now=0, address=receiver.url)
    await post(receiver.url, *signed)

    assert set(signed.query) == {"a", "bodySHA256"}
    (asked_for,) = receiver.addresses
    source = compile_source({"preset": "twilio"}, ["new-value"])
    headers = CIMultiDictProxy(CIMultiDict(signed.headers))
    target = Target(
        "POST", receiver.url.partition("/hooks")[0] + asked_for, MultiDict(signed.query)
    )
    assert source.verify(headers, b"[]", 0, target) is None


async def test_a_time_that_is_in_the_body_is_that_of_sending() -> None:
    intake = ConnectorIntake(name="issues", source={"preset": "linear"}, secrets=("new",))
    envelope = Envelope(b'{"webhookTimestamp": 1}')

    signed = sign(intake, _secrets(), envelope, {}, now=1_700_000_000, address="")

    assert signed.body == b'{"webhookTimestamp": 1700000000000}'
    headers = CIMultiDictProxy(CIMultiDict(signed.headers))
    source = compile_source({"preset": "linear"}, ["new-value"])
    assert source.verify(headers, signed.body, 1_700_000_001) is None


async def test_a_file_without_a_body_is_sent_as_a_get_by_senders_that_may(
    receiver: Receiver,
) -> None:
    envelope = Envelope(b"", {}, {"msg": "größer"})

    methods = []
    for preset in ("uptime-kuma", "alertmanager"):
        intake = ConnectorIntake(name="up", source={"preset": preset}, secrets=("new",))
        signed = sign(intake, _secrets(), envelope, {}, now=0, address=receiver.url)
        await post(receiver.url, *signed)
        methods.append(signed.method)

    assert methods == ["GET", "POST"]
    assert [body for _, body in receiver.requests] == [b"", b""]
    assert receiver.addresses == ["/hooks/shop?msg=gr%C3%B6%C3%9Fer"] * 2
    assert receiver.requests[0][0]["authorization"] == "Bearer new-value"


async def test_an_answer_that_is_no_json_is_text(receiver: Receiver) -> None:
    receiver.answer = b"<html>"

    assert await post(receiver.url, b"", {}, {}) == (202, "<html>")
    receiver.answer = b""
    assert await post(receiver.url, b"", {}, {}) == (202, None)


async def test_nobody_there_is_said_without_the_query(receiver: Receiver) -> None:
    with pytest.raises(CommandError, match=r"nothing answered at http://127\.0\.0\.1:1/") as caught:
        await post("http://127.0.0.1:1/", b"", {}, {"token": "canary-value"})

    assert "canary-value" not in str(caught.value)


@pytest.mark.parametrize("header", ["no colon", ": no name"])
def test_a_header_that_is_none_is_bad_usage(
    routes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str
) -> None:
    event = tmp_path / "event.json"
    event.write_text("{}")
    arguments = ["send", "shop", "--event", str(event), "--routes", str(routes), "--header", header]

    assert run(arguments) == 2
    assert "expected 'NAME: VALUE'" in capsys.readouterr().err


def test_a_secret_that_is_not_set_is_named(
    routes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    event = tmp_path / "event.json"
    event.write_text("{}")

    assert run(["send", "shop", "--event", str(event), "--routes", str(routes)]) == 2
    assert "HOOKYARD_SECRET_NEW" in capsys.readouterr().err


async def test_the_exit_code_says_whether_it_was_taken(
    receiver: Receiver,
    routes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_NEW", "new-value")
    monkeypatch.setenv("HOOKYARD_SECRET_OLD", "old-value")
    event = tmp_path / "event.json"
    event.write_text('{"headers": {"X-Shopify-Topic": "a"}, "body": {"id": 1}}')
    arguments = ["send", "shop", "--event", str(event), "--routes", str(routes)]
    arguments += ["--url", receiver.url, "--wait", "5", "--header", "X-Extra: 1"]

    taken = await asyncio.to_thread(run, arguments)
    first = capsys.readouterr()
    receiver.status, receiver.answer = 401, b"plain\x1b[31m words"
    refused = await asyncio.to_thread(run, arguments)
    second = capsys.readouterr()

    assert (taken, refused) == (0, 1)
    assert json.loads(first.out) == {"status": "accepted"}
    assert second.out == "plain\\x1b[31m words\n"
    assert receiver.requests[0][0]["prefer"] == "wait=5"
    assert "value" not in first.err + second.err
