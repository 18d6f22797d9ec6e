"""The JSON Schemas take every good file and refuse every mistake that a schema can see."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from router.cli.catalogues import catalogues
from rules import schemas
from rules.document import parse
from rules.problems import Report
from tests.docs.test_yaml_blocks import blocks
from tests.support.golden import CASES, cases, expected_of

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = schemas.schemas(catalogues())

SEEN_BY_A_SCHEMA = re.compile(r"R01[0-4]|R021|R03[01]|R04[01]|R05[245]")
"""Codes whose mistakes are mistakes of shape."""
NOT_SEEN = {
    "R012-burst-without-rate": "a key with nothing behind it is one that is not set",
    "R013-empty-task": "a key with nothing behind it is one that is not set",
}
"""Cases of these codes that a schema does not see, each with the reason."""


def plain(value: Any) -> Any:
    """Return a value with the numbers of `json`."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def complaints(text: str, kind: str | None = None) -> list[str]:
    """Return what the schema of its kind has against a file."""
    document = parse(text, "file.yaml", Report())
    assert document is not None
    content = plain(document.root.value)
    kinds = [kind] if kind else [key for key in SCHEMAS if key in content]
    if len(kinds) != 1:
        return ["an editor cannot tell what the file is"]
    return [error.message for error in Draft202012Validator(SCHEMAS[kinds[0]]).iter_errors(content)]


@pytest.mark.parametrize("kind", list(SCHEMAS))
def test_a_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("name", list(schemas.files(catalogues())))
def test_the_schemas_that_are_kept_are_up_to_date(name: str) -> None:
    kept = (ROOT / "rules" / "schema" / name).read_text("utf-8")

    assert kept == schemas.files(catalogues())[name], "hookyard rules schema --write rules/schema"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=str(path.relative_to(ROOT)))
        for folder in ("rules/catalogue", "examples/routes")
        for path in sorted((ROOT / folder).glob("*.yaml"))
    ],
)
def test_a_file_that_is_shipped_fits_its_schema(path: Path) -> None:
    assert complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("place", "text"), [pytest.param(*block, id=block[0]) for block in blocks()]
)
def test_a_file_that_a_page_shows_fits_its_schema(place: str, text: str) -> None:
    assert complaints(text) == []


def mistakes() -> list[Path]:
    return [
        case
        for case in cases()
        if case.is_file() and SEEN_BY_A_SCHEMA.match(case.name) and case.stem not in NOT_SEEN
    ]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.stem) for case in mistakes()])
def test_a_mistake_of_shape_is_seen_while_one_types(case: Path) -> None:
    assert "error R0" in expected_of(case).read_text("utf-8")
    assert complaints(case.read_text("utf-8")) != []


def test_only_cases_that_are_there_are_excepted() -> None:
    assert {CASES / f"{name}.yaml" for name in NOT_SEEN} <= set(cases())
