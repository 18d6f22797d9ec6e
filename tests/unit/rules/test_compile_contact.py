from __future__ import annotations

import pytest

from rules.template import Constant
from tests.support.rule_files import connector, problems, said_of_shop

DIRECTORY = """\
directory:
  clients: {acme: , beta: }
  projects: {acme/support: {client: acme}, free: }
"""
HEAD = "connector: shop\nsource: none\ndedupe: off\n"


def test_a_contact_is_an_address_a_name_and_what_to_do_with_strangers() -> None:
    found = connector(
        'contact: {email: "{{ body.a }}", name: "{{ body.b }}", unknown: reject}'
    ).contact
    assert found is not None
    assert (list(found.parts), found.unknown) == (["email", "name"], "reject")
    found = connector('contact: {email: "{{ body.a }}"}').contact
    assert found is not None
    assert (list(found.parts), found.unknown) == (["email"], "create")
    assert connector("").contact is None


def test_a_contact_may_be_the_same_for_every_event() -> None:
    found = connector("contact: {email: monitoring@acme.example}").contact
    assert found is not None
    assert isinstance(found.parts["email"], Constant)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("contact:", ["4:1 R034 `contact` is empty"]),
        ("contact: x", ["4:10 R013 `contact` has the wrong type"]),
        ("contact: {}", ["4:1 R034 the contact is known by nothing"]),
        ("contact: {mail: x}", ["4:11 R011 there is no key `mail` here"]),
        ("contact: {name: x}", ["4:1 R034 the contact is known by nothing"]),
        ("contact: {phone: 020 7946 0018}", ["4:18 R015 this is no phone number"]),
        ("contact: {phone: [x], external_id: x}", ["4:18 R013 `phone` is no text"]),
        ("contact: {email: }", ["4:11 R034 the contact has no address"]),
        ("contact: {email: '  '}", ["4:11 R034 the contact has no address"]),
        ("contact: {email: [a@b.example]}", ["4:18 R013 `email` is no text"]),
        ("contact: {email: jane}", ["4:18 R015 this is no e-mail address"]),
        ("contact: {email: 5}", ["4:18 R015 this is no e-mail address"]),
        ("contact: {email: body.email}", ["4:18 R015 this is no e-mail address"]),
        ("contact: {email: a@b.example, name: {a: b}}", ["4:37 R013 `name` is no text"]),
        (
            "contact: {email: a@b.example, unknown: creat}",
            ["4:40 R014 `unknown` is not one of the choices"],
        ),
        (
            "contact: {email: a@b.example, unknown: '{{ body.x }}'}",
            ["4:40 R014 `unknown` is not one of the choices"],
        ),
        ('contact: {email: "{{ bodi.email }}"}', ["4:22 R061 there is no `bodi`"]),
        ('contact: {email: "{{ vars.gone }}"}', ["4:27 R061 there is no `vars.gone`"]),
        ('contact: {email: "{{ item.email }}"}', None),
        ('contact: {email: "{{ contact.name }}"}', ["4:22 R061 there is no `contact`"]),
        ('contact: {email: "{{ body.email "}', None),
    ],
)
def test_a_contact_that_cannot_work_is_a_problem(text: str, lines: list[str] | None) -> None:
    found = said_of_shop(text)
    if lines is None:
        assert len(found) == 1
    else:
        assert found == lines


def contact_hint(text: str) -> tuple[str, str | None]:
    (problem,) = problems(HEAD + text)
    return f"{problem.code} {problem.message}", problem.hint


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            'otherwise: {task: {title: "{{ contact.name }}"}}',
            "R061 there is no `contact`",
            "the connector has no `contact:`",
        ),
        (
            "rules: [{name: r, when: {contact.email: x}, drop: y}]",
            "R051 there is no `contact`",
            "the connector has no `contact:`",
        ),
        (
            'vars: {x: "{{ contact.name }}"}\ncontact: {email: a@b.example}',
            "R061 there is no `contact`",
            "the contact is not there for `vars` and for `contact` itself",
        ),
        (
            'contact: {email: "{{ contact.email }}"}',
            "R061 there is no `contact`",
            "the contact is not there for `vars` and for `contact` itself",
        ),
        (
            'contact: {email: a@b.example}\notherwise: {drop: "{{ contact.emial }}"}',
            "R061 there is no `contact.emial`",
            "did you mean `email`?",
        ),
        (
            'contact: {email: a@b.example}\notherwise: {drop: "{{ contact.phone }}"}',
            "R061 there is no `contact.phone`",
            "the connector's `contact:` has no `phone`",
        ),
        (
            "contact: {phone: '+442079460018'}\nrules: [{name: r, when: {contact.email: x}, drop: y}]",
            "R051 there is no `contact.email`",
            "the connector's `contact:` has no `email`",
        ),
        (
            "contact: {email: a@b.example}\nrules: [{name: r, when: {contact.id: x}, drop: y}]",
            "R051 there is no `contact.id`",
            "who it is turns out when the task is made; people are known by `contact.email`",
        ),
        (
            'contact: {email: a@b.example}\notherwise: {drop: "{{ contact }}"}',
            "R061 `contact` is not a value: name one of its keys",
            None,
        ),
        (
            "contact: {email: a@b.example}\nrules: [{name: r, when: {contact: x}, drop: y}]",
            "R051 `contact` is not a value: name one of its keys",
            None,
        ),
    ],
)
def test_the_keys_of_a_contact_are_checked_and_where_it_is_not_there_it_is_said_why(
    text: str, message: str, hint: str | None
) -> None:
    assert contact_hint(text) == (message, hint)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "otherwise: {task: {title: x, project: acme/support, client: beta}}",
            ["4:61 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "fixed: {project: acme/support, client: beta}",
            ["4:40 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "fixed: {project: acme/support}\ndefaults: {client: beta}\notherwise: {drop: x}",
            ["5:20 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "fixed: {client: beta}\notherwise: {task: {title: x, project: acme/support}}",
            ["5:39 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "defaults: {client: beta}\notherwise: {task: {title: x, project: acme/support}}",
            ["5:39 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "fixed: {project: acme/support}\notherwise: {task: {title: x, client: beta}}",
            ["5:38 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "defaults: {project: acme/support}\notherwise: {task: {title: x, client: beta}}",
            ["5:38 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "defaults: {project: acme/support}\notherwise: {task: {title: x, client: beta, project: free}}",
            [],
        ),
        (
            "defaults: {project: acme/support}\notherwise: {task: {title: x, project: , client: beta}}",
            ["5:49 R025 the project `acme/support` belongs to `acme`"],
        ),
        (
            "defaults: {client: beta}\notherwise: {task: {title: x, project: acme/support, client: acme}}",
            [],
        ),
        (
            'defaults: {client: beta}\notherwise: {task: {title: x, project: "{{ body.p }}"}}',
            [],
        ),
        (
            "otherwise: {task: {title: x, project: acme/support, client: acne}}",
            ["4:61 R023 the directory lists no client `acne`"],
        ),
    ],
)
def test_another_client_than_the_projects_is_a_problem_wherever_the_two_come_from(
    text: str, lines: list[str]
) -> None:
    found = [
        f"{one.span.line}:{one.span.column} {one.code} {one.message}"
        for one in problems(HEAD + text, d=DIRECTORY)
    ]
    assert found == lines


def test_the_other_place_is_named_where_there_is_one() -> None:
    text = "defaults: {client: beta}\notherwise: {task: {title: x, project: acme/support}}"
    (problem,) = problems(HEAD + text, d=DIRECTORY)
    assert (problem.found, problem.hint) == ('the client "beta"', "the client is set on line 4")
    text = "fixed: {project: acme/support}\notherwise: {task: {title: x, client: beta}}"
    (problem,) = problems(HEAD + text, d=DIRECTORY)
    assert (problem.found, problem.hint) == ('the client "beta"', "the project is set on line 4")
