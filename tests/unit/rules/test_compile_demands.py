"""What a destination demands is missed where no event can give it, and nowhere else."""

from __future__ import annotations

import pytest

from rules.loader import load_texts
from tests.support.catalogues import catalogues

DESK = "destinations: {desk: {type: crm, token: desk_token, demanding: true}}"
PEOPLE = "people: {jane: {email: jane@acme.example, ids: {desk: usr_1}}}"


def said(rule: str, directory: str = "", *, connector: str = "", desk: str = DESK) -> list[str]:
    shop = f"""\
connector: shop
source: shopify
secrets: [shop_webhook]
deliver: [desk]
{connector}
rules:
  - name: one
    task: {rule}
"""
    body = "\n".join(f"  {line}" for line in (directory or PEOPLE).splitlines())
    files = {"shop.yaml": shop, "desk.yaml": desk, "names.yaml": f"directory:\n{body}\n"}
    loaded = load_texts(files, catalogues())
    return [f"{each.code} {each.message}" for each in loaded.problems]


NOBODY = ["R044 `desk` takes no task without an assignee"]


def test_an_assignee_may_come_from_anywhere() -> None:
    assert said("{title: x}") == NOBODY
    assert said("{title: x, assignees: [jane]}") == []
    assert said('{title: x, assignees: "{{ body.who }}"}') == []
    assert said('{title: x, assignees: ["{{ body.who }}"]}') == []
    assert said("{title: x}", connector="fixed: {assignees: [jane]}") == []
    assert said("{title: x}", connector="defaults: {assignees: [jane]}") == []


@pytest.mark.parametrize(
    ("routing", "missing"),
    [
        ("routing: [{set: {assignees: [jane]}}]", []),
        ("routing: [{when: {contact.email: a@b.example}, set: {assignees: [jane]}}]", []),
        ("routing: [{set: {project: web}}]", []),
        ("routing: [{set: {client: acme}}]", NOBODY),
    ],
)
def test_routing_may_give_one(routing: str, missing: list[str]) -> None:
    assert said("{title: x}", f"{PEOPLE}\n{routing}") == missing


def test_null_sets_nothing() -> None:
    assert said("{title: x, assignees: null}") == NOBODY
    assert said("{title: x, labels: [null], assignees: [jane]}") == []
    assert said("{title: x, labels: null, assignees: [jane]}") == []


def test_a_person_may_be_named_by_address() -> None:
    assert said("{title: x, assignees: [Jane@Acme.example]}") == []


def test_a_name_that_is_not_listed_is_another_problem() -> None:
    assert said("{title: x, assignees: [jan]}") == ["R023 the directory lists no person `jan`"]


def test_a_kind_that_is_not_listed_has_no_ids() -> None:
    assert said("{title: x, assignees: [jane], labels: [shopify]}") == [
        "R044 the label `shopify` has no id at `desk`"
    ]


def test_nothing_is_demanded_where_nothing_goes() -> None:
    assert said("{title: x}", connector="otherwise: {drop: no}", desk=DESK) == NOBODY
    loaded = load_texts(
        {
            "shop.yaml": "connector: shop\nsource: none\nrules: [{name: a, task: {title: x}}]\n",
            "desk.yaml": DESK,
        },
        catalogues(),
    )
    assert "R044" not in [each.code for each in loaded.problems]


def test_where_a_file_is_broken_nothing_is_said_of_what_may_be_in_it() -> None:
    files = {
        "shop.yaml": "connector: shop\nsource: none\ndeliver: [desk]\n"
        "rules: [{name: a, task: {title: x, assignees: [jane]}}]\n",
        "desk.yaml": DESK,
        "names.yaml": "directory: {people: {jane: {ids: {desk: usr_1}}\n",
    }
    loaded = load_texts(files, catalogues())

    assert [each.code for each in loaded.problems] == ["R002"]


def test_rules_that_are_no_rules_are_another_problem() -> None:
    shop = "connector: shop\nsource: none\ndeliver: [desk]\nrules: [7, {name: a, task: 7}]\n"

    loaded = load_texts({"shop.yaml": shop, "desk.yaml": DESK}, catalogues())

    assert "R044" not in [each.code for each in loaded.problems]
