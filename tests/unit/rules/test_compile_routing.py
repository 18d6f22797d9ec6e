from __future__ import annotations

from typing import Any

import pytest

from tests.support.rule_files import rule_set, said

LISTS = "people: {jane: {email: jane@acme.example}}, clients: {acme: , other: }, projects: {p: {client: acme, assignees: [jane]}}"


def unrouted(routing: str, **others: str) -> Any:
    found = rule_set(f"directory: {{{LISTS}, routing: {routing}}}", **others)
    return found.directory.routing.infer({}, None, [])


@pytest.mark.parametrize(
    ("routing", "fields"),
    [
        ("[]", {}),
        ("[{set: {assignees: [jane]}}]", {"assignees": ["jane"]}),
        ("[{set: {assignees: [Jane@acme.example]}}]", {"assignees": ["jane"]}),
        ("[{set: {assignees: [jane, JANE@acme.example]}}]", {"assignees": ["jane"]}),
        ("[{set: {assignees: []}}]", {"assignees": []}),
        ("[{set: {client: , project: , assignees: }}, {set: {client: acme}}]", {}),
        ("[{set: {}}, {set: {client: acme}}]", {}),
        ("[{set: {project: p}}]", {"project": "p", "client": "acme", "assignees": ["jane"]}),
        (
            "[{set: {project: p, assignees: []}}]",
            {"project": "p", "client": "acme", "assignees": []},
        ),
        ("[{when: {contact.email: x}, set: {client: acme}}]", {}),
        (
            "[{when: {contact.email: {ends_with: x}}, set: {client: acme}}, {set: {project: p}}]",
            {"project": "p", "client": "acme", "assignees": ["jane"]},
        ),
        (
            "[{when: {contact.email: {exists: false}}, set: {client: acme}}, {set: {}}]",
            {"client": "acme"},
        ),
        ("[{when: {not: {contact.email: x}}, set: {client: acme}}]", {"client": "acme"}),
    ],
)
def test_a_task_without_a_contact_gets_what_the_first_entry_that_matches_sets(
    routing: str, fields: dict[str, Any]
) -> None:
    assert unrouted(routing) == fields


def test_entries_are_asked_in_the_order_of_the_files() -> None:
    second = "directory: {routing: [{set: {client: acme}}]}"
    assert unrouted("[{set: {assignees: [jane]}}]", b=second) == {"assignees": ["jane"]}
    assert unrouted("[]", b=second) == {"client": "acme"}


@pytest.mark.parametrize(
    ("routing", "problem"),
    [
        ("{}", "R013 `routing` has the wrong type"),
        ("[{when: {contact.email: x}}]", "R012 `set` is missing"),
        ("[{set: }]", "R013 `set` has the wrong type"),
        ("[{set: {label: x}}]", "R011 there is no key `label` here"),
        ("[{set: {client: acne}}]", "R023 the directory lists no client `acne`"),
        ("[{set: {project: q}}]", "R023 the directory lists no project `q`"),
        ("[{set: {assignees: [jane, june]}}]", "R023 the directory lists no person `june`"),
        ("[{set: {client: []}}]", "R013 a name is a text"),
        ("[{set: {assignees: june}}]", "R013 `assignees` has the wrong type"),
        ("[{when: {body.x: 1}, set: {}}]", "R051 there is no `body`"),
        ("[{when: {contact.emial: x}, set: {}}]", "R051 there is no `contact.emial`"),
        ("[{when: {contact.id: x}, set: {}}]", "R051 there is no `contact.id`"),
        ("[{when: {}, set: {}}]", "R054 the condition is empty"),
        (
            "[{set: {client: other, project: p}}]",
            "R025 the project `p` belongs to `acme`",
        ),
    ],
)
def test_an_entry_that_cannot_work_is_a_problem(routing: str, problem: str) -> None:
    found = said(f"directory: {{{LISTS}, routing: {routing}}}")
    assert [line.partition(" ")[2] for line in found][-1] == problem
    assert len(found) == 1


def test_later_entries_are_checked_too() -> None:
    found = said(f"directory: {{{LISTS}, routing: [{{set: {{}}}}, {{set: {{client: acne}}}}]}}")
    assert [line.split()[1] for line in found] == ["R023"]
