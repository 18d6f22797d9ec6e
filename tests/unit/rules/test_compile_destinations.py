from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rules.loader import Loaded, load_texts
from rules.names import SecretName
from tests.support.catalogues import Crm, catalogues
from tests.support.rule_files import problems, rule_set, said


def _template(text: str) -> str:
    if "{{" in text and "}}" not in text:
        raise ValueError("this is no template")
    return text


class Signed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[SecretName] = Field(default_factory=list)


class Http(BaseModel):
    """A type with templates, and with secrets in lists and in mappings."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: Annotated[str, AfterValidator(_template)] = ""
    sign: Signed = Field(default_factory=Signed)
    pair: tuple[SecretName, ...] = ()


def with_http(text: str) -> Loaded:
    types: dict[str, Any] = {"crm": Crm, "http": Http}
    return load_texts({"a.yaml": text}, replace(catalogues(), destinations=types))


def test_a_destination_has_its_name_type_configuration_place_and_secrets() -> None:
    rules = rule_set(
        """\
        destinations:
          main:
            type: crm
            token: main_token
            concurrency: 2
            headers: {X-Key: {secret: a_key}, X-Kind: main_token}
          backup: {type: crm, token: a_key}
        """
    )
    main = rules.destinations["main"]

    assert (main.name, main.type, str(main.span)) == ("main", "crm", "a.yaml:2:3")
    assert isinstance(main.config, Crm)
    assert main.config.concurrency == 2
    assert {name: str(span) for name, span in main.secrets.items()} == {
        "main_token": "a.yaml:4:12",
        "a_key": "a.yaml:6:31",
    }
    assert list(rules.destinations) == ["main", "backup"]
    assert {name: str(span) for name, span in rules.secrets.items()} == {
        "main_token": "a.yaml:4:12",
        "a_key": "a.yaml:6:31",
    }


def test_secrets_in_lists_are_found_too() -> None:
    found = with_http("destinations: {x: {type: http, sign: {keys: [a_b, c]}, pair: [d]}}")
    assert found.rule_set is not None
    assert set(found.rule_set.destinations["x"].secrets) == {"a_b", "c", "d"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("destinations: {}", []),
        ("destinations: ", ["1:14 R013 `destinations` has the wrong type"]),
        ("destinations: [a]", ["1:15 R013 `destinations` has the wrong type"]),
        ("destinations: {a: crm}", ["1:19 R013 a destination is a mapping"]),
        ("destinations: {a: }", ["1:16 R013 a destination is a mapping"]),
        ("destinations: {a: {}}", ["1:16 R012 `type` is missing"]),
        ("destinations: {a: {type: [crm]}}", ["1:26 R014 `type` is not one of the choices"]),
        ("destinations: {a: {type: cmr}}", ["1:26 R014 `type` is not one of the choices"]),
        ("destinations: {a: {type: crm}}", ["1:20 R012 `token` is missing"]),
        ("destinations: {a: {type: crm, token: A}}", ["1:38 R022 `token` is no name of a secret"]),
        (
            "destinations: {A: {type: crm, token: b}}",
            ["1:16 R021 a destination cannot be called so"],
        ),
        ("connecter: x\ndestinations: {}", ["1:1 R011 there is no key `connecter` here"]),
    ],
)
def test_a_destination_has_the_shape_of_its_type(text: str, lines: list[str]) -> None:
    assert said(text) == [f"a.yaml:{line}" for line in lines]


def test_the_same_name_in_two_files_is_a_problem_at_the_second() -> None:
    one = "destinations: {main: {type: crm, token: a}}\n"
    (problem,) = problems(one, b=one)
    assert (str(problem.span), problem.code) == ("b.yaml:1:16", "R020")
    assert problem.hint == "the first is at a.yaml:1:16"


def test_what_was_pasted_for_a_secret_is_not_shown() -> None:
    text = "destinations: {a: {type: crm, token: Hunter2!, method: Hunter2!}}"
    for problem in problems(text):
        assert "Hunter2" not in f"{problem.message}{problem.expected}{problem.hint}"
    assert problems(text)[0].found == "a text of 8 characters"


def test_a_problem_of_a_template_is_shown_at_the_expression() -> None:
    found = with_http(
        'destinations:\n  x: {type: http, title: "{{ task.title", sign: {keys: [A], more: 1}}\n'
    )
    assert [(p.code, p.span.line, p.span.column) for p in found.problems] == [
        ("R060", 2, 27),
        ("R022", 2, 57),
        ("R011", 2, 61),
    ]


def test_a_template_without_a_problem_says_nothing_of_others() -> None:
    found = with_http('destinations: {x: {type: http, title: "{{ bdy }}", sign: x}}')
    assert [p.code for p in found.problems] == ["R013"]
