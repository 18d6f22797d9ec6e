from __future__ import annotations

from datetime import date

import pytest

from rules.directory import Directory, Person, Project, Status
from tests.support.rule_files import problems, rule_set, said

CRM = "destinations: {crm: {type: crm, token: a}}\n"


def directory(text: str, **others: str) -> Directory:
    return rule_set(text, **others).directory


def test_a_directory_holds_what_its_files_list() -> None:
    found = directory(
        """\
        directory:
          people:
            jane: {name: Jane Roe, email: " Jane@Acme.example ", ids: {crm: "5"}}
            amir:
          clients: {acme: {domains: [acme.example], ids: {crm: c1}}, in-house: }
          projects: {support: {client: acme, assignees: [JANE@acme.example, amir]}, other: }
          labels: {urgent: {ids: {crm: l1}}, plain: }
          statuses: [{id: open, kind: initial, ids: {crm: s1}}, {id: done, kind: done}]
          task_types: [todo, call]
          timezone: Europe/London
          holidays: [2026-12-25]
        """,
        crm=CRM,
    )

    assert found.people == {
        "jane": Person("Jane Roe", " Jane@Acme.example ", {"crm": "5"}),
        "amir": Person(),
    }
    assert found.projects == {"support": Project("acme", ("jane", "amir")), "other": Project()}
    assert found.clients == {"acme": {"crm": "c1"}, "in-house": {}}
    assert found.labels == {"urgent": {"crm": "l1"}, "plain": {}}
    assert found.statuses == (Status("open", "initial", {"crm": "s1"}), Status("done", "done"))
    assert found.task_types == ("todo", "call")
    assert (found.timezone, found.holidays) == ("Europe/London", (date(2026, 12, 25),))
    assert found.known == {
        "people": {"jane": "jane", "amir": "amir", "jane@acme.example": "jane"},
        "clients": {"acme": "acme", "in-house": "in-house"},
        "projects": {"support": "support", "other": "other"},
        "labels": {"urgent": "urgent", "plain": "plain"},
        "statuses": {"open": "open", "done": "done"},
        "task_types": {"todo": "todo", "call": "call"},
    }


def test_domains_are_known_in_any_case_and_may_be_said_twice_of_one_client() -> None:
    found = directory("directory: {clients: {acme: {domains: [Acme.Example, acme.example, b.c]}}}")
    assert found.routing.domains == {"acme.example": "acme", "b.c": "acme"}


def test_a_kind_that_no_file_lists_is_free() -> None:
    assert directory("directory: {people: {}}").known == {"people": {}}
    assert directory("directory: {}") == Directory()


@pytest.mark.parametrize(("word", "listed"), [("true", False), ("false", True)])
def test_labels_beyond_the_list_may_be_let_in(word: str, *, listed: bool) -> None:
    found = directory(f"directory: {{labels: {{urgent: }}, labels_open: {word}}}")
    assert ("labels" in found.known) is listed
    assert found.labels == {"urgent": {}}


def test_labels_may_be_let_in_without_a_list_of_them() -> None:
    assert directory("directory: {labels_open: true}").known == {}


def test_files_are_merged() -> None:
    found = directory(
        "directory: {people: {jane: }, task_types: [todo], timezone: UTC}",
        b="directory: {people: {amir: }, task_types: [call], timezone: UTC, holidays: [2026-12-25]}",
        d="directory: {holidays: [2026-12-25, 2026-04-03]}",
        c="directory: {projects: {support: {assignees: [amir]}}}",
    )
    assert list(found.people) == ["jane", "amir"]
    assert found.task_types == ("todo", "call")
    assert (found.timezone, found.holidays) == ("UTC", (date(2026, 4, 3), date(2026, 12, 25)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("people: {jane: }", "b.yaml:1:22 R020 the person `jane` is there already"),
        ("clients: {acme: }", "b.yaml:1:23 R020 the client `acme` is there already"),
        ("projects: {support: }", "b.yaml:1:24 R020 the project `support` is there already"),
        ("labels: {urgent: }", "b.yaml:1:22 R020 the label `urgent` is there already"),
        ("task_types: [todo]", "b.yaml:1:26 R020 the task type `todo` is there already"),
        (
            "statuses: [{id: open, kind: done}]",
            "b.yaml:1:29 R020 the status `open` is there already",
        ),
        (
            "people: {amir: {email: JANE@acme.example}}",
            "b.yaml:1:36 R020 the address `JANE@acme.example` is there already",
        ),
        ("timezone: Europe/Paris", "b.yaml:1:23 R024 another file has the time zone UTC"),
    ],
)
def test_what_two_files_say_differently_is_a_problem_at_the_second(text: str, line: str) -> None:
    first = (
        "directory: {people: {jane: {email: jane@acme.example}}, clients: {acme: }, "
        "projects: {support: }, labels: {urgent: }, statuses: [{id: open, kind: initial}], "
        "task_types: [todo], timezone: UTC}"
    )
    assert said(first, b=f"directory: {{{text}}}") == [line]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("directory:", ["1:11 R013 `directory` has the wrong type"]),
        ("directory: [x]", ["1:12 R013 `directory` has the wrong type"]),
        ("directory: {persons: {}}", ["1:13 R011 there is no key `persons` here"]),
        ("directory: {people: [x]}", ["1:21 R013 `people` has the wrong type"]),
        ("directory: {people: {x: jane}}", ["1:25 R013 `x` has the wrong type"]),
        ("directory: {people: {x: {email: 5}}}", ["1:33 R013 `email` is no text"]),
        ("directory: {people: {x: {email: jane}}}", ["1:33 R015 this is no e-mail address"]),
        ("directory: {people: {x: {email: a b@c}}}", ["1:33 R015 this is no e-mail address"]),
        ("directory: {people: {x: {ids: {crm: 5}}}}", [
            "1:32 R023 there is no destination `crm`",
            "1:37 R013 a name is a text",
        ]),
        ("directory: {labels: {x: {ids: {crm: a}}}}", ["1:32 R023 there is no destination `crm`"]),
        (
            "directory: {statuses: [{id: a, kind: done, ids: {crm: a}}]}",
            ["1:50 R023 there is no destination `crm`"],
        ),
        ("directory: {statuses: [{kind: done}]}", ["1:25 R012 `id` is missing"]),
        ("directory: {statuses: [{id: [a], kind: done}]}", ["1:29 R013 a name is a text"]),
        ("directory: {statuses: [open]}", ["1:24 R013 this has the wrong type"]),
        ("directory: {task_types: [5]}", ["1:26 R013 a name is a text"]),
        (
            "directory: {clients: {}, projects: {p: {client: acme}}}",
            ["1:49 R023 the directory lists no client `acme`"],
        ),
        (
            "directory: {people: {}, projects: {p: {assignees: [jane]}}}",
            ["1:52 R023 the directory lists no person `jane`"],
        ),
        ("directory: {projects: {p: {client: 5}}}", ["1:36 R013 a name is a text"]),
        ("directory: {timezone: Mars/Base}", ["1:23 R015 'Mars/Base' is not a time zone"]),
        ("directory: {timezone: 5}", ["1:23 R013 `timezone` is no text"]),
        ("directory: {holidays: [Christmas]}", ["1:24 R015 this is no date"]),
        ("directory: {holidays: [2026-02-30]}", ["1:24 R015 this is no date"]),
        ("directory: {holidays: [20261225]}", ["1:24 R013 a name is a text"]),
        ("directory: {holidays: ['20261225']}", ["1:24 R015 this is no date"]),
        ("directory: {holidays: [2026-W52-5]}", ["1:24 R015 this is no date"]),
        ("directory: {holidays: [5]}", ["1:24 R013 a name is a text"]),
        ("directory: {clients: {x: {domains: [5]}}}", ["1:37 R013 a name is a text"]),
        ("directory: {clients: {x: {domains: ['@a.example']}}}", ["1:37 R015 this is no domain"]),
        (
            "directory: {clients: {x: {domains: [a.example]}, y: {domains: [A.example]}}}",
            ["1:64 R020 the domain `A.example` is there already"],
        ),
        ("directory: {labels_open: yes}", ["1:26 R013 `labels_open` has the wrong type"]),
    ],
)  # fmt: skip
def test_a_directory_that_does_not_fit_together_is_a_problem(text: str, lines: list[str]) -> None:
    assert said(text) == [f"a.yaml:{line}" for line in lines]


def test_one_zone_that_is_none_does_not_hide_the_next() -> None:
    found = said("directory: {timezone: Mars}", b="directory: {timezone: Venus}")
    assert [line[:6] for line in found] == ["a.yaml", "b.yaml"]


def test_a_near_destination_is_suggested_for_an_id() -> None:
    text = "directory: {labels: {x: {ids: {cmr: a}}}}"
    assert problems(text, crm=CRM)[0].hint == "did you mean `crm`?"
    assert problems(text)[0].expected == "none is defined"
    assert [p.code for p in problems(text, crm="destinations: [")] == ["R002"]


def test_while_a_file_of_the_directory_is_broken_every_name_is_free() -> None:
    shop = (
        "connector: shop\nsource: none\ndedupe: off\notherwise: {task: {title: x, labels: [y]}}\n"
    )
    labels = "directory: {labels: {urgent: }}"
    assert [line.split()[1] for line in said(shop, z=labels)] == ["R023"]
    assert [line.split()[1] for line in said(shop, y="directory: {", z=labels)] == ["R002"]
