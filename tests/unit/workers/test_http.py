"""What is special about destinations of type `http` (Q1, Q2, Q4, Q7, Q8, V9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.delivering import URL, config
from workers.destinations import http
from workers.destinations.destination import Common, parse_size
from workers.destinations.outcome import Answer, Kind, retry_after
from workers.destinations.request import BuildError, Change, Copy, Request
from workers.destinations.templates import template

DESTINATION = http.DESTINATION


def copy(external_id: str | None = "ext 1/2", **task: Any) -> Copy:
    return Copy(
        task={"id": "t1", "title": "Fulfil", "description": None, "occurrences": 2, **task},
        key="the-key",
        destination="crm",
        delivery_id="d1",
        external_id=external_id,
        event={"type": "orders/create"},
    )


def build(change: Change = "create", of: Copy | None = None, **given: Any) -> Request:
    request = http.build(config(**given), change, of or copy())
    assert request is not None
    return request


def mistakes(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        config(**given)
    return str(caught.value)


def test_without_a_body_the_whole_task_is_sent() -> None:
    request = build(body=None)

    assert json.loads(request.body) == dict(copy().task)
    assert request.headers["Content-Type"] == "application/json"


def test_a_body_that_is_one_text_is_sent_as_text() -> None:
    request = build(body="{{ task.title }} ü")

    assert (request.body, request.headers["Content-Type"]) == (
        "Fulfil ü".encode(),
        "text/plain; charset=utf-8",
    )


def test_templates_see_the_task_its_id_there_the_event_and_the_delivery() -> None:
    body = {
        "all": "{{ external_id }} {{ event.type }} {{ delivery.id }} {{ delivery.destination }}"
    }

    assert json.loads(build(body=body).body) == {"all": "ext 1/2 orders/create d1 crm"}


def test_ids_in_addresses_are_percent_encoded() -> None:
    assert build("update").url == f"{URL}/ext%201%2F2"
    url = URL + "/{{ task.labels[0] }}/{{ task.custom.a }}"
    assert build(of=copy(labels=["a/b"], custom={"a": "?"}), url=url).url == f"{URL}/a%2Fb/%3F"


def test_without_an_id_an_address_that_needs_one_cannot_be_built() -> None:
    with pytest.raises(BuildError, match="url"):
        build("update", copy(external_id=None))


def test_what_a_change_leaves_out_is_as_for_the_creation() -> None:
    update = build("update", update={"url": URL})
    own = build("update", update={"url": URL, "body": {"only": "this"}})

    assert (update.method, update.body) == ("PATCH", build().body)
    assert json.loads(own.body) == {"only": "this"}


def test_a_change_nobody_configured_has_no_request() -> None:
    assert http.build(config(update=None), "update", copy()) is None
    assert http.build(config(), "complete", copy()) is None


@pytest.mark.parametrize("title", ["a\nb", "a\rb", "a\x00b", "a\x7fb"])
def test_a_header_never_holds_a_line_break(title: str) -> None:
    with pytest.raises(BuildError) as caught:
        build(of=copy(title=title), headers={"X-Title": "{{ task.title }}"})

    assert caught.value.code == "header"


@pytest.mark.parametrize("url", ["ftp://a.example", "https://", "a.example", "https://a.example:x"])
def test_what_is_no_address_is_no_request(url: str) -> None:
    with pytest.raises(BuildError) as caught:
        build(of=copy(custom={"url": url}), url="{{ task.title | replace('Fulfil', '') }}" + url)

    assert caught.value.code == "address"


def test_secrets_are_named_in_a_request_and_never_there() -> None:
    request = build(
        headers={"A": {"secret": "token", "prefix": "Bearer "}, "B": "plain"},
        sign={"standard_webhooks": "key"},
    )

    assert request.secret_headers == {"A": ("Bearer ", "token")}
    assert (request.sign_with, request.message_id) == ("key", "the-key")
    assert (request.headers["B"], "A" in request.headers) == ("plain", False)
    assert DESTINATION.secrets(config(sign={"standard_webhooks": "key"})) == {"key"}


def test_a_request_is_kept_and_comes_back_byte_for_byte() -> None:
    request = Request("POST", URL, {"a": "b"}, b"\xff\x00\xc3", {"X": ("p", "s")}, "key", "m")

    assert Request.from_json(json.loads(json.dumps(request.as_json()))) == request


@pytest.mark.parametrize(
    ("id_at", "body", "found"),
    [
        ("id", b'{"id": "a-1"}', "a-1"),
        ("id", b'{"id": 77}', "77"),
        ("data.task[0].id", b'{"data": {"task": [{"id": "x"}]}}', "x"),
        ("[0].id", b'[{"id": "x"}]', "x"),
        *(
            ("id", body, None)
            for body in (
                *(
                    b"",
                    b"{",
                    b"{}",
                    b'{"id": null}',
                    b'{"id": true}',
                    b'{"id": 1.5}',
                    b'{"id": ""}',
                ),
                *(b'{"id": ".."}', b'{"id": "a\\nb"}', b'{"id": {}}', b'["id"]'),
                json.dumps({"id": "x" * 256}).encode(),
            )
        ),
    ],
)
def test_a_creation_must_bring_a_usable_id(id_at: str, body: bytes, found: str | None) -> None:
    outcome = http.classify(config(id_at=id_at), "create", Answer(201, body=body), 0)

    assert outcome.external_id == found
    assert (outcome.kind is Kind.DELIVERED) == (found is not None)
    assert (outcome.code == "no-id") == (found is None)


def test_an_answer_that_was_cut_brings_no_id() -> None:
    cut = Answer(201, body=b'{"id": "a"}', truncated=True)

    assert http.classify(config(), "create", cut, 0).kind is Kind.UNCERTAIN
    assert http.classify(config(), "update", cut, 0).kind is Kind.DELIVERED
    plain = config(id_at=None, update=None)
    assert http.classify(plain, "create", cut, 0).kind is Kind.DELIVERED


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({}, False),
        ({"body": None}, True),
        ({"body": None, "update": None}, False),
        ({"body": {"n": "{{ task.occurrences }}"}}, True),
        ({"body": {"all": ["{{ task }}"]}}, True),
        ({"update": {"url": URL, "body": {"n": ["{{ task.occurrences }}"]}}}, True),
        ({"body": {"n": 1}}, False),
    ],
)
def test_a_count_is_a_change_only_where_a_template_reads_it(
    given: dict[str, Any], *, counts: bool
) -> None:
    assert DESTINATION.counts(config(**given)) == counts


def test_a_creation_is_repeated_only_where_that_is_safe_or_said_so() -> None:
    assert DESTINATION.on_uncertain(config()) == "repeat"
    assert DESTINATION.on_uncertain(config(idempotency_header=None)) == "hold"
    told = config(idempotency_header=None, on_uncertain="retry")
    assert DESTINATION.on_uncertain(told) == "repeat"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"headers": {"X Y": "a"}}, "cannot be the name of a header"),
        ({"headers": {"Content-Length": "1"}}, "set by Hookyard itself"),
        ({"idempotency_header": "Host"}, "set by Hookyard itself"),
        ({"id_at": "a..b"}, "it is no path"),
        ({"id_at": None}, "update needs external_id"),
        ({"id_at": None, "update": {"url": URL, "body": "{{ external_id }}"}}, "needs external_id"),
        ({"url": 5}, "expected a text"),
        ({"body": {"a": "{{ nobody.knows }}"}}, "nobody"),
        ({"body": {"a": "{{"}}, ""),
        ({"max_answer": "1 MB"}, "KiB or MiB"),
        ({"max_answer": "65MiB"}, ""),
        ({"timeout": "soon"}, ""),
        ({"concurrency": 0}, ""),
    ],
)
def test_a_mistake_in_the_configuration_is_said(given: dict[str, Any], words: str) -> None:
    assert words in mistakes(**given)


def test_sizes_are_read_in_binary_units() -> None:
    assert [parse_size(each) for each in ("5B", "2 KiB", " 1MiB ", 7)] == [5, 2048, 1_048_576, 7]


def test_a_configuration_of_another_type_is_none_of_this() -> None:
    with pytest.raises(TypeError, match="http"):
        DESTINATION.of(Common())


def test_a_template_that_is_wrong_says_how() -> None:
    with pytest.raises(ValueError, match="nobody"):
        template(["{{ nobody }}", {"a": "{{ nobody }}"}])


@pytest.mark.parametrize(("value", "seconds"), [(None, None), ("Sun, 06 Nov 1994 08:49:37", 7.0)])
def test_a_date_without_a_zone_is_taken_for_utc(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 784_111_770.0) == seconds


def test_what_an_answer_says_is_shown_on_one_short_line() -> None:
    assert Answer(500, body=b"a\n  b\x00" + b"c" * 999).excerpt().startswith("a b\ufffdccc")
    assert len(Answer(500, body=b"c" * 999).excerpt()) == 300


CLOSE = {"method": "POST", "url": f"{URL}/{{{{ external_id }}}}/close"}


def test_a_cancelled_task_has_a_request_of_its_own_where_there_is_one() -> None:
    cancel = {"method": "POST", "url": f"{URL}/{{{{ external_id }}}}/cancel", "body": {"why": "no"}}
    request = build("cancel", cancel=cancel)

    assert (request.method, request.url) == ("POST", f"{URL}/ext%201%2F2/cancel")
    assert request.body == b'{"why":"no"}'
    assert http.build(config(), "cancel", copy()) is None


def test_a_deletion_has_no_body_unless_one_is_given() -> None:
    remove = {"url": f"{URL}/{{{{ external_id }}}}"}
    request = build("delete", delete=remove)
    told = build("delete", delete={**remove, "method": "POST", "body": {"gone": "{{ task.id }}"}})

    assert (request.method, request.body) == ("DELETE", b"")
    assert "Content-Type" not in request.headers
    assert (told.method, told.body) == ("POST", b'{"gone":"t1"}')


def test_what_it_can_be_asked_for_is_what_is_configured() -> None:
    remove = {"url": f"{URL}/{{{{ external_id }}}}"}
    whole = config(complete=CLOSE, cancel=CLOSE, delete=remove)

    assert DESTINATION.changes_with(config(update=None)) == {"create"}
    assert DESTINATION.changes_with(whole) == DESTINATION.changes


def test_copies_are_deleted_only_where_it_is_said_how() -> None:
    assert "on_delete: delete needs `delete`" in mistakes(on_delete="delete")
    assert config(on_delete="delete", delete={"url": URL}).on_delete == "delete"


def test_limits_are_read_in_the_forms_of_rule_files() -> None:
    given = config(rate="10/5s", breaker={"after": 2, "for": "1s", "max": "1m"})

    assert given.rate == (10, 5_000)
    assert (given.breaker.after, given.breaker.for_.total_seconds()) == (2, 1)
    assert "this is no rate" in mistakes(rate="often")
    assert "breaker" in mistakes(breaker={"after": 0})
    assert "breaker.odd" in mistakes(breaker={"odd": 1}).replace("\n", " ")
