from __future__ import annotations

import pytest

from tests.support.rule_files import said_of_shop

DIRECTORY = """\
directory:
  people: {jane: {email: jane@acme.example}, amir: }
  clients: {acme: }
  projects: {support: }
  labels: {urgent: }
  task_types: [todo]
"""


def said(field: str) -> list[str]:
    """Return what is said of a field of a task, its column counted from the field's value."""
    rule = f"rules:\n- name: one\n  task:\n    title: x\n    {field}\n"
    lines = said_of_shop(rule, d=DIRECTORY)
    start = 5 + len(field.partition(": ")[0]) + 2
    return [
        f"{int(place.split(':')[1]) - start} {words}"
        for place, _, words in (line.partition(" ") for line in lines)
        if place.startswith("8:")
    ]


RIGHT = [
    "assignees: \"{{ ['jane', 'amir'] if body.x else none }}\"",
    "assignees: [\"{{ 'jane' if body.x else 'Jane@acme.example' }}\", \"{{ body.y }}\"]",
    "assignees: \"{{ body.x | default(['jane']) }}\"",
    'assignees: "{{ body.x | default(none) }}"',
    "client: \"{{ 'acme' if body.x }}\"",
    "client: \"{{ body.x | lookup({'a': 'acme'}) | default('acme') }}\"",
    "client: \"{{ body.x | lookup({'a': ''}) | default('acme', true) }}\"",
    'client: "{{ body.x | lookup(body.table) }}"',
    "client: \"{{ 'acme' | default('other') }}\"",
    "client: \"{{ 'acme' or 'other' }}\"",
    "client: \"{{ body.x and 'other' }}\"",
    "client: \"{{ 'ac' ~ 'me' }}\"",
    "client: \"{{ 'ACME' | lower }}\"",
    "client: \"{{ 'ac' }}{{ 'me' }}\"",
    'client: "{% if body.x %}acme{% endif %}"',
    "client: \"{{ true if body.x else 'acme' }}\"",
    "priority: \"{{ 'high' if body.x else none }}\"",
    "duration_minutes: \"{{ 30 if body.x else '45' }}\"",
    "timezone: \"{{ 'UTC' if body.x else 'Europe/London' }}\"",
    "description: \"{{ 'x' if body.x else 5 }}\"",
    "due_date: \"{{ body.x or '2026-11-24' }}\"",
    "due: \" {{ body.x or '2026-11-24' }} \"",
    "links: \"{{ [] if body.x else ['a'] }}\"",
]
WRONG = [
    (
        "assignees: \"{{ ['jane', 'amri'] if body.x else none }}\"",
        ["14 R023 the directory lists no person `amri`"],
    ),
    (
        "assignees: [\"{{ 'jan' if body.x else 'eve' }}\"]",
        [
            "6 R023 the directory lists no person `jan`",
            "27 R023 the directory lists no person `eve`",
        ],
    ),
    (
        "followers: \"{{ body.x | default('jane') }}\"",
        ["22 R013 `followers` takes a list"],
    ),
    (
        "client: \"{{ body.x | lookup({'a': 'acme', 'b': 'acm'}, 'other') }}\"",
        [
            "40 R023 the directory lists no client `acm`",
            "48 R023 the directory lists no client `other`",
        ],
    ),
    ("client: \"{{ (body.x or 'acm') | d('acme') }}\"", ["16 R023 the directory lists no client `acm`"]),
    ('client: "{{ body.x.y or 5 }}"', ["16 R023 the directory lists no client `5`"]),
    ("type: \" {{ 'call' if body.x else 'todo' }} \"", ["6 R023 the directory lists no task type `call`"]),
    ("client: \"{{ ['acme'] }}\"", ["6 R013 `client` takes no list here"]),
    ("labels: [\"{{ ['urgent'] }}\"]", ["7 R013 `labels` takes no list here"]),
    ("priority: \"{{ 'urgent' if body.x else 'low' }}\"", ["5 R014 `priority` is not one of the choices"]),
    (
        "custom: \"{{ body.x or 'long' }}\"",
        ["15 R013 custom takes a mapping"],
    ),
    ("timezone: \"{{ 'Mars' if body.x else 'UTC' }}\"", ["5 R015 'Mars' is not a time zone"]),
    ("due_date: \"{{ body.x or '2026-13-24' }}\"", ["15 R015 there is no such date"]),
]  # fmt: skip


@pytest.mark.parametrize("field", RIGHT)
def test_values_that_a_field_may_have_are_fine(field: str) -> None:
    assert said(field) == []


@pytest.mark.parametrize(("field", "lines"), WRONG)
def test_values_that_a_template_has_for_certain_are_checked_at_their_places(
    field: str, lines: list[str]
) -> None:
    assert said(field) == lines


def test_a_template_with_a_problem_of_its_own_has_that_only() -> None:
    assert said("client: \"{{ 'acm' | uppr }}\"") == ["12 R062 there is no filter `uppr`"]


def test_fixed_and_default_fields_are_checked_too() -> None:
    text = """\
fixed: {client: "{{ 'acm' if body.x }}"}
defaults: {priority: "{{ body.x or 'High' }}"}
"""
    assert said_of_shop(text, d=DIRECTORY) == [
        "4:22 R023 the directory lists no client `acm`",
        "5:37 R014 `priority` is not one of the choices",
    ]
