from __future__ import annotations

from decimal import Decimal

import pytest

from rules.compile_action import SHARED
from rules.compiled import TaskAction
from tests.support.rule_files import (
    close,
    connector,
    drop,
    problems,
    rendered,
    said_of_shop,
    task,
)

DIRECTORY = """\
directory:
  people: {jane: {email: jane@acme.example}, amir: }
  clients: {acme: , in-house: }
  projects: {acme/support: {client: acme}, anybody: }
  labels: {urgent: }
  task_types: [todo]
"""


def task_of(text: str) -> TaskAction:
    return task(connector(f"otherwise: {{task: {text}}}\n").otherwise)


def said_of_task(text: str, directory: str = DIRECTORY) -> list[str]:
    """Return what is said of the fields of a task, which start at column 20 of line 4."""
    return said_of_shop(f"otherwise: {{task: {{{text}}}}}\n", directory=directory)


def test_a_task_has_the_fields_a_rule_gives_and_the_decided_defaults() -> None:
    made = task_of('{title: "Order {{ body.id }}", priority: high, custom: {total: 19.90}}')

    assert rendered(made.fields["title"], {"id": 7}) == "Order 7"
    assert rendered(made.fields["custom"]) == {"total": Decimal("19.90")}
    assert made.fields.keys() == {"title", "priority", "custom"}
    assert (made.key, made.shared, made.version) == (None, None, None)
    assert (made.on_open, made.on_closed, made.reopen_within_s) == ("update", "new", 7 * 86_400)
    assert made.update == "unless_edited"


def test_a_task_with_a_key_may_have_policies_and_a_version() -> None:
    made = task_of(
        '{title: x, key: "{{ body.id }}", version: 3, on_open: count, on_closed: reopen, '
        "reopen_within: 2d, update: always}"
    )
    assert (rendered(made.key, {"id": "k"}), made.shared, rendered(made.version)) == ("k", None, 3)
    assert (made.on_open, made.on_closed, made.reopen_within_s) == ("count", "reopen", 172_800)
    assert made.update == "always"
    assert made.fields.keys() == {"title"}


def test_a_shared_key_is_in_the_space_of_all_connectors() -> None:
    made = task_of('{title: x, key: {shared: "order-{{ body.id }}"}}')
    assert (rendered(made.key, {"id": 7}), made.shared) == ("order-7", SHARED)


@pytest.mark.parametrize("how", ["complete", "cancel"])
def test_closing_has_a_key_a_version_and_a_note(how: str) -> None:
    shop = connector(
        f'rules:\n  - {{name: a, {how}: {{key: k, version: "{{{{ body.v }}}}", note: over}}}}\n'
        f"  - {{name: b, {how}: {{key: {{shared: k}}, reopen_within: 2d}}}}\n"
    )
    first, second = map(close, shop.rules)
    assert (first.how, rendered(first.key), first.shared) == (how, "k", None)
    assert (rendered(first.version, {"v": 5}), rendered(first.note)) == (5, "over")
    assert (second.how, second.shared, second.version, second.note) == (how, SHARED, None, None)
    assert (first.reopen_within_s, second.reopen_within_s) == (7 * 86_400, 172_800)


@pytest.mark.parametrize(("reason", "shown"), [("no order", "no order"), ("5", 5), ("0", 0)])
def test_a_drop_says_why(reason: str, shown: object) -> None:
    shop = connector(f"otherwise: {{drop: {reason}}}\n")
    assert rendered(drop(shop.otherwise).reason) == shown


@pytest.mark.parametrize(
    ("action", "lines"),
    [
        ("drop: ''", ["4:13 R012 `drop` says no reason"]),
        ("drop: '  '", ["4:13 R012 `drop` says no reason"]),
        ("drop: ", ["4:13 R012 `drop` says no reason"]),
        ("drop: true", ["4:19 R013 `drop` is no text"]),
        ("drop: [x]", ["4:19 R013 `drop` is no text"]),
        ("task: ", ["4:13 R013 `task` is empty"]),
        ("complete: ", ["4:13 R013 `complete` is empty"]),
        ("task: x", ["4:19 R013 `task` has the wrong type"]),
        ("cancel: [x]", ["4:21 R013 `cancel` has the wrong type"]),
        ("cancel: {}", ["4:13 R012 `key` is missing"]),
        ("cancel: {kye: x}", ["4:22 R011 there is no key `kye` here"]),
        ("deliver: []", ["4:13 R040 there is no action here"]),
        ("tsk: {title: x}", ["4:13 R011 there is no key `tsk` here"]),
        ("drop: x, task: {title: y}", ["4:13 R040 a second action beside `task`"]),
        (
            "drop: x, task: {title: y}, cancel: {key: z}",
            ["4:13 R040 a second action beside `task`", "4:40 R040 a second action beside `task`"],
        ),
        ("drop: x, complete: {}", [
            "4:13 R040 a second action beside `complete`",
            "4:22 R012 `key` is missing",
        ]),
    ],
)  # fmt: skip
def test_one_action_is_needed_and_its_parts(action: str, lines: list[str]) -> None:
    assert said_of_shop(f"otherwise: {{{action}}}\n") == lines


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("[a]", "4:25 R013 this is no key"),
        ("true", "4:25 R013 this is no key"),
        ("", "4:25 R015 the key is null or blank"),
        ("'  '", "4:25 R015 the key is null or blank"),
        ("a" * 513, "4:25 R015 a key has at most 512 characters"),
        ("{}", "4:25 R012 `shared` is missing"),
        ("{share: a}", "4:26 R011 there is no key `share` here"),
        ("{shared: a, other: b}", "4:37 R011 there is no key `other` here"),
        ("{shared: [a]}", "4:34 R013 this is no key"),
        ("{shared: }", "4:34 R015 the key is null or blank"),
        ('"{{ bdy.x }}"', "4:29 R061 there is no `bdy`"),
    ],
)
def test_what_is_no_key_is_a_problem_of_every_action_with_one(key: str, line: str) -> None:
    assert said_of_shop(f"otherwise: {{cancel: {{key: {key}}}}}\n")[0].endswith(line[4:])
    assert said_of_task(f"key: {key}, title: x") == [line]


@pytest.mark.parametrize(
    "policy", ["on_open: count", "on_closed: new", "reopen_within: 7d", "update: always"]
)
def test_a_policy_needs_a_key(policy: str) -> None:
    name = policy.partition(":")[0]
    assert said_of_task(f"{policy}, title: x") == [f"4:20 R042 `{name}` needs a key"]
    assert said_of_task(f"{policy}, title: x, key: k") == []


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ("priority: low", ["4:13 R041 the task has no title"]),
        ("ttile: x", ["4:20 R011 there is no key `ttile` here"]),
        ("title: ", ["4:27 R041 the title is empty"]),
        ("title: ' '", ["4:27 R041 the title is empty"]),
        ("title: 5", []),
        ("title: [x]", ["4:27 R013 `title` is no text"]),
        ("title: '{{ body.x }}'", []),
    ],
)
def test_a_task_has_a_title(fields: str, lines: list[str]) -> None:
    assert said_of_task(fields) == lines


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ("type: todo", []),
        ("type: tood", ["4:26 R023 the directory lists no task type `tood`"]),
        ("client: acme", []),
        ("client: acne", ["4:28 R023 the directory lists no client `acne`"]),
        ("project: x", ["4:29 R023 the directory lists no project `x`"]),
        ("assignees: [jane, Jane@acme.example]", []),
        ("assignees: [jane, june]", ["4:38 R023 the directory lists no person `june`"]),
        ("followers: [june]", ["4:32 R023 the directory lists no person `june`"]),
        ("labels: [urgent, urgnt]", ["4:37 R023 the directory lists no label `urgnt`"]),
        ("labels: [true]", ["4:28 R013 `labels` is no list of names"]),
        ("labels: ['{{ body.x }}', x]", ["4:45 R023 the directory lists no label `x`"]),
        ("labels: '{{ body.x }}'", []),
        ("labels: ", []),
        ("labels: [~]", []),
        ("priority: High", ["4:30 R014 `priority` is not one of the choices"]),
        ("timezone: Mars/Base", ["4:30 R015 'Mars/Base' is not a time zone"]),
        ("timezone: '{{ body.x }}'", []),
        ("due: 2026-11-24", []),
        ("due: 2026-11-24 17:00", []),
        ("due: 2026-13-24", ["4:25 R015 `due`: there is no such date"]),
        ("due: '{{ body.x }}'", []),
        ("due: +1 business day 17:00", []),
        ("due: '+{{ body.n }} days'", []),
        ("due: +1 bussiness day", ["4:25 R015 `due` cannot be read"]),
        ("due: +1 month", ["4:25 R015 `due`: there are no months"]),
        ("due: +2h 17:00", ["4:25 R015 `due`: hours count from the event and take no time beside them"]),
        ("due: +30m 9:00", ["4:25 R015 `due`: minutes count from the event and take no time beside them"]),
        ("due: +0 business days", ["4:25 R015 `due`: business days count from 1"]),
        ("due: +4000d", ["4:25 R015 `due`: that is more than ten years ahead"]),
        ("due_at: next mondy", ["4:28 R015 `due_at` cannot be read"]),
        ("due_date: tomorrow", ["4:30 R015 `due_date` cannot be read"]),
        ("start: +2h", []),
        ("start_at: next Friday 9:00", []),
        ("start: +2d 9", ["4:27 R015 `start` cannot be read"]),
        ("due: '{{ bdy.x }}'", ["4:29 R061 there is no `bdy`"]),
        ("due_date: 2026-11-24, due_time: 17:00", []),
        ("due_time: 17:00, due_date: 2026-11-24", []),
        ("due_date: 2026-11-24, due_time: 25:00", ["4:52 R015 `due_time`: there is no such time"]),
        ("due_date: '{{ body.x }}', due_time: 25:00", []),
        ("due_date: soon, due_time: 17:00", ["4:30 R015 `due_date` cannot be read"]),
        ("due_time: 17:00", ["4:20 R043 `due_time` needs `due_date`"]),
        ("due: 2026-11-24, due_at: 2026-11-24", ["4:37 R043 `due_at` and `due` exclude each other"]),
        (
            "due_date: 2026-11-24, due: 2026-11-24",
            ["4:42 R043 `due` and `due_date` exclude each other"],
        ),
        ("start: 2026-11-24, start_at: 2026-11-24", ["4:39 R043 `start_at` and `start` exclude each other"]),
        ("duration_minutes: 0", ["4:38 R015 `duration_minutes` is too short"]),
        ("duration_minutes: 1", []),
        ("duration_minutes: 1000001", ["4:38 R015 `duration_minutes` is too long"]),
        ("links: [x]", ["4:27 R013 `links`: a link is a mapping of object and id"]),
    ],
)  # fmt: skip
def test_what_no_event_can_change_is_checked(fields: str, lines: list[str]) -> None:
    assert said_of_task(f"{fields}, title: x") == lines


@pytest.mark.parametrize(
    ("client", "line"),
    [
        ("acme", None),
        ("in-house", "4:51 R025 the project `acme/support` belongs to `acme`"),
        ("'{{ body.x }}'", None),
        ("", None),
    ],
)
def test_a_client_beside_a_project_is_the_projects(client: str, line: str | None) -> None:
    lines = [] if line is None else [line]
    assert said_of_task(f"project: acme/support, client: {client}, title: x") == lines


def test_a_project_of_nobody_takes_any_client() -> None:
    assert said_of_task("project: anybody, client: acme, title: x") == []


@pytest.mark.parametrize(
    ("fixed", "field", "line"),
    [
        ("labels: [urgent]", "labels: [urgent]", "`labels` is fixed by the connector"),
        ("due: 2026-11-24", "due_at: 2026-11-24", "`due_at` is fixed by the connector"),
        ("due_date: 2026-11-24", "due: 2026-11-24", "`due` is fixed by the connector"),
        ("start: 2026-11-24", "start_at: 2026-11-24", "`start_at` is fixed by the connector"),
    ],
)
def test_what_the_connector_fixes_no_rule_sets_in_any_form(
    fixed: str, field: str, line: str
) -> None:
    def said_of(given: str) -> list[str]:
        text = f"fixed: {{{fixed}}}\notherwise: {{task: {{{given}, title: x}}}}\n"
        return said_of_shop(text, directory=DIRECTORY)

    assert said_of(field) == [f"5:20 R043 {line}"]
    assert said_of("priority: low") == []


def test_fields_are_checked_in_the_zone_of_the_connector() -> None:
    text = (
        "defaults: {timezone: Europe/London}\notherwise: {task: {title: x, due: 2026-03-29 01:30}}"
    )
    assert said_of_shop(text) == []


def test_destinations_that_are_not_there_are_told_with_those_that_are() -> None:
    crm = "destinations:\n  main: {type: crm, token: main_token}\n"
    text = "connector: shop\nsource: none\ndedupe: off\ndeliver: [mian]\n"

    (problem,) = problems(text, z=crm)
    assert (problem.expected, problem.hint) == ("main", "did you mean `main`?")
    (problem,) = problems(text)
    assert (problem.expected, problem.hint) == ("none is defined", None)
    (problem,) = problems(text.replace("mian", "x" * 150))
    assert len(problem.message) < 130


def test_while_destinations_cannot_be_read_none_is_called_unknown() -> None:
    assert said_of_shop("deliver: [main]\n", z="destinations: [\n") == [
        "z.yaml:2:1 R002 a value is missing here"
    ]
