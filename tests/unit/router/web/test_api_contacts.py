"""`/api/v1/contacts`, the look-ups, and the audit log."""

from __future__ import annotations

from typing import Any

import pytest

from router.web.api.lookups import LISTINGS
from tests.support.rows import event_row
from tests.support.site import OPEN, Site

UNKNOWN = "01930000-0000-7000-8000-000000000000"


async def make(site: Site, **body: Any) -> Any:
    return await site.call("POST", "/contacts", body, status=201)


async def test_a_contact_is_known_by_its_address_in_any_case(site: Site) -> None:
    made = await make(site, email=" A@b.example ", name=None)
    named = await make(site, email="a@B.example", name="A B")
    again = await make(site, email="a@b.example", name="Other")

    assert (made["email"], made["name"]) == ("A@b.example", None)
    assert named["id"] == again["id"] == made["id"]
    assert again["name"] == "A B"
    assert await site.get(f"/api/v1/contacts/{made['id']}") == again
    await make(site, email="c@d.example")
    listed = (await site.get("/api/v1/contacts"))["data"]
    assert [one["email"] for one in listed] == ["c@d.example", "A@b.example"]
    assert (await site.get("/api/v1/contacts?email=A@B.EXAMPLE"))["data"] == [again]


async def test_a_contact_gets_another_name_or_none(site: Site) -> None:
    made = await make(site, email="a@b.example", name="A B")
    path = f"/contacts/{made['id']}"

    assert (await site.call("PATCH", path, {"name": "A\nC"}))["name"] == "A C"
    assert (await site.call("PATCH", path, {}))["name"] == "A C"
    assert (await site.call("PATCH", path, {"name": None}))["name"] is None


async def test_a_contact_is_known_by_its_number_and_its_id_too(site: Site) -> None:
    made = await make(site, phone="+44 (0)20 7946 0018", name="Ada")
    again = await make(site, phone="0044 20 79460018", external_id="cus_1")
    by_id = await make(site, external_id="cus_1", email="ada@b.example")

    assert (made["phone"], made["email"], made["external_id"]) == ("+442079460018", None, None)
    assert again["id"] == by_id["id"] == made["id"]
    assert (again["external_id"], by_id["email"]) == ("cus_1", None)
    for query in ("phone=%2B442079460018", "phone=+442079460018", "external_id=cus_1"):
        assert (await site.get(f"/api/v1/contacts?{query}"))["data"] == [by_id]
    assert (await site.get("/api/v1/contacts?external_id=cus_1&phone=%2B15550100"))["data"] == []
    task = await site.call(
        "POST", "/tasks", {"title": "x", "contact": {"phone": "+442079460018"}}, status=201
    )
    assert task["contact"] == {
        "id": made["id"],
        "email": None,
        "name": "Ada",
        "phone": "+442079460018",
        "external_id": "cus_1",
    }


async def test_a_number_and_an_id_are_changed_unless_they_are_anothers(site: Site) -> None:
    await make(site, external_id="cus_1")
    made = await make(site, email="a@b.example")
    path = f"/contacts/{made['id']}"

    changed = await site.call("PATCH", path, {"phone": "+1 555 010 0199", "external_id": "cus_2"})
    taken = await site.call("PATCH", path, {"external_id": "cus_1"}, status=409)
    emptied = await site.call("PATCH", path, {"phone": None})

    assert (changed["phone"], changed["external_id"]) == ("+15550100199", "cus_2")
    assert taken["code"] == "contact-taken"
    assert (emptied["phone"], emptied["external_id"]) == (None, "cus_2")
    assert (await site.get("/api/v1/contacts?external_id=cus_2"))["data"] == [emptied]


async def test_a_contact_stays_known_by_something(site: Site) -> None:
    made = await make(site, phone="+15550100199")
    path = f"/contacts/{made['id']}"

    problem = await site.call("PATCH", path, {"phone": None}, status=422)
    moved = await site.call("PATCH", path, {"phone": None, "external_id": "cus_1"})

    assert problem["errors"][0]["field"] == "contact"
    other = await make(site, phone="+15550100199")
    assert other["id"] != made["id"]
    assert (moved["phone"], moved["external_id"]) == (None, "cus_1")


async def test_a_patch_without_a_body_is_refused(site: Site) -> None:
    made = await make(site, email="a@b.example")

    problem = await site.call("PATCH", f"/contacts/{made['id']}", status=400)

    assert problem["code"] == "bad-body"


@pytest.mark.parametrize("contact_id", ["x", UNKNOWN])
async def test_a_contact_that_is_not_there_is_404(site: Site, contact_id: str) -> None:
    await site.get(f"/api/v1/contacts/{contact_id}", status=404)
    for body in ({"name": "x"}, {}):
        await site.call("PATCH", f"/contacts/{contact_id}", body, status=404)


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "contact", "unknown-contact"),
        ({"email": "no"}, "contact.email", "not-an-address"),
        ({"email": "a@b.example", "phone": "1"}, "contact.phone", "not-a-phone-number"),
        ({"external_id": "x", "fax": "1"}, "fax", "unknown-field"),
    ],
)
async def test_a_contact_that_cannot_be_is_refused(
    site: Site, body: dict[str, Any], field: str, code: str
) -> None:
    problem = await site.call("POST", "/contacts", body, status=422)

    assert [(one["field"], one["code"]) for one in problem["errors"]] == [(field, code)]
    made = await make(site, email="a@b.example")
    problem = await site.call(
        "PATCH", f"/contacts/{made['id']}", {"email": "c@d.example"}, status=422
    )
    assert problem["errors"][0]["field"] == "email"


async def test_contacts_need_their_scopes(site: Site) -> None:
    reader = await site.make_token("tasks:read")
    problem = await site.call(
        "POST", "/contacts", {"email": "a@b.example"}, status=403, token=reader
    )

    assert problem["detail"] == "the scope tasks:write is needed"
    assert (await site.get("/api/v1/contacts", token=reader))["data"] == []


async def test_look_ups_list_what_the_directory_lists_with_its_ids(site: Site) -> None:
    jane = {"id": "jane", "name": "Jane", "email": "jane@in.example", "ids": {"crm": "7"}}
    await site.name(
        people=[jane],
        clients=[{"id": "acme", "domains": ["acme.example"]}],
        projects=[{"id": "p", "client": "acme", "assignees": ["jane"]}],
        labels=[{"id": "phone"}],
        statuses=[{"id": "neu", "kind": "initial"}, {"id": "fertig", "kind": "done"}],
        task_types=[{"id": "call"}],
    )

    found = {kind: (await site.get(f"/api/v1/{kind}"))["data"] for kind, _ in LISTINGS}

    assert found["people"] == [jane]
    assert found["clients"] == [{"id": "acme", "ids": {}, "domains": ["acme.example"]}]
    assert found["projects"] == [{"id": "p", "ids": {}, "client": "acme", "assignees": ["jane"]}]
    assert [one["id"] for one in found["labels"] + found["task-types"]] == ["phone", "call"]
    assert [(one["id"], one["kind"]) for one in found["statuses"]] == [
        ("neu", "initial"),
        ("fertig", "done"),
    ]
    made = await site.call("POST", "/tasks", {"title": "x"}, status=201)
    done = await site.call("POST", f"/tasks/{made['id']}/complete")
    assert (made["status"], done["status"], done["status_kind"]) == ("neu", "fertig", "done")


async def test_without_a_directory_there_are_the_usual_statuses_and_nothing_else(
    site: Site,
) -> None:
    found = {kind: (await site.get(f"/api/v1/{kind}"))["data"] for kind, _ in LISTINGS}

    assert [one["id"] for one in found.pop("statuses")] == ["open", "doing", "done", "cancelled"]
    assert set(map(len, found.values())) == {0}


async def test_a_replay_is_in_the_audit_log_with_who_asked_for_it(site: Site) -> None:
    await site.use(OPEN)
    row = event_row(connector="open")
    await site.add(events=[row])
    token = await site.make_token("events:replay")

    await site.call("POST", f"/events/{row['id']}/replay", status=202, token=token)

    (entry,) = (await site.get("/api/v1/audit"))["data"]
    assert (entry["actor"], entry["action"]) == (f"api:{token}", "event-replayed")
    assert (entry["subject"], entry["detail"]) == (row["id"], {"replay": 1, "force": False})


async def test_a_task_may_be_from_a_contact_that_is_named_by_its_id(site: Site) -> None:
    contact = await make(site, email="a@b.example", name="A B")
    body = {"title": "x", "contact": {"id": contact["id"]}}

    made = await site.call("POST", "/tasks", body, status=201)
    without = await site.call("PATCH", f"/tasks/{made['id']}", {"contact": None})

    assert made["contact"] == {name: contact[name] for name in ("id", "email", "name")}
    assert without["contact"] is None


async def test_a_person_of_the_directory_is_known_without_a_contact(site: Site) -> None:
    await site.name(people=[{"id": "jane", "email": "Jane@in.example", "name": "Jane"}])
    body = {"title": "x", "contact": {"email": "jane@IN.example"}}

    made = await site.call("POST", "/tasks", body, status=201)

    assert made["contact"] == {"id": "jane", "email": "Jane@in.example", "name": "Jane"}
    assert (await site.get("/api/v1/contacts"))["data"] == []
