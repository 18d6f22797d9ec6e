"""The one HTTP loop: what it puts in, what it reads, and what it says of a failure."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.support.delivering import SecretBox, config
from tests.support.downstream import ANSWER_LOST, HANG, Answer, Downstream
from tests.support.manual_clock import ManualClock
from tests.support.programs import free_port
from tests.support.rows import NOW_MS
from workers.destinations import outcome as outcomes
from workers.destinations.destination import Common
from workers.destinations.outcome import Kind, Outcome
from workers.destinations.request import Request
from workers.destinations.sender import Sender, _Sendable

KEY = b64encode(b"0123456789abcdef").decode()


@pytest.fixture
def secrets() -> SecretBox:
    return SecretBox(token="t0ken", key=f"whsec_{KEY}")


@pytest.fixture
async def sender(secrets: SecretBox, clock: ManualClock) -> AsyncIterator[Sender]:
    made = Sender(secrets, clock)
    yield made
    await made.close()


@pytest.fixture
async def downstream() -> AsyncIterator[Downstream]:
    async with Downstream() as server:
        yield server


def local(**given: object) -> Common:
    return config(allow_private=True, **{"timeout": "2s", **given})


def post(url: str, body: bytes = b"{}", **given: object) -> Request:
    return Request("POST", f"{url}/tasks", body=body, **given)  # type: ignore[arg-type]  # its fields


async def send(
    sender: Sender, request: Request, given: Common | None = None, *, repeatable: bool = False
) -> outcomes.Answer | Outcome:
    return await sender.send(request, given or local(), repeatable=repeatable)


async def test_a_request_arrives_as_it_is_with_its_secrets(
    sender: Sender, downstream: Downstream
) -> None:
    request = post(
        downstream.url,
        b'{"a":1}',
        headers={"Content-Type": "application/json", "X-Plain": "p"},
        secret_headers={"Authorization": ("Bearer ", "token"), "X-Key": ("", "token")},
    )

    answer = await send(sender, request)

    assert isinstance(answer, outcomes.Answer)
    assert (answer.status, answer.body) == (200, b'{"id": "ext-1"}')
    assert answer.headers["content-type"].startswith("application/json")
    (call,) = downstream.calls
    assert (call.method, call.path, call.body) == ("POST", "/tasks", b'{"a":1}')
    assert call.headers["Authorization"] == "Bearer t0ken"
    assert (call.headers["X-Key"], call.headers["X-Plain"]) == ("t0ken", "p")
    assert call.headers["User-Agent"] == "hookyard"


async def test_a_secret_may_stand_in_the_middle_of_a_header_or_in_the_address(
    sender: Sender, secrets: SecretBox, downstream: Downstream
) -> None:
    secrets["odd"] = "a/b+c d&é"
    url = f"{downstream.url}/tasks"

    for query in ("", "?page=%2F1"):
        request = Request(
            "GET",
            f"{url}{query}",
            secret_headers={"Authorization": ('Token token="', "token", '"')},
            secret_query={"accessKey": "odd", "secretKey": "token"},
        )
        assert isinstance(await send(sender, request), outcomes.Answer)
        assert Request.from_json(request.as_json()) == request
        assert "b+c" not in str(request.as_json())

    first, second = downstream.calls
    assert first.headers["Authorization"] == 'Token token="t0ken"'
    queries = [dict(parse_qsl(urlsplit(call.path).query)) for call in (first, second)]
    assert queries[0] == {"accessKey": "a/b+c d&é", "secretKey": "t0ken"}
    assert queries[1] == {"page": "/1", **queries[0]}


async def test_an_answer_that_is_no_http_is_told_without_the_address(
    sender: Sender, secrets: SecretBox
) -> None:
    """What the parser says comes with the whole address; a secret too short to be scrubbed is in it."""
    secrets["pin"] = "é=9"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 banana\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    request = Request("GET", f"http://127.0.0.1:{port}/secret-path", secret_query={"pin": "pin"})
    outcome = await send(sender, request)
    server.close()

    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.UNCERTAIN
    assert outcome.message
    assert "pin" not in outcome.message
    assert "path" not in outcome.message


async def test_a_request_without_a_body_says_nothing_of_its_type(
    sender: Sender, downstream: Downstream
) -> None:
    await send(sender, Request("DELETE", f"{downstream.url}/tasks/1"))

    assert "Content-Type" not in downstream.calls[0].headers


async def test_a_signed_request_can_be_verified(sender: Sender, downstream: Downstream) -> None:
    await send(sender, post(downstream.url, b"body", sign_with="key", message_id="m1"))

    headers = {name.lower(): value for name, value in downstream.calls[0].headers.items()}
    seconds = NOW_MS // 1000
    signed = hmac.new(b64decode(KEY), f"m1.{seconds}.body".encode(), hashlib.sha256).digest()
    assert headers["webhook-id"] == "m1"
    assert headers["webhook-timestamp"] == str(seconds)
    assert headers["webhook-signature"] == f"v1,{b64encode(signed).decode()}"


@pytest.mark.parametrize("key", ["", "whsec_", "not base64!", "whsec_ü"])
async def test_a_key_that_is_none_stops_the_request_and_is_not_shown(
    sender: Sender, secrets: SecretBox, downstream: Downstream, key: str
) -> None:
    secrets["key"] = key

    outcome = await send(sender, post(downstream.url, sign_with="key"))

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.AUTH, "credentials")
    assert not key or key not in outcome.message.replace("whsec_…", "")
    assert downstream.calls == []


async def test_a_secret_that_is_not_set_stops_the_request(
    sender: Sender, downstream: Downstream
) -> None:
    request = post(downstream.url, secret_headers={"X-Key": ("", "nobody")})

    outcome = await send(sender, request)

    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.AUTH
    assert downstream.calls == []


def test_a_request_with_its_secrets_shows_nothing() -> None:
    assert repr(_Sendable({"X-Key": "t0ken"})) == "_Sendable(…)"


@pytest.mark.parametrize("answer", [HANG, ANSWER_LOST])
async def test_once_it_may_have_left_a_failure_is_uncertain(
    sender: Sender, downstream: Downstream, answer: Answer
) -> None:
    downstream.script.append(answer)

    outcome = await send(sender, post(downstream.url), local(timeout="200ms"))

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.UNCERTAIN, "no-answer")
    assert outcome.message
    assert len(downstream.calls) == 1


async def test_before_it_left_a_failure_may_be_repeated(sender: Sender) -> None:
    outcome = await send(sender, post(f"http://127.0.0.1:{free_port()}"))

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.RETRY, "unreachable")


@pytest.mark.parametrize("url", ["http://", "http://exa mple", "http://[::1"])
async def test_an_address_that_is_none_is_never_tried_again(sender: Sender, url: str) -> None:
    outcome = await send(sender, post(url))

    assert isinstance(outcome, Outcome)
    assert outcome.kind is not Kind.UNCERTAIN


async def test_what_cannot_be_repeated_gets_a_connection_of_its_own(
    sender: Sender, downstream: Downstream
) -> None:
    for _ in range(2):
        await send(sender, post(downstream.url), repeatable=False)
        await send(sender, post(downstream.url), repeatable=True)

    kept = [call.headers.get("Connection") for call in downstream.calls]
    assert kept == ["close", None, "close", None]


async def test_cookies_are_forgotten(sender: Sender, downstream: Downstream) -> None:
    downstream.script.append(Answer(200, b"{}", {"Set-Cookie": "session=1"}))

    await send(sender, post(downstream.url), repeatable=True)
    await send(sender, post(downstream.url), repeatable=True)

    assert "Cookie" not in downstream.calls[1].headers


@pytest.mark.parametrize(
    ("size", "kept", "truncated"), [(1024, 1024, False), (1025, 1024, True), (300_000, 1024, True)]
)
async def test_no_more_of_an_answer_is_read_than_allowed(
    sender: Sender, downstream: Downstream, size: int, kept: int, *, truncated: bool
) -> None:
    downstream.script.append(Answer(200, b"x" * size))

    answer = await send(sender, post(downstream.url), local(max_answer="1KiB"))

    assert isinstance(answer, outcomes.Answer)
    assert (len(answer.body), answer.truncated) == (kept, truncated)


class Names(AbstractResolver):
    """Resolves every name to one address."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=self.address, port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


@pytest.mark.parametrize("url", ["http://inside.example", "http://127.0.0.1", "http://[::1]"])
async def test_a_private_address_is_refused_however_it_is_written(
    secrets: SecretBox, clock: ManualClock, url: str
) -> None:
    sender = Sender(secrets, clock, resolver=lambda: Names("10.0.0.1"))

    outcome = await send(sender, post(url), config())
    await sender.close()

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.REJECTED, "address")
    assert "allow_private" in outcome.message


async def test_where_it_is_allowed_a_name_may_lead_inside(
    secrets: SecretBox, clock: ManualClock, downstream: Downstream
) -> None:
    sender = Sender(secrets, clock, resolver=lambda: Names("127.0.0.1"))

    answer = await send(sender, post(downstream.url.replace("127.0.0.1", "inside.example")))
    await sender.close()

    assert isinstance(answer, outcomes.Answer)
    assert len(downstream.calls) == 1


async def test_a_secret_in_an_error_is_not_shown(
    sender: Sender, downstream: Downstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise aiohttp.ClientError("cannot use t0ken")

    await send(sender, post(downstream.url, secret_headers={"X": ("", "token")}))
    monkeypatch.setattr(aiohttp.ClientSession, "request", fails)
    outcome = await send(sender, post(downstream.url, secret_headers={"X": ("", "token")}))

    assert isinstance(outcome, Outcome)
    assert "t0ken" not in outcome.message


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1", "no connection to 127.0.0.1:1: connection refused"),
        ("http://nowhere.invalid", "no connection to nowhere.invalid:80: "),
    ],
)
async def test_what_is_not_reached_is_named_with_the_reason_in_plain_words(
    sender: Sender, url: str, words: str
) -> None:
    outcome = await sender.send(Request("GET", url), config(allow_private=True), repeatable=True)

    assert isinstance(outcome, Outcome)
    assert outcome.message.startswith(words)
    assert "ssl:" not in outcome.message
