"""Every guarantee names the tests that prove it, and those tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"
_PROOF = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def _guarantees() -> list[str]:
    """The promises of the page, each with what follows it up to the next one."""
    text = PAGE.read_text("utf-8").partition("## What is not promised")[0]
    return [f"- {part}" for part in re.split(r"^- ", text, flags=re.MULTILINE)[1:]]


def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_guarantee_names_a_test() -> None:
    without = [part.splitlines()[0] for part in _guarantees() if not _PROOF.search(part)]

    assert without == []
    assert len(_guarantees()) >= 12


def test_every_test_a_guarantee_names_exists() -> None:
    named = _PROOF.findall(PAGE.read_text("utf-8"))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (ROOT / file).is_file() or name not in _functions(ROOT / file)
    ]

    assert missing == []
