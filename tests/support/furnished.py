"""An installation at work in which there is something of every kind, so that every id is one of something."""

from __future__ import annotations

import json
from typing import Any

from tests.support.downstream import Answer, Call
from tests.support.hookyard import Hookyard
from tests.support.routes import OPEN_DOOR, SHOP, delivering, destinations
from tests.support.senders import ADMIN_TOKEN, Request, order, shopify
from tests.support.waiting import wait_until

Ids = dict[str, list[str]]
"""Ids by the part of an address before them, such as `tasks`; `tasks-cursors` are cursors of their list."""

_WITH_ID = ("tasks", "events", "deliveries", "contacts")
_WITH_PAGES = ("tasks", "events", "deliveries", "contacts")
_NO_COPIES_OF = "refused"
_FORM = """\
connector: form
source: task
secrets: [form_key]
reply: routed
"""
_PEOPLE = """\
directory:
  people: {jane: {name: Jane Roe, email: jane@in-house.example}, amir: }
  clients: {acme: {domains: [acme.example]}}
  projects: {support: {client: acme, assignees: [jane]}}
"""
FORM_KEY = "key-of-the-form-0d1f"


def routes(downstream_url: str) -> dict[str, str]:
    """Return rule files by name: connectors that are signed, open and of the task endpoint, and a directory."""
    return {
        "shop": delivering(SHOP),
        "open": OPEN_DOOR.replace("rules:", "reply: routed\nrules:"),
        "form": _FORM,
        "people": _PEOPLE,
        "places": destinations(downstream_url),
    }


def refuses_some(call: Call) -> Answer | None:
    """Refuse the copies of some tasks for good, so that their deliveries wait for somebody."""
    return Answer(422, b'{"error": "no"}') if _NO_COPIES_OF.encode() in call.body else None


async def furnish(hookyard: Hookyard) -> Ids:
    """Let things come in and be made; return the ids of all that there is now."""
    # The last repeats the first.
    for number in (0, 1, 2, 3, 0):
        name = f"{_NO_COPIES_OF}-{number}" if number % 2 else number
        status, _ = await hookyard.send(shopify(order(name), f"delivery-{number}"))
        assert status == 202
    forged = shopify(order(9), "forged").with_headers(X_Shopify_Hmac_Sha256="AAAA")
    status, _ = await hookyard.send(forged)
    assert status == 401
    typed = {"Content-Type": "application/json"}
    for title in ("A lamp flickers", "Call back"):
        status, _ = await hookyard.send(
            Request("open", json.dumps({"title": title}).encode(), typed)
        )
        assert status == 201
    shown = {**typed, "Authorization": f"Bearer {FORM_KEY}"}
    for given, wanted in ((b'{"title": "By the form"}', 201), (b'{"titel": "x"}', 422)):
        status, _ = await hookyard.send(Request("form", given, shown))
        assert status == wanted
    for name in ("ada", "bob"):
        body = {"title": "By a client", "key": name, "contact": {"email": f"{name}@acme.example"}}
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with hookyard.session.post("/api/v1/tasks", json=body, headers=headers) as answer:
            assert answer.status == 201
    await wait_until(lambda: _is_settled(hookyard), "all is routed and delivered or refused")
    ids = {kind: [one["id"] for one in await _all(hookyard, kind)] for kind in _WITH_ID}
    ids["connectors"] = ["form"]  # the one that has a program to show
    for kind in _WITH_PAGES:
        page = await hookyard.get(f"/{kind}", limit="1")
        ids[f"{kind}-cursors"] = [page["next_cursor"]]
    return ids


async def _is_settled(hookyard: Hookyard) -> bool:
    states = [one["state"] for one in await _all(hookyard, "deliveries")]
    refusals = await _all(hookyard, "refusals")
    return sorted(states) == ["current", "current", "failed", "failed"] and bool(refusals)


async def _all(hookyard: Hookyard, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await hookyard.get(f"/{kind}"))["data"]
    return found
