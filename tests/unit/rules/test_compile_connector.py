from __future__ import annotations

from textwrap import dedent

import pytest

from tests.support.rule_files import connector, drop, problems, rendered, said_of_shop, task

DIRECTORY = "directory: {timezone: Asia/Tokyo, labels: {shopify: }}\n"


def test_a_connector_is_compiled_with_everything_it_says() -> None:
    shop = connector(
        """\
        match: first
        vars: {total: "{{ body.total | number }}", twice: "{{ vars.total * 2 }}"}
        fixed: {priority: low}
        defaults: {description: as usual}
        rules:
          - name: big
            description: for people
            mode: shadow
            for_each: body.items
            when: {item.n: 5}
            drop: "{{ item.n }} of {{ vars.twice }}"
          - name: all
            task: {title: x}
        otherwise: {drop: nothing to do}
        """
    )

    assert (shop.name, shop.at, shop.source, shop.match) == ("shop", "a.yaml:1", "none", "first")
    assert [(rule.name, rule.at, rule.mode) for rule in shop.rules] == [
        ("big", "a.yaml:9", "shadow"),
        ("all", "a.yaml:15", "live"),
    ]
    assert shop.rules[0].for_each is not None
    assert shop.rules[0].for_each.text == "body.items"
    assert shop.rules[0].when is not None
    assert shop.rules[1].when is None
    assert set(shop.vars) == {"total", "twice"}
    assert rendered(shop.fixed["priority"]) == "low"
    assert rendered(shop.defaults["description"]) == "as usual"
    assert shop.otherwise is not None
    assert (shop.otherwise.name, shop.otherwise.at) == ("otherwise", "a.yaml:17")
    assert rendered(drop(shop.otherwise).reason) == "nothing to do"
    assert task(shop.rules[1]).fields.keys() == {"title"}


def test_a_connector_may_say_next_to_nothing() -> None:
    shop = connector("")
    assert (shop.rules, shop.otherwise, shop.deliver, shop.match) == ((), None, (), "all")


@pytest.mark.parametrize(
    ("text", "directory", "zone"),
    [
        ("", "directory: {}", "UTC"),
        ("", DIRECTORY, "Asia/Tokyo"),
        ("defaults: {timezone: Europe/London}", DIRECTORY, "Europe/London"),
        ("fixed: {timezone: Europe/Paris}", DIRECTORY, "Europe/Paris"),
        ('defaults: {timezone: "{{ body.zone }}"}', DIRECTORY, "Asia/Tokyo"),
        ("defaults: {timezone: }", DIRECTORY, "Asia/Tokyo"),
    ],
)
def test_the_zone_of_tasks_is_that_of_the_connector_else_of_the_directory(
    text: str, directory: str, zone: str
) -> None:
    assert connector(text, directory=directory).timezone == zone


def test_a_zone_that_is_none_is_said_once() -> None:
    assert said_of_shop("defaults: {timezone: Mars/Base}") == [
        "4:22 R015 'Mars/Base' is not a time zone"
    ]


def test_destinations_of_a_rule_stand_in_place_of_those_of_the_connector() -> None:
    shop = connector(
        """\
        deliver: [main, main, backup]
        rules:
          - {name: a, drop: x}
          - {name: b, drop: x, deliver: []}
          - {name: c, drop: x, deliver: [backup]}
          - {name: d, drop: x, deliver: }
        otherwise: {drop: x, deliver: [main]}
        """,
        destinations="""\
        destinations:
          main: {type: crm, token: main_token}
          backup: {type: crm, token: backup_token}
        """,
    )
    assert shop.deliver == ("main", "backup")
    assert [rule.deliver for rule in shop.rules] == [None, (), ("backup",), None]
    assert shop.otherwise is not None
    assert shop.otherwise.deliver == ("main",)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("deliver: [main]", ["4:11 R023 there is no destination `main`"]),
        ("otherwise: {drop: x, deliver: [main]}", ["4:32 R023 there is no destination `main`"]),
        ("deliver: [5]", ["4:11 R013 a name is a text"]),
        ("deliver: ['']", ["4:11 R015 this is no name"]),
        ("deliver: main", ["4:10 R013 `deliver` has the wrong type"]),
        ("vars: {2x: 1}", ["4:8 R021 a variable cannot be called so"]),
        ('vars: {a: "{{ vars.b }}"}', ["4:20 R061 there is no `vars.b`"]),
        ('vars: {a: "{{ item.b }}"}', ["4:15 R061 `item` is there only in a rule with `for_each`"]),
        (
            'vars: {a: "{{ vars.b }}", b: "{{ vars.a }}"}',
            ["4:11 R064 vars.a is made of itself: a → b → a"],
        ),
        ("limits: {burst: 5}", ["4:10 R012 `burst` needs a `rate`"]),
        ("limits: {burst: 5, rate: }", ["4:10 R012 `burst` needs a `rate`"]),
        ("limits: {burst: , rate: }", []),
        ("limits: {burst: x, rate: 5/s}", ["4:17 R013 a burst is a whole number"]),
        ("rules: [{drop: x}]", ["4:10 R012 `name` is missing"]),
        ("rules: [{name: 5, drop: x}]", ["4:16 R013 a name is a text"]),
        ("rules: [order]", ["4:9 R013 this has the wrong type"]),
        ("rules: {a: b}", ["4:8 R013 `rules` has the wrong type"]),
        (
            "rules: [{name: a, drop: x}, {name: a, drop: x}, {name: a, drop: x}]",
            [
                "4:36 R020 a rule `a` is there already",
                "4:56 R020 a rule `a` is there already",
            ],
        ),
        (
            "rules: [{name: otherwise, drop: x}]",
            ["4:16 R020 `otherwise` is what the connector's own `otherwise` is called"],
        ),
        (
            "rules: [{name: a, for_each: 5, drop: x}]",
            ["4:29 R013 a name is a text"],
        ),
        (
            "rules: [{name: a, for_each: body..x, drop: x}]",
            ["4:34 R050 expected a name after `.`"],
        ),
        ("rules: [{name: a, for_each: boddy, drop: x}]", ["4:29 R051 there is no `boddy`"]),
        ("rules: [{name: a, for_each: item.x, drop: x}]", ["4:29 R051 there is no `item`"]),
        (
            "rules: [{name: a, for_each: event.tipe, drop: x}]",
            ["4:29 R051 there is no `event.tipe`"],
        ),
        ("rules: [{name: a, when: {item.x: 1}, drop: x}]", ["4:26 R051 `item` is there only in a rule with `for_each`"]),
        ("rules: [{name: a, when: {}, drop: x}]", ["4:25 R054 the condition is empty"]),
        ("otherwise: drop", ["4:12 R013 `otherwise` has the wrong type"]),
        ("otherwise: {}", ["4:12 R040 there is no action here"]),
        ('otherwise: {drop: "{{ item.x }}"}', ["4:23 R061 `item` is there only in a rule with `for_each`"]),
        ("fixed: {labels: [x]}\ndefaults: {labels: [y]}", ["5:12 R043 `labels` is fixed by the connector"]),
        ("fixed: {due: 2026-11-24}\ndefaults: {due_at: x}", [
            "5:12 R043 `due_at` is fixed by the connector",
            "5:20 R015 `due_at` cannot be read",
        ]),
        ("fixed: [x]", ["4:8 R013 `fixed` has the wrong type"]),
        ("fixed: {title: x}", ["4:9 R011 there is no key `title` here"]),
        ("version: 2", ["4:10 R014 `version` is not one of the choices"]),
    ],
)  # fmt: skip
def test_a_connector_that_cannot_work_is_a_problem_at_its_place(
    text: str, lines: list[str]
) -> None:
    assert said_of_shop(text) == lines


def test_a_ring_of_variables_is_said_once_and_every_ring_is_said() -> None:
    def ring(*names: str) -> str:
        following = [*names[1:], names[0]]
        pairs = zip(names, following, strict=True)
        return "".join(f'  {name}: "{{{{ vars.{other} }}}}"\n' for name, other in pairs)

    text = f"vars:\n{ring('a')}{ring('b', 'c')}{ring('d', 'e', 'f')}  g: 1\n"
    assert said_of_shop(text) == [
        "5:6 R064 vars.a is made of itself: a → a",
        "6:6 R064 vars.b is made of itself: b → c → b",
        "8:6 R064 vars.d is made of itself: d → e → f → d",
    ]
    many = "".join(ring(f"v{n}") for n in range(30))
    assert len(said_of_shop(f"vars:\n{many}")) == 20


def test_a_near_name_is_suggested_for_the_list_of_a_rule() -> None:
    def hint(path: str) -> str | None:
        text = f"connector: shop\nsource: none\nrules: [{{name: a, for_each: {path}, drop: x}}]\n"
        (problem,) = problems(dedent(text))
        return problem.hint

    assert hint("boddy.x") == "did you mean `body`?"
    assert hint("event.tipe") == "did you mean `type`?"
    assert hint('"{{ body.x }}"') == "`for_each` takes a path, not a template"
    assert hint("body..x") is None
