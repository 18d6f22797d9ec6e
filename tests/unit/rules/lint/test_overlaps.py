from __future__ import annotations

import pytest

from tests.support.linting import of_rules, said

KEY = "order-{{ body.id }}"
TOGETHER = [
    ("{event: a}", "{event: a, body.x: 5}", '`event` is "a" and `body.x` is 5'),
    ("{event: a}", "{event: {in: [a, b]}}", '`event` is "a"'),
    ("{body.x: {gte: 5}}", "{body.x: {gt: 5}}", "`body.x` is 6"),
    ("{body.x: {lte: 5}}", "{body.x: {lt: 5}}", "`body.x` is 4"),
    ("{body.x: {gt: 5, type: string}}", "{body.y: 1}", '`body.x` is "6" and `body.y` is 1'),
    (
        "{body.x: {gt: '2026-01-01T00:00:00Z'}}",
        "{body.x: {gte: '2026-01-01T00:00:00Z'}}",
        '`body.x` is "2026-01-01T00:00:01Z"',
    ),
    (
        "{body.x: {lt: '9999-12-31T23:59:59Z'}}",
        "{body.x: {lte: '9999-12-31T23:59:59Z'}}",
        '`body.x` is "9999-12-31T23:59:58Z"',
    ),
    ("{body.x: {ne: a}}", "{body.x: {not_in: [b]}}", '`body.x` is "x"'),
    ("{body.x: {starts_with: a}}", "{body.x: {ends_with: b}}", '`body.x` is "ab"'),
    ("{body.x: {starts_with: a, ne: a}}", "{body.y: {exists: true}}", None),
    ("{body.x: {has: a}}", "{body.x: {has: b}}", '`body.x` is ["a", "b"]'),
    ("{body.x: {has_all: [a, 5]}}", "{body.x: {has: a}}", '`body.x` is ["a", 5]'),
    ("{body.x: {has_any: [a]}}", "{body.x: {type: array}}", '`body.x` is ["a"]'),
    ("{body.x: {cidr: 10.0.0.0/8}}", "{body.x: {cidr: [10.0.0.0/16]}}", '`body.x` is "10.0.0.0"'),
    ("{body.x: {between_times: ['09:00', '10:00']}}", "{event: a}", None),
    ("{body.x: {type: object}}", "{body.x.y: {exists: true}}", None),
    (
        "{body.x: {exists: false}}",
        "{body.y: {type: null}}",
        "`body.x` is not there and `body.y` is null",
    ),
    ("{'body.x[1].y': a}", "{'body.x[-1].z': b}", None),
    ("{headers.X-A: a}", "{query.b: c}", '`headers.x-a` is "a" and `query.b` is "c"'),
    ("{headers.x-a: {gt: 5}}", "{event.delivery_id: {exists: true}}", None),
    ("{body: {type: object}}", "{body.x: 5}", None),
    ("{body: 5}", "{event: a}", '`body` is 5 and `event` is "a"'),
    ("{any: [{event: a}, {event: b}]}", "{event: b}", '`event` is "b"'),
    ("{not: {event: a}}", "{event: {exists: false}}", "`event` is not there"),
    ("{body.x: 5}", "{all: [body.x > 4, {body.x: 5}]}", "`body.x` is 5"),
    ("{vars.x: 5}", "{all: [{vars.x: 5}, {body.x: 5}]}", "`vars.x` is 5 and `body.x` is 5"),
    ("{body.a: 1, body.b: 2, body.c: 3}", "{body.d: 4, body.e: 5}", None),
]
APART = [
    ("{event: a}", "{event: b}"),
    ("{event: a}", "{not: {event: a}}"),
    ("{body.x: {gte: 500}}", "{body.x: {lt: 500}}"),
    ("{vars.x: {gte: 500}}", "{vars.x: {lt: 500}}"),
    # Nothing comes to mind that both match, so nothing is said.
    ("{body.x: {matches: '^a$'}}", "{body.x: {matches: '^b$'}}"),
    ("body.x > 4", "body.x < 5"),
    ("{vars.x: 5}", "{body.y: 1}"),
    ("{body.x: a}", "{body.x.y: a}"),
    ("{'body.x[0]': a}", "{body.x.y: a}"),
    ("{'body.x[500]': a}", "{event: a}"),
    ("{'body.x[0]': a}", "{'body.x[0].y': a}"),
    ("{event.source: a}", "{event: a}"),
    ("{'body.x[0]': a, 'body.x[-1]': b}", "{event: a}"),
]


def reported(first: str, second: str, **given: str) -> list[str]:
    rules = f"""\
        - {{name: one, {given.get("one", "")}when: {first}, task: {{key: "{KEY}", title: x}}}}
        - {{name: two, {given.get("two", "")}when: {second}, task: {{key: "{KEY}", title: y}}}}
    """
    head = f"vars: {{x: '{{{{ body.x }}}}'}}\n{given.get('head', '')}"
    problems = of_rules(rules, "R072", head)
    return [f"{one.found}" for one in problems]


@pytest.mark.parametrize(("first", "second", "where"), TOGETHER)
def test_rules_that_can_match_one_event_are_reported_with_the_event(
    first: str, second: str, where: str | None
) -> None:
    (found,) = reported(first, second)
    assert found.startswith("both match where ")
    assert where is None or found == f"both match where {where}"


@pytest.mark.parametrize(("first", "second"), APART)
def test_rules_that_exclude_each_other_or_may_are_not(first: str, second: str) -> None:
    assert reported(first, second) == []


def test_rules_without_conditions_match_anything() -> None:
    rules = f"""\
        - {{name: one, task: {{key: "{KEY}", title: x}}}}
        - {{name: two, task: {{key: "{KEY}", title: y}}}}
        - {{name: three, task: {{key: "{KEY}", title: z}}}}
    """
    (problem, other) = of_rules(rules, "R072")
    assert problem.found == "both match where anything is sent"
    assert said([problem, other]) == [
        "6:29 the rules `one` (line 5) and `two` can match one event, and their tasks have one key",
        "7:31 the rules `one` (line 5) and `three` can match one event, and their tasks have one key",
    ]


@pytest.mark.parametrize(
    ("second", "count"),
    [
        ('key: "order-{{ body.id }}", title: y', 1),
        ('key: "order-{{ body.id }}", title: y, on_open: update', 1),
        ('key: "order-{{ body.id }}", title: y, on_open: count', 0),
        ('key: "order-{{ body.id }}", title: y, on_open: ignore', 0),
        ('key: "order-{{ body.id }}", title: x, priority: high', 0),
        ('key: "other-{{ body.id }}", title: y', 0),
        ('key: {shared: "order-{{ body.id }}"}, title: y', 0),
        ("title: y", 0),
    ],
)
def test_only_another_title_for_the_task_of_the_same_key_is_reported(
    second: str, count: int
) -> None:
    rules = f"""\
        - {{name: one, when: {{event: a}}, task: {{key: "{KEY}", title: x}}}}
        - {{name: two, when: {{event: a}}, task: {{{second}}}}}
    """
    assert len(of_rules(rules, "R072")) == count


@pytest.mark.parametrize("action", ["complete", "cancel"])
def test_what_closes_a_task_is_no_second_one(action: str) -> None:
    rules = f"""\
        - {{name: one, when: {{event: a}}, task: {{key: "{KEY}", title: x}}}}
        - {{name: two, when: {{event: a}}, {action}: {{key: "{KEY}"}}}}
    """
    assert of_rules(rules, "R072") == []


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"one": "mode: shadow, "}, 0),
        ({"two": "mode: off, "}, 0),
        ({"head": "match: first\n"}, 0),
        ({"one": "for_each: body.a, ", "two": "for_each: body.a, "}, 1),
        ({"one": "for_each: body.a, ", "two": "for_each: body.b, "}, 0),
        ({"one": "for_each: body.a, "}, 0),
        ({"one": "for_each: query, ", "two": "for_each: query, "}, 0),
    ],
)
def test_both_have_to_act_for_the_same_event_and_item(given: dict[str, str], count: int) -> None:
    assert len(reported("{event: a}", "{event: a}", **given)) == count


def test_items_are_made_up_too() -> None:
    both = {"one": "for_each: body.a, ", "two": "for_each: body.a, "}
    assert reported("{item.status: firing}", "{item.x: {gte: 5}, event: a}", **both) == [
        'both match where `item.status` is "firing" and `item.x` is 5 and `event` is "a"'
    ]
    assert reported("{body.a: 5}", "{item.x: 1}", **both) == []


def test_of_many_pairs_only_so_many_are_asked() -> None:
    rules = "".join(
        f"- {{name: r{n}, when: {{body.x: {{gte: {n}, lt: {n + 1}}}}}, "
        f'task: {{key: "{KEY}", title: t{n}}}}}\n'
        for n in range(200)
    )
    rules += f'- {{name: last, when: {{body.x: 199}}, task: {{key: "{KEY}", title: t}}}}\n'
    assert of_rules(rules, "R072") == []
