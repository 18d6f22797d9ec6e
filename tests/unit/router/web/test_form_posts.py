"""What browsers and monitors send: forms and what keeps machines out of them, GET and PUT."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from router.core.intake_table import ConnectorIntake
from tests.support.site import Site

FORM = "application/x-www-form-urlencoded"
MINE = "https://www.example.com"
TOKEN = "test-secret-of-the-monitors-77c0"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
MULTIPART = "multipart/form-data; boundary=b"


async def use(site: Site, preset: str, **options: Any) -> None:
    """Put one connector in force, named after its preset."""
    secrets = () if preset == "form" else ("other",)
    source = {"preset": preset, **options}
    site.secrets["other"] = TOKEN
    await site.use(ConnectorIntake(name=preset, source=source, secrets=secrets))


async def send(
    site: Site,
    path: str,
    body: bytes | None = None,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    content_type: str = FORM,
) -> tuple[int, Mapping[str, str], Any]:
    """Return status, headers and content of an answer."""
    given = {**(headers or {}), **({"Content-Type": content_type} if body is not None else {})}
    async with site.client.request(
        method, f"/hooks/{path}", data=body, headers=given, allow_redirects=False
    ) as answer:
        text = await answer.text()
        return answer.status, answer.headers.copy(), json.loads(text) if text else None


async def test_a_form_needs_no_secret(site: Site) -> None:
    await use(site, "form")

    status, _, content = await send(site, "form", b"email=zoe%40example.com")

    assert status == 202
    (event,) = await site.events()
    assert content == {"event_id": event.id, "status": "accepted"}
    assert (event.body, event.content_type) == (b"email=zoe%40example.com", FORM)
    assert (event.type, event.delivery_id) == (None, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": MINE},
        {"Origin": "HTTPS://WWW.EXAMPLE.COM"},
        {"Referer": MINE + "/contact?from=x"},
        {"Referer": "https://elsewhere.example/", "Origin": MINE},
    ],
)
async def test_pages_of_its_sites_may_post(site: Site, headers: dict[str, str]) -> None:
    await use(site, "form", origins=[f"{MINE}:443/"])

    status, _, _ = await send(site, "form", b"a=1", headers=headers)

    assert status == 202


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "origin-missing"),
        ({"Referer": "about:blank"}, "origin-missing"),
        ({"Origin": "null"}, "origin-mismatch"),
        ({"Origin": "https://elsewhere.example", "Referer": MINE}, "origin-mismatch"),
        ({"Origin": f"{MINE}.elsewhere.example"}, "origin-mismatch"),
        ({"Origin": "http://www.example.com"}, "origin-mismatch"),
        ({"Origin": f"{MINE}:8443"}, "origin-mismatch"),
        ({"Referer": f"{MINE}@elsewhere.example/"}, "origin-mismatch"),
    ],
)
async def test_pages_of_other_sites_may_not(site: Site, headers: dict[str, str], code: str) -> None:
    await use(site, "form", origins=[MINE])

    status, _, content = await send(site, "form", b"a=1", headers=headers)

    assert (status, content["code"]) == (401, "not-proven")
    assert await site.events() == []
    (refusal,) = await site.refusals()
    assert refusal["code"] == code


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"name=x&_gotcha=buy", FORM),
        (b"name=x&_gotcha=&_gotcha=buy", FORM),
        (b'{"name": "x", "_gotcha": "buy"}', "application/json"),
        (b'{"name": "x", "_gotcha": ["", true]}', "application/json"),
        (b'--b\r\nContent-Disposition: form-data; name="_gotcha"\r\n\r\nbuy\r\n--b--', MULTIPART),
        (
            b'--b\r\nContent-Disposition: form-data; name="_gotcha"; filename="a"\r\n\r\n\r\n--b--',
            MULTIPART,
        ),
    ],
)
async def test_what_a_machine_filled_in_is_answered_like_everything_and_kept_nowhere(
    site: Site, body: bytes, content_type: str
) -> None:
    await use(site, "form", honeypot="_gotcha")

    status, headers, content = await send(site, "form", body, content_type=content_type)
    expected, expected_headers, told = await send(site, "form", b"name=x")

    assert (status, set(headers), set(content)) == (expected, set(expected_headers), set(told))
    assert content["event_id"] != told["event_id"]
    assert [event.body for event in await site.events()] == [b"name=x"]
    (refusal,) = await site.refusals()
    assert (refusal["status"], refusal["code"]) == (202, "honeypot")
    assert "_gotcha" in refusal["reason"]
    assert "buy" not in repr(refusal)


@pytest.mark.parametrize(
    "body", [b"name=x", b"name=x&_gotcha=", b"name=x&_gotcha=+%20", b"name=x&_GOTCHA=y"]
)
async def test_people_leave_the_honeypot_empty(site: Site, body: bytes) -> None:
    await use(site, "form", honeypot="_gotcha")

    status, _, _ = await send(site, "form", body)

    assert status == 202
    assert [event.body for event in await site.events()] == [body]


async def test_people_and_machines_are_sent_to_the_same_page(site: Site) -> None:
    await use(
        site,
        "form",
        honeypot="_gotcha",
        then="https://www.example.com/thanks?u=1",
    )

    person = await send(site, "form", b"name=x")
    machine = await send(site, "form", b"_gotcha=x")
    script = await send(site, "form", b"name=x", headers={"Prefer": "wait=1"})

    for status, headers, content in (person, machine):
        assert (status, content) == (303, None)
        assert headers["Location"] == "https://www.example.com/thanks?u=1"
    assert script[0] == 202
    assert len(await site.events()) == 2


async def test_a_form_that_cannot_be_read_is_400(site: Site) -> None:
    await use(site, "form")

    status, _, content = await send(site, "form", b"--b\r\n", content_type=MULTIPART)

    assert (status, content["code"]) == (400, "unparseable")
    assert await site.events() == []


HEARTBEAT = {"status": 0, "msg": "größer", "ping": 1.50}


async def test_uptime_kuma_is_the_same_event_in_each_of_its_forms(site: Site) -> None:
    await use(site, "uptime-kuma")
    data = json.dumps({"heartbeat": HEARTBEAT, "monitor": {"id": 7}, "msg": "down"})
    form = f'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{data}\r\n--b--\r\n'
    query = {"msg": "down", "heartbeat": json.dumps(HEARTBEAT), "monitor": '{"id": 7}'}

    sent = [
        await send(
            site, "uptime-kuma", data.encode(), headers=BEARER, content_type="application/json"
        ),
        await send(site, "uptime-kuma", form.encode(), headers=BEARER, content_type=MULTIPART),
        await send(site, f"uptime-kuma?{urlencode(query)}", method="GET", headers=BEARER),
    ]

    assert [status for status, _, _ in sent] == [202, 202, 202]
    as_json, as_form, as_query = await site.events()
    assert {as_json.type, as_form.type, as_query.type} == {"DOWN"}
    assert json.loads(as_query.body) == json.loads(as_json.body)
    assert as_query.content_type == "application/json"
    assert as_form.body == form.encode()


async def test_a_get_must_be_proven_too_and_its_secret_is_not_in_the_body(site: Site) -> None:
    await use(site, "uptime-kuma", query="token")

    stranger, _, _ = await send(site, "uptime-kuma?msg=x&token=no", method="GET")
    known, _, _ = await send(site, f"uptime-kuma?msg=x&msg=y&token={TOKEN}", method="GET")

    assert (stranger, known) == (401, 202)
    (event,) = await site.events()
    assert json.loads(event.body) == {"msg": ["x", "y"]}
    assert event.type == "TEST"
    assert TOKEN not in repr(event)


@pytest.mark.parametrize("text", ["{", "NaN", "[" * 200, "\x00", "%ED%A0%80"])
async def test_a_parameter_that_should_be_json_and_is_not_stays_a_text(
    site: Site, text: str
) -> None:
    await use(site, "uptime-kuma")
    path = f"uptime-kuma?{urlencode({'heartbeat': text})}"

    status, _, _ = await send(site, path, method="GET", headers=BEARER)

    assert status == 202
    (event,) = await site.events()
    assert isinstance(json.loads(event.body)["heartbeat"], str)
    assert "\x00" not in json.loads(event.body)["heartbeat"]


async def test_a_get_without_a_query_has_no_body(site: Site) -> None:
    await use(site, "uptime-kuma")

    status, _, _ = await send(site, "uptime-kuma", method="GET", headers=BEARER)

    assert status == 202
    assert [event.body for event in await site.events()] == [b""]


async def test_grafana_may_put(site: Site) -> None:
    await use(site, "grafana")

    status, _, _ = await send(
        site,
        "grafana",
        b'{"status": "firing"}',
        method="PUT",
        headers=BEARER,
        content_type="application/json",
    )
    refused, headers, _ = await send(site, "grafana", method="GET", headers=BEARER)

    assert (status, refused) == (202, 405)
    assert headers["Allow"] == "POST, PUT"
    assert [event.type for event in await site.events()] == ["firing"]
