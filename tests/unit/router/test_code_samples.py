"""Programs that make tasks: where they show the key, and that no name of a rule file gets out of its quotes."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest

from router.core.code_samples import LANGUAGES, sample_for
from router.core.intake_table import ConnectorIntake

ODD = 'it\'s "odd"\n`$(touch /tmp/x)` \\ */ TASK'


def intake(**source: Any) -> ConnectorIntake:
    sample = {"body": {"title": ODD, "labels": [ODD]}, "choices": {"labels": [ODD]}}
    return ConnectorIntake(name="form", source={"preset": "task", **source}, sample=sample)


def program(lang: str, **source: Any) -> str:
    sample = sample_for(intake(**source), "https://hooks.example")
    assert sample is not None
    return LANGUAGES[lang](sample)


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_the_key_comes_from_the_environment_and_the_address_is_the_connectors(lang: str) -> None:
    code = program(lang)

    assert "https://hooks.example/hooks/form" in code
    assert "TASK_KEY" in code
    assert "Bearer " in code


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_a_key_in_another_header_is_shown_there_alone(lang: str) -> None:
    code = program(lang, header="X-Form-Key")

    assert "X-Form-Key" in code
    assert "Bearer" not in code


@pytest.mark.parametrize("source", [{"basic": "jane"}, {"query": "token"}])
def test_a_key_that_is_a_password_or_in_the_address_is_left_to_people(
    source: dict[str, str],
) -> None:
    assert sample_for(intake(**source), "https://hooks.example") is None
    assert sample_for(ConnectorIntake(name="open", source={"preset": "none"}), "") is None


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_names_of_rule_files_stay_in_their_quotes(lang: str) -> None:
    code = program(lang)
    comments = [line for line in code.splitlines() if line.startswith(("# ", "// "))]

    assert len(comments) == 2
    assert "\n`$(touch" not in code


def test_python_code_holds_the_payload_as_it_is() -> None:
    tree = ast.parse(program("python"))
    (task,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "task"
    ]

    assert ast.literal_eval(task) == {"title": ODD, "labels": [ODD]}


@pytest.mark.parametrize(("lang", "begin", "end"), [("curl", "<<'TASK'\n", "\nTASK\n"), ("php", "<<<'TASK'\n", "\nTASK;\n"), ("javascript", "const task = ", ";\n\nasync")])  # fmt: skip
def test_other_code_holds_the_payload_as_json(lang: str, begin: str, end: str) -> None:
    inner = program(lang).split(begin)[1].split(end)[0]

    assert json.loads(inner) == {"title": ODD, "labels": [ODD]}


def test_an_odd_address_is_quoted_for_the_shell() -> None:
    odd = intake().model_copy(update={"public_url": "https://h.example/a'b$(x)?c=d"})
    sample = sample_for(odd, "")
    assert sample is not None
    command = LANGUAGES["curl"](sample).split("\ncurl ")[1].split(" \\\n")[0]

    assert "https://h.example/a'b$(x)?c=d" in shlex.split(command)


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_it_is_said_that_a_directory_has_more_names_than_are_shown(lang: str) -> None:
    names = {"body": {"title": "x"}, "choices": {"type": ["bug"], "labels": ["a", "b"]}}
    found = intake().model_copy(update={"sample": {**names, "more": {"labels": 188}}})
    sample = sample_for(found, "")
    assert sample is not None

    lines = LANGUAGES[lang](sample).splitlines()
    assert [line for line in lines if line.endswith('labels: "a", "b", and 188 more')]
    assert [line for line in lines if line.endswith('type: "bug"')]


@pytest.mark.parametrize("lang", ["curl", "python"])
def test_no_name_stands_where_a_comment_may_say_how_the_rest_is_read(lang: str) -> None:
    first, second, third, *_ = program(lang).splitlines()

    assert first.startswith("#!")
    assert second == "# Makes a task through the connector form; TASK_KEY is its key."
    assert third.startswith("# labels: ")
