"""What a new task gets from the directory: its project, its contact's domain, the routing (N5-N7)."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Contact, Reason
from rules.routing import Routing
from tests.support.rule_files import rule_set

DIRECTORY = """\
directory:
  people: {jane: , amir: }
  clients:
    acme: {domains: [acme.example, ACME.Test]}
    beta: {domains: [beta.example]}
    in-house:
  projects:
    acme/support: {client: acme, assignees: [jane]}
    beta/support: {client: beta}
    inbox: {assignees: [amir]}
  routing:
"""
JANE = Contact("Jane@ACME.example", "Jane Roe")


def routing(*entries: str) -> Routing:
    lines = "".join(f"    - {entry}\n" for entry in entries) or "    []\n"
    return rule_set(DIRECTORY + lines).directory.routing


def inferred(
    of: Routing, contact: Contact | None = JANE, **given: Any
) -> tuple[dict[str, Any], list[Reason]]:
    notes: list[Reason] = []
    return of.infer(given, contact, notes), notes


def fields(of: Routing, contact: Contact | None = JANE, **given: Any) -> dict[str, Any]:
    found, notes = inferred(of, contact, **given)
    assert notes == []
    return found


def test_a_project_brings_its_client_and_its_people() -> None:
    none = routing()
    assert fields(none, None, project="acme/support") == {"client": "acme", "assignees": ["jane"]}
    assert fields(none, None, project="acme/support", assignees=[]) == {"client": "acme"}
    assert fields(none, None, project="gone") == {}
    assert fields(none, None) == {}


@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("x@acme.example", {"client": "acme"}),
        ("x@Acme.Example", {"client": "acme"}),
        ("x@acme.test", {"client": "acme"}),
        ("x@mail.acme.example", {}),
        ("x@acme.example.test", {}),
        ("acme.example@other.test", {}),
    ],
)
def test_the_domain_of_the_contact_sets_the_client_if_it_is_exactly_the_clients(
    email: str, found: dict[str, Any]
) -> None:
    assert fields(routing(), Contact(email)) == found


def test_a_client_that_is_given_or_comes_with_the_project_is_not_the_domains() -> None:
    assert fields(routing(), client="in-house") == {}
    assert fields(routing(), project="beta/support") == {"client": "beta"}


def test_the_first_entry_that_matches_sets_what_nothing_else_has_set() -> None:
    of = routing(
        "{when: {contact.email: {ends_with: '@acme.example'}}, set: {assignees: [amir]}}",
        "{set: {client: in-house, project: inbox, assignees: [jane]}}",
    )
    assert fields(of) == {"client": "acme", "assignees": ["amir"]}
    assert fields(of, Contact("x@other.example")) == {
        "client": "in-house",
        "project": "inbox",
        "assignees": ["jane"],
    }
    assert fields(of, None, assignees=[], client="beta") == {"project": "inbox"}
    assert fields(of, None, assignees=["amir"], client="beta", project="inbox") == {}


@pytest.mark.parametrize(
    "condition",
    [
        "{contact.email: JANE@acme.example}",
        "{contact.email: {in: [x@y.example, Jane@Acme.Example]}}",
        "{contact.email: {starts_with: JANE}}",
        "{contact.email: {ends_with: '@Acme.EXAMPLE'}}",
        "{contact.email: {has: ACME}}",
        "{contact.email: {matches: '^JANE@\\S+$'}}",
        "{contact.name: {starts_with: Jane}}",
        "{any: [{contact.email: {exists: false}}, {contact.name: Jane Roe}]}",
        "contact.name == 'Jane Roe'",
    ],
)
def test_conditions_are_about_the_contact_and_take_addresses_in_any_case(condition: str) -> None:
    of = routing(f"{{when: {condition}, set: {{project: inbox}}}}")
    assert fields(of) == {"client": "acme", "project": "inbox", "assignees": ["amir"]}
    assert fields(of, Contact("x@y.test", "X")) == {}


def test_a_name_keeps_its_case() -> None:
    of = routing("{when: {contact.name: jane roe}, set: {project: inbox}}")
    assert fields(of) == {"client": "acme"}


def test_of_a_contact_that_is_not_there_nothing_matches_but_what_asks_for_that() -> None:
    of = routing(
        "{when: {contact.email: {ne: x@y.test}}, set: {project: inbox}}",
        "{when: {contact.name: {exists: true}}, set: {project: inbox}}",
        "{when: {contact.email: {exists: false}}, set: {client: beta}}",
    )
    assert fields(of, None) == {"client": "beta"}
    assert fields(of, Contact("a@b.test", None))["project"] == "inbox"


def test_a_project_of_the_routing_brings_its_own_too() -> None:
    of = routing("{set: {project: acme/support}}")
    assert fields(of, None) == {"project": "acme/support", "client": "acme", "assignees": ["jane"]}
    assert fields(of, None, client="acme", assignees=["amir"]) == {"project": "acme/support"}


def test_a_project_of_another_client_is_left_out_and_noted() -> None:
    of = routing("{set: {project: beta/support, assignees: [amir]}}")

    found, notes = inferred(of)

    assert found == {"client": "acme", "assignees": ["amir"]}
    (note,) = notes
    assert note.code == "routing"
    assert note.message == (
        "the project beta/support was left out: it is beta's, the task is acme's"
    )
    assert note.at == "a.yaml:12:7"


def test_an_entry_that_is_undecided_does_not_match_and_is_noted() -> None:
    of = routing(
        "{when: {contact.name: {gte: 5}}, set: {project: inbox}}",
        "{when: contact.name | length, set: {project: inbox}}",
        "{set: {assignees: [amir]}}",
    )

    found, notes = inferred(of)

    assert found == {"client": "acme", "assignees": ["amir"]}
    assert [(note.code, note.at) for note in notes] == [
        ("routing", "a.yaml:12:7"),
        ("routing", "a.yaml:13:7"),
    ]
    assert notes[0].message == (
        "an entry of `routing` is undecided: contact.name gte: gte needs a number, "
        "a text that spells one, or a date and time of RFC 3339, found a string"
    )
    assert notes[1].message.endswith("an expression has to be true or false, found a number")


def test_no_entry_is_asked_where_nothing_is_missing() -> None:
    of = routing("{when: {contact.name: {gte: 5}}, set: {project: inbox}}")
    assert fields(of, client="acme", project="acme/support", assignees=["jane"]) == {}


def test_without_a_directory_nothing_is_inferred() -> None:
    assert not Routing().says_anything
    assert routing().says_anything
