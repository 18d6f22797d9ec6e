"""The example payload of a task endpoint makes a task as it is, whatever the connector accepts."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import OpenTask
from rules.plan import decide
from tests.support.rule_files import rule_set
from tests.support.rule_parts import event

HEAD = "connector: shop\nsource: task\nsecrets: [shop_key]\ndedupe: off\n"
DIRECTORY = """\
directory:
  people: {jane: {name: Jane Roe, email: jane@acme.example}, amir: }
  clients: {acme: , beta: }
  projects: {acme/support: {client: acme}, beta/support: {client: beta}}
  labels: {building: , urgent: }
  task_types: [todo, call]
"""


def sample(text: str, *, directory: bool = True) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the sample of a connector, and the fields of the task that it makes."""
    rules = rule_set(HEAD + text, **({"directory": DIRECTORY} if directory else {}))
    found = rules.intakes["shop"]["sample"]
    (verdict,) = decide(rules.connectors["shop"], event(found["body"])).verdicts
    assert isinstance(verdict.action, OpenTask), verdict
    return found, dict(verdict.action.fields)


def test_it_holds_names_of_the_directory_and_lists_what_else_may_be_said() -> None:
    found, fields = sample("")

    assert fields["project"] == "acme/support"
    assert found["body"]["assignees"] == ["amir"]
    assert found["choices"] == {
        "priority": ["low", "medium", "high"],
        "type": ["call", "todo"],
        "assignees": ["amir", "jane"],
        "labels": ["building", "urgent"],
        "client": ["acme", "beta"],
        "project": ["acme/support", "beta/support"],
    }


def test_without_a_directory_it_names_nobody() -> None:
    found, _ = sample("", directory=False)

    assert set(found["body"]) == {"title", "description", "priority", "due", "contact"}
    assert set(found["choices"]) == {"priority"}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("fixed: {due_date: 2026-11-24}\n", {"due"}),
        ("fixed: {priority: low, labels: [urgent], assignees: [jane]}\n", {"priority", "labels"}),
        ("fixed: {client: beta}\n", {"client", "project"}),
        ("defaults: {client: beta}\n", {"project"}),
        ("fixed: {project: beta/support}\n", {"project", "client"}),
        ("contact: {email: desk@acme.example}\n", {"contact"}),
    ],
)
def test_it_leaves_out_what_the_connector_decides(text: str, missing: set[str]) -> None:
    found, _ = sample(text)

    assert missing.isdisjoint(found["body"])


def test_where_only_known_ones_are_let_in_it_is_from_somebody_known() -> None:
    found, _ = sample('contact: {email: "{{ body.contact.email }}", unknown: reject}\n')

    assert found["body"]["contact"] == {"email": "jane@acme.example", "name": "Jane Roe"}


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (["phone"], {"name", "phone"}),
        (["external_id", "name"], {"name", "external_id"}),
        (["email", "phone"], {"name", "email", "phone"}),
    ],
)
def test_it_says_of_the_contact_what_the_connector_asks_for(
    parts: list[str], shown: set[str]
) -> None:
    asked = ", ".join(f'{part}: "{{{{ body.contact.{part} }}}}"' for part in parts)
    found, _ = sample(f"contact: {{{asked}}}\n")

    assert set(found["body"]["contact"]) == shown
    assert set(sample("")[0]["body"]["contact"]) == {"email", "name"}


def test_a_directory_of_thousands_is_not_repeated_whole() -> None:
    labels = ", ".join(f"l{number:04}: " for number in range(5000))
    rules = rule_set(HEAD, directory=f"directory: {{labels: {{{labels}}}}}\n")

    found = rules.intakes["shop"]["sample"]
    assert len(found["choices"]["labels"]) == 12
    assert found["more"] == {"labels": 4988}


def test_other_connectors_have_none() -> None:
    rules = rule_set("connector: shop\nsource: none\ndedupe: off\notherwise: {drop: x}\n")

    assert "sample" not in rules.intakes["shop"]
