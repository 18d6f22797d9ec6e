"""The connector files that come along pass their own tests, and what those send may be passed on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.cli.rule_tests import Result, run_tests
from router.cli.testing_report import details
from rules.loader import load, load_texts
from rules.ruleset import RuleSet

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "rules" / "catalogue"
FOLDERS = (CATALOGUE, ROOT / "examples" / "routes")
FILES = [pytest.param(file, id=file.stem) for folder in FOLDERS for file in folder.glob("*.yaml")]
PAYLOADS = [
    pytest.param(file, id=f"{file.parent.name}/{file.name}")
    for file in sorted((CATALOGUE / "payloads").rglob("*.json"))
]
LICENCES = ("MIT", "MIT (outside ee/)", "Apache-2.0", "BSD-3-Clause", "own work (CC0)")
"""Licences under which others may pass a payload on. The wheel holds the catalogue's payloads."""


def loaded(file: Path) -> RuleSet:
    """Return the rules of one file, as if it were the only one."""
    rule_set = load_texts({str(file): file.read_text("utf-8")}, catalogues()).rule_set
    assert rule_set is not None
    return rule_set


def run(rule_set: RuleSet) -> Sequence[Result]:
    return list(run_tests(rule_set, rule_set.tests))


@pytest.mark.parametrize("file", FILES)
def test_a_file_passes_its_own_tests(file: Path) -> None:
    results = run(loaded(file))

    assert results, f"{file.name} has no tests"
    for result in results:
        assert result.outcome == "passed", "\n".join(details(result))


@pytest.mark.parametrize("file", FILES)
def test_each_rule_of_a_file_is_expected_by_name_in_a_test(file: Path) -> None:
    rule_set = loaded(file)
    (connector,) = rule_set.connectors.values()
    expects = [sent.expect for test in rule_set.tests for sent in test.events]
    named = {
        name
        for expect in expects
        if expect is not None
        for name in (expect.value.get("rule"), *expect.value.get("rules", ()))
    }

    assert {rule.name for rule in connector.rules if rule.mode == "live"} - named == set()
    if connector.otherwise is not None:
        dropped = [expect for expect in expects if expect is not None and "dropped" in expect.value]
        assert dropped, "a test shows what `otherwise` drops"


def test_every_payload_of_the_catalogue_is_sent_by_a_test() -> None:
    rule_set = load(CATALOGUE, catalogues()).rule_set
    assert rule_set is not None
    sent = {CATALOGUE / each.file for test in rule_set.tests for each in test.events if each.file}

    assert sent == {parameter.values[0] for parameter in PAYLOADS}


@pytest.mark.parametrize("file", PAYLOADS)
def test_a_payload_of_the_catalogue_may_be_passed_on_and_says_where_it_is_from(file: Path) -> None:
    envelope = json.loads(file.read_bytes())
    source = envelope["source"]

    assert (CATALOGUE / f"{file.parent.name}.yaml").is_file(), "the folder is named after the file"
    assert source["licence"] in LICENCES
    assert {"repo", "path", "commit", "kind"} <= source.keys()
    assert source["kind"] in {
        "captured",
        "vendor-doc",
        "test-fixture",
        "mock",
        "synthetic",
        "derived",
    }
    if source["kind"] in {"synthetic", "derived"}:
        assert source["note"]
    assert file.stat().st_size < 100_000
    shown = {name.lower() for name in envelope.get("headers", {})}
    assert not {name for name in shown if "signature" in name or "hmac" in name or "token" in name}
    assert not shown & {"authorization", "cookie", "content-length", "accept-encoding", "host"}


CAPTURED = ROOT / "tests" / "fixtures" / "sources"


@pytest.mark.parametrize(
    ("connector", "payload", "expect"),
    [
        ("shopify", "shopify/orders_create.json", {"dropped": "not an order we act on"}),
        (
            "shopify",
            "shopify/orders_cancelled.json",
            {"rule": "cancelled", "dropped": "no open task"},
        ),
        ("shopify", "shopify/products_update.json", {"dropped": "not an order we act on"}),
        ("github", "github/issues.labeled.json", {"rule": "bug", "outcome": "created"}),
        ("github", "github/push.1.json", {"dropped": "not a bug"}),
        ("stripe", "stripe/djstripe.account.updated.json", {"dropped": "no payment to look after"}),
    ],
)
def test_what_senders_really_sent_ends_as_the_catalogue_says(
    connector: str, payload: str, expect: dict[str, Any]
) -> None:
    file = CATALOGUE / f"{connector}.yaml"
    written = file.read_text("utf-8").partition("\ntests:")[0]
    test = {"name": payload, "event": str(CAPTURED / payload), "expect": expect}
    text = f"{written}\ntests:\n  - {json.dumps(test)}\n"
    rule_set = load_texts({str(file): text}, catalogues()).rule_set
    assert rule_set is not None

    (result,) = run(rule_set)

    assert result.outcome == "passed", "\n".join(details(result))
