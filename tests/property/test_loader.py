"""Loading never fails for what files hold: there are rules, or problems at places inside the files."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.document import Document, parse
from rules.loader import Loaded, load_texts
from rules.models import ConnectorModel, RuleModel, TaskModel
from rules.operators import OPERATORS
from rules.problems import CODES, Problem, Report, Span
from rules.rendering import as_github, as_json, as_text
from rules.source_text import decode
from rules.values import json_text
from tests.support.catalogues import catalogues
from tests.support.golden import cases

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = catalogues()


def _files() -> list[str]:
    """Return the texts of rule files: right ones, and wrong ones of every kind."""
    paths = [*(ROOT / "examples" / "routes").glob("*.yaml"), *(ROOT / "rules").rglob("*.yaml")]
    paths += [path for case in cases() for path in ([case] if case.is_file() else case.iterdir())]
    return [path.read_bytes().decode("utf-8", "replace") for path in sorted(paths)]


def _document(text: str) -> Document | None:
    report = Report()
    document = parse(text, "a.yaml", report)
    return None if report.problems else document


FILES = _files()
KEYS = sorted(
    {*ConnectorModel.model_fields, *RuleModel.model_fields, *TaskModel.model_fields, *OPERATORS}
)
MARKS = [
    *(" ", "  ", "\n", "\t", "\r\n", ":", ": ", "- ", "? ", "[", "]", "{", "}", ",", "#", "'", '"'),
    *("|", ">", "&a ", "*a", "!x ", "---\n", "...\n", "<<: ", "%", "@", "`", "~", "null", "true"),
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{{ body.x }}",
        "0",
        "-1",
        "1e999",
        ".inf",
        "\ufeff",
        "\x00",
        "ä",
        "🚀",
    ),
    *(
        "connector: x\n",
        "destinations:\n",
        "directory:\n",
        "rules:\n",
        "task:\n",
        "when:\n",
        "\ud800",
    ),
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(MARKS)).map("".join))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Give a rule file to which somebody in a hurry did something."""
    text = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from(["", *MARKS])) + text[end:]
    return text


@st.composite
def shuffled(draw: st.DrawFn) -> str:
    """Give a rule file whose lines were moved, doubled, lost and indented differently."""
    lines = draw(st.sampled_from(FILES)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(lines) - 1, 0)))
        moved = lines[at : at + 1]
        lines[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [[], moved * 2, [f"  {line}" for line in moved], [line[2:] for line in moved]]
            )
        )
    return "\n".join(lines)


TREES = [
    json.loads(json_text(tree.data)) for text in FILES if (tree := _document(text)) is not None
]
LEAVES = st.sampled_from(
    [None, True, 5, 1.5, "", "x", "task", "{{ body.x }}", "{{ bdy", "2026-11-24"]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def rewritten(draw: st.DrawFn) -> str:
    """Give a rule file some values of which became others, of any type."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 3))):
        inner = tree
        while inner:
            places = list(inner) if isinstance(inner, dict) else range(len(inner))
            at = draw(st.sampled_from(places))
            if isinstance(inner[at], dict | list) and inner[at] and draw(st.booleans()):
                inner = inner[at]
                continue
            key = (
                draw(st.sampled_from(KEYS))
                if isinstance(inner, dict) and draw(st.booleans())
                else at
            )
            inner[key] = draw(VALUES)
            break
    return json.dumps(tree, ensure_ascii=False, indent=draw(st.sampled_from([None, 1])))


def _places(text: str, span: Span) -> bool:
    """Tell whether a place is inside a text, its end not before its start."""
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    return (
        1 <= span.line <= span.end_line <= len(lines)
        and 1 <= span.column <= len(lines[span.line - 1]) + 1
        and 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
        and (span.line, span.column) <= (span.end_line, span.end_column)
    )


def _sound(problem: Problem, texts: dict[str, str]) -> bool:
    return (
        problem.code in CODES
        and problem.span.file in texts
        and _places(texts[problem.span.file], problem.span)
        and bool(problem.message.strip())
        and "\n" not in as_text([problem]).splitlines()[0]
    )


def _told(found: Loaded) -> tuple[str, str, object]:
    shown = [*found.problems, *found.notes]
    return as_text(shown), as_github(shown), as_json(found.problems, found.files, found.notes)


def _check(texts: dict[str, str]) -> None:
    found = load_texts(texts, CATALOGUES)

    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert (found.rule_set is None) is bool(errors)
    unsound = [one for one in [*found.problems, *found.notes] if not _sound(one, texts)]
    assert unsound == []
    again = load_texts(texts, CATALOGUES)
    assert _told(found) == _told(again)
    assert (found.rule_set and found.rule_set.hash) == (again.rule_set and again.rule_set.hash)


@given(TEXTS)
def test_any_text_makes_rules_or_problems_at_places_inside_it(text: str) -> None:
    _check({"a.yaml": text})


@given(st.one_of(mutated(), shuffled()))
def test_a_file_somebody_mistyped_makes_rules_or_problems_at_places_inside_it(text: str) -> None:
    _check({"a.yaml": text})


@given(rewritten())
def test_a_file_with_values_of_other_types_makes_rules_or_problems_inside_it(text: str) -> None:
    _check({"a.yaml": text})


@given(st.lists(st.one_of(mutated(), rewritten(), st.sampled_from(FILES)), min_size=2, max_size=4))
def test_files_that_do_not_fit_together_do_not_stop_it_either(texts: list[str]) -> None:
    _check({f"{number}.yaml": text for number, text in enumerate(texts)})


@given(st.binary())
def test_any_bytes_are_a_text_or_a_problem_inside_them(raw: bytes) -> None:
    report = Report()
    text = decode(raw, "a.yaml", report)
    assert (text is None) is bool(report.problems)
    for problem in report.problems:
        assert _places(raw.decode("utf-8", "replace"), problem.span)


WORDS = st.lists(
    st.sampled_from(
        ["a", "it's", "größe", "🚀", '"q"', "\\", "#", "x:", "-", "{{ body.x }}", "\n", "\n\n"]
    ),
    min_size=1,
    max_size=12,
)


@given(WORDS, st.sampled_from([None, "'", '"', "|", ">"]), st.booleans())
def test_each_character_of_a_text_is_found_where_it_is_written(
    words: list[str],
    style: str | None,
    unicode: bool,  # noqa: FBT001  hypothesis gives it
) -> None:
    text = yaml.dump([{"k": " ".join(words)}], default_style=style, width=20, allow_unicode=unicode)
    document = _document(text)
    assert document is not None
    node = document.node([0, "k"])
    assert node.is_text
    lines = text.split("\n")
    for at, character in enumerate(node.value):
        span = node.locate(at, at + 1)
        written = lines[span.line - 1][span.column - 1 :]
        assert character.isspace() or written.startswith((character, "\\"))
