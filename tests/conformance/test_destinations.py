"""What holds of every type of destination; its fixtures are in `tests/fixtures/destinations/`."""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from pydantic import ValidationError

import workers.destinations
from router.core.clock import utc_now
from router.core.errors import SecretMissingError
from tests.support.vendors import tasks
from tests.support.vendors.offices import FIXTURES, KEY, OFFICES, ids_of
from workers.destinations import REGISTRY
from workers.destinations.destination import Common, Destination, Found
from workers.destinations.outcome import MAX_PAUSE_S, Answer, Kind, Outcome
from workers.destinations.request import Ask, Change, Copy, Request
from workers.destinations.sender import Sender

ROOT = Path(__file__).parents[2]
MACHINERY = {
    "addresses",
    "destination",
    "fitting",
    "mapping",
    "outcome",
    "reading",
    "request",
    "sender",
    "signing",
    "templates",
}
"""Modules of the folder that are no type of destination."""
CANARY = KEY
CHANGES: tuple[Change, ...] = ("create", "update", "complete", "cancel", "delete")
NOW_S = 1_790_000_000.0


def copy(destination: Destination, key: str = tasks.DELIVERY) -> Copy:
    office = OFFICES.get(destination.name)
    task = tasks.full() if office is None else office.full()
    made = tasks.copy_of(task, ids_of(destination.name), external_id="ext/1")
    return replace(made, key=key)


def fixture(destination: Destination, name: str = "config") -> Any:
    return json.loads((FIXTURES / destination.name / f"{name}.json").read_text("utf-8"))


@pytest.fixture(params=REGISTRY, ids=lambda destination: destination.name)
def destination(request: pytest.FixtureRequest) -> Destination:
    given: Destination = request.param
    return given


@pytest.fixture
def config(destination: Destination) -> Common:
    return destination.config.model_validate(fixture(destination))


def test_every_module_of_the_folder_is_registered() -> None:
    modules = {found.name for found in pkgutil.iter_modules(workers.destinations.__path__)}

    assert {destination.name for destination in REGISTRY} == modules - MACHINERY


def test_copies_can_be_told_to_be_deleted_where_there_is_a_request_for_it(
    destination: Destination,
) -> None:
    choices = get_args(destination.config.model_fields["on_delete"].annotation)

    assert ("delete" in choices) is ("delete" in destination.changes)


def test_a_creation_that_has_a_key_is_repeated(destination: Destination, config: Common) -> None:
    if destination.is_keyed(config):
        assert destination.on_uncertain(config) == "repeat"
    assert destination.idempotency != "none" or not destination.is_keyed(config)


def test_it_has_a_page(destination: Destination) -> None:
    page = ROOT / "docs/destinations" / f"{destination.name}.md"

    assert destination.title in page.read_text()
    for name, field in destination.config.model_fields.items():
        assert f"`{field.alias or name}`" in page.read_text(), name


def test_build_is_deterministic_and_shows_no_secret(
    destination: Destination, config: Common
) -> None:
    for change in CHANGES:
        if change not in destination.changes:
            continue
        first = destination.build(config, change, copy(destination))
        second = destination.build(config, change, copy(destination))

        assert first == second
        if first is not None:
            assert first == Request.from_json(json.loads(json.dumps(first.as_json())))


@pytest.mark.parametrize(
    "destination", [each for each in REGISTRY if each.idempotency == "header"], indirect=True
)
def test_an_idempotency_key_is_the_same_for_every_attempt_and_another_for_every_change(
    destination: Destination, config: Common
) -> None:
    requests = [
        destination.build(config, "create", copy(destination, key)) for key in ("a-1", "a-1", "b-2")
    ]
    values = [dict(each.headers) for each in requests if each is not None]

    assert values[0] == values[1] != values[2]


def test_an_unknown_key_is_an_error_with_its_place(destination: Destination) -> None:
    with pytest.raises(ValidationError) as caught:
        destination.config.model_validate({**fixture(destination), "colour": "red"})

    assert [error["loc"] for error in caught.value.errors()] == [("colour",)]


@pytest.mark.parametrize("ask", [*CHANGES, "look"])
def test_every_status_has_its_outcome(destination: Destination, config: Common, ask: Ask) -> None:
    """`answers.json` says where a type differs from what a status alone says, and why on its page."""
    answers = fixture(destination, "answers")
    body = json.dumps(answers["created"]).encode()
    for status in range(100, 600):
        outcome = destination.classify(config, ask, Answer(status, body=body), NOW_S)

        differs = answers["differs"].get(str(status), {}).get(ask)
        assert outcome.kind is (Kind(differs) if differs else expected(status, ask)), status
        assert outcome.status == status
        if outcome.kind is not Kind.DELIVERED:
            assert outcome.code
            assert str(status) in outcome.message


def expected(status: int, ask: Ask) -> Kind:
    if status in {401, 403}:
        return Kind.AUTH
    if status in {408, 409, 425}:
        return Kind.RETRY
    if status == 429:
        return Kind.RATE_LIMITED
    if status in {404, 410} and ask not in {"create", "look"}:
        return Kind.GONE
    by_class = {2: Kind.DELIVERED, 3: Kind.REJECTED, 4: Kind.REJECTED}
    return by_class.get(status // 100, Kind.UNCERTAIN)


def answers_of() -> Iterator[Any]:
    for destination in REGISTRY:
        for given in fixture(destination, "answers")["answers"]:
            yield pytest.param(destination, given, id=f"{destination.name}: {given['what']}")


@pytest.mark.parametrize(("destination", "given"), list(answers_of()))
def test_an_answer_of_the_vendor_means_what_it_says(
    destination: Destination, given: dict[str, Any]
) -> None:
    config = destination.config.model_validate(fixture(destination) | given.get("config", {}))
    body = given["body"] if isinstance(given["body"], str) else json.dumps(given["body"])
    answer = Answer(given["status"], given.get("headers", {}), body.encode())

    outcome = destination.classify(config, given["ask"], answer, NOW_S)

    assert (outcome.kind, outcome.code) == (given["kind"], given["code"])
    assert given.get("says", "") in outcome.message
    assert outcome.external_id == given.get("external_id")
    assert outcome.retry_after_s == given.get("retry_after_s")


def test_a_creation_brings_the_id_of_the_copy(destination: Destination, config: Common) -> None:
    answers = fixture(destination, "answers")
    answer = Answer(200, body=json.dumps(answers["created"]).encode())

    assert (
        destination.classify(config, "create", answer, NOW_S).external_id == answers["external_id"]
    )


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"[1]", b'"x"', b"7", b"\xff", b"{}", b'{"data": [[]]}']
)
def test_any_body_can_be_read(destination: Destination, config: Common, body: bytes) -> None:
    asks: list[Ask] = [*CHANGES, "look"]
    for status in (200, 400, 401, 404, 409, 429, 500):
        for ask in asks:
            outcome = destination.classify(config, ask, Answer(status, body=body), NOW_S)
            if status == 200 and ask == "create" and destination.name != "http":
                assert outcome.kind is Kind.UNCERTAIN
    answer = Answer(200, body=body)
    if destination.find is not None and destination.read_found is not None:
        request = destination.find(config, copy(destination))
        assert request is not None
        assert destination.read_found(config, copy(destination), request, answer).ids == ()
    if destination.directory is not None and destination.read_directory is not None:
        for lookup in destination.directory(config):
            assert destination.read_directory(config, lookup, answer).entries == ()


def test_an_answer_that_was_cut_short_proves_nothing(
    destination: Destination, config: Common
) -> None:
    body = json.dumps(fixture(destination, "answers")["created"]).encode()
    cut = Answer(200, body=body, truncated=True)

    assert destination.classify(config, "create", cut, NOW_S).kind is Kind.UNCERTAIN
    if destination.find is not None and destination.read_found is not None:
        request = destination.find(config, copy(destination))
        assert request is not None
        assert destination.read_found(config, copy(destination), request, cut) == Found()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW_S + 30, UTC), usegmt=True), 30.0),
        (format_datetime(datetime.fromtimestamp(NOW_S - 30, UTC), usegmt=True), 0.0),
        ("86400", MAX_PAUSE_S),
        ("soon", None),
        ("-5", None),
        ("Mon, 99 Foo 2026", None),
    ],
)
def test_retry_after_is_read_in_both_forms(
    destination: Destination, config: Common, value: str, seconds: float | None
) -> None:
    answer = Answer(429, {"retry-after": value})
    least = fixture(destination, "answers").get("least_wait_s")

    wait_s = destination.classify(config, "create", answer, NOW_S).retry_after_s

    assert wait_s == (seconds if least is None else max(seconds or 0.0, least))


class Canary:
    """Every secret there is, with one value."""

    def get(self, name: str) -> str:
        del name
        return CANARY


class NoSecret:
    def get(self, name: str) -> str:
        raise SecretMissingError(f"secret {name!r} is not set")


class Downstream:
    """A task API that answers as told and remembers what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.answer: Any = lambda: web.json_response({"id": "x", "data": {"id": "x"}}, status=201)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        head = f"{request.rel_url} {dict(request.headers)}"
        self.requests.append((head, await request.read()))
        made: web.StreamResponse = self.answer()
        return made


@pytest.fixture
async def downstream() -> AsyncIterator[tuple[Downstream, str]]:
    api = Downstream()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield api, f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    made = Sender(Canary(), utc_now)
    yield made
    await made.close()


def pointed(destination: Destination, url: str, **given: Any) -> tuple[Common, Request]:
    """Return the fixture's configuration and request to create, sent to a server of the test."""
    config = destination.config.model_validate(
        {**fixture(destination), "allow_private": True, "timeout": "500ms", **given}
    )
    request = destination.build(config, "create", copy(destination))
    assert request is not None
    told = request.as_json()
    told["url"] = re.sub(r"^https?://[^/]+", url, request.url)
    return config, Request.from_json(told)


async def test_a_secret_is_sent_and_shown_nowhere(
    destination: Destination,
    downstream: tuple[Downstream, str],
    sender: Sender,
    caplog: pytest.LogCaptureFixture,
) -> None:
    api, url = downstream
    config, request = pointed(destination, url)

    api.answer = lambda: web.Response(status=400, text=f"your key {CANARY} is odd")
    answer = await sender.send(request, config, repeatable=False)
    assert isinstance(answer, Answer)
    outcome = destination.classify(config, "create", answer, NOW_S)

    assert destination.secrets(config)
    headers, body = api.requests[0]
    assert CANARY in headers or "webhook-signature" in headers.lower()
    assert CANARY not in str(outcome.message)
    assert CANARY not in repr((config, request, request.as_json(), sender, outcome))
    assert CANARY not in caplog.text
    assert CANARY.encode() not in body


async def test_a_secret_that_is_not_set_stops_the_request(destination: Destination) -> None:
    config, request = pointed(destination, "http://127.0.0.1:1")
    sender = Sender(NoSecret(), utc_now)

    outcome = await sender.send(request, config, repeatable=False)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.AUTH, "credentials")
    await sender.close()


async def test_a_refused_connection_may_be_tried_again(
    destination: Destination, sender: Sender
) -> None:
    config, request = pointed(destination, f"http://127.0.0.1:{unused_port()}")

    outcome = await sender.send(request, config, repeatable=False)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.RETRY, "unreachable")


async def test_a_name_that_does_not_resolve_may_be_tried_again(
    destination: Destination, sender: Sender
) -> None:
    config, request = pointed(destination, "http://nowhere.invalid")

    outcome = await sender.send(request, config, repeatable=False)

    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.RETRY


async def test_a_broken_handshake_may_be_tried_again(
    destination: Destination, downstream: tuple[Downstream, str], sender: Sender
) -> None:
    api, url = downstream
    config, request = pointed(destination, url.replace("http://", "https://"))

    outcome = await sender.send(request, config, repeatable=False)

    assert isinstance(outcome, Outcome)
    assert outcome.kind is Kind.RETRY
    assert api.requests == []


async def test_silence_after_sending_is_uncertain(
    destination: Destination, downstream: tuple[Downstream, str], sender: Sender
) -> None:
    api, url = downstream
    config, request = pointed(destination, url, timeout="50ms")

    class Never(web.StreamResponse):
        async def prepare(self, request: web.BaseRequest) -> Any:
            request.protocol.force_close()
            assert request.transport is not None
            request.transport.abort()
            return None

    api.answer = Never
    outcome = await sender.send(request, config, repeatable=False)

    assert isinstance(outcome, Outcome)
    assert (outcome.kind, outcome.code) == (Kind.UNCERTAIN, "no-answer")


async def test_a_redirect_is_not_followed(
    destination: Destination, downstream: tuple[Downstream, str], sender: Sender
) -> None:
    api, url = downstream
    config, request = pointed(destination, url)
    api.answer = lambda: web.Response(status=307, headers={"Location": f"{url}/elsewhere"})

    answer = await sender.send(request, config, repeatable=False)

    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert len(api.requests) == 1
    assert destination.classify(config, "create", answer, NOW_S).code == "redirect"


async def test_an_oversized_answer_is_cut(
    destination: Destination, downstream: tuple[Downstream, str], sender: Sender
) -> None:
    api, url = downstream
    config, request = pointed(destination, url, max_answer="1KiB")
    api.answer = lambda: web.Response(status=500, body=b"x" * 200_000)

    answer = await sender.send(request, config, repeatable=False)

    assert isinstance(answer, Answer)
    assert (len(answer.body), answer.truncated) == (1024, True)


async def test_an_address_that_is_not_public_is_refused(
    destination: Destination, downstream: tuple[Downstream, str], sender: Sender
) -> None:
    api, url = downstream
    for host in (url, url.replace("127.0.0.1", "localhost")):
        config, request = pointed(destination, host, allow_private=False)

        outcome = await sender.send(request, config, repeatable=False)

        assert isinstance(outcome, Outcome)
        assert (outcome.kind, outcome.code) == (Kind.REJECTED, "address")
    assert api.requests == []
