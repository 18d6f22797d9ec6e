"""The connector files that come along pass their own tests, and what those send may be passed on."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.cli.rule_tests import Result, run_tests
from router.cli.testing_report import details
from router.core.settings import Secrets
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
RECORDED = [
    pytest.param(file.stem, payload, id=f"{file.stem}/{payload.stem}")
    for file in sorted(CATALOGUE.glob("*.yaml"))
    for payload in sorted((CAPTURED / file.stem).glob("*.json"))
    if payload.name != "vectors.json"
]
NOT_MEANT = {
    "datadog/keep.low_disk_space.json": "another template than the one the file asks for",
    "datadog/keep.mq_consumer_struggling.json": "another template than the one the file asks for",
}
"""Recorded payloads that are none of what a file of the catalogue is for, each with the reason."""


def sent_to(connector: str, payload: Path, expect: dict[str, Any]) -> Result:
    """Send one payload to a connector of the catalogue."""
    file = CATALOGUE / f"{connector}.yaml"
    written = file.read_text("utf-8").partition("\ntests:")[0]
    test = {"name": payload.name, "event": str(payload), "expect": expect}
    text = f"{written}\ntests:\n  - {json.dumps(test)}\n"
    rule_set = load_texts({str(file): text}, catalogues()).rule_set
    assert rule_set is not None
    (result,) = run(rule_set)
    return result


@pytest.mark.parametrize(("connector", "payload"), RECORDED)
def test_whatever_a_sender_was_seen_to_send_is_decided(connector: str, payload: Path) -> None:
    result = sent_to(connector, payload, {"duplicate": True})  # something has to be expected
    (came,) = result.came

    if f"{connector}/{payload.name}" in NOT_MEANT:
        assert came.startswith("undecided")
    else:
        assert came.partition(":")[0] in {"routed", "dropped"}, came


@pytest.mark.parametrize(
    ("payload", "expect"),
    [
        ("shopify/orders_create.json", {"dropped": "not an order we act on"}),
        ("shopify/orders_cancelled.json", {"rule": "cancelled", "dropped": "no open task"}),
        ("shopify/products_update.json", {"dropped": "not an order we act on"}),
        ("shopify/refunds_create.json", {"rule": "refund", "outcome": "created"}),
        ("github/issues.labeled.json", {"rule": "bug", "outcome": "created"}),
        ("github/push.1.json", {"dropped": "nothing that wants a hand"}),
        ("stripe/djstripe.account.updated.json", {"dropped": "no money to run after"}),
    ],
)
def test_what_senders_really_sent_ends_as_the_catalogue_says(
    payload: str, expect: dict[str, Any]
) -> None:
    result = sent_to(payload.partition("/")[0], CAPTURED / payload, expect)

    assert result.outcome == "passed", "\n".join(details(result))


@pytest.mark.parametrize("file", FILES)
def test_the_first_line_of_a_file_tells_editors_its_schema(file: Path) -> None:
    first, *_ = file.read_text("utf-8").splitlines()
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)

    assert named is not None, first
    schema = (file.parent / named[1]).resolve()
    assert schema == ROOT / "rules" / "schema" / "connector.schema.json"


@pytest.mark.parametrize("file", sorted(CATALOGUE.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_top_of_a_file_says_how_its_sender_is_set_up(file: Path) -> None:
    top = file.read_text("utf-8").partition("\nversion:")[0]
    (connector,) = loaded(file).connectors.values()

    assert all(line.startswith("#") for line in top.splitlines())
    assert f"https://YOUR-HOST/hooks/{connector.name}" in top
    assert connector.name == file.stem
    for secret in connector.secrets:
        assert Secrets.variable(secret) in top
    if connector.source != "task":  # its one rule is for every event
        assert connector.otherwise is not None, "it says what becomes of all other events"


def test_the_page_of_the_catalogue_lists_every_file() -> None:
    page = (ROOT / "docs" / "contributing" / "catalogue.md").read_text("utf-8")
    listed = re.findall(
        r"^\| \[([\w-]+)\]\(\.\./\.\./rules/catalogue/\1\.yaml\) \|", page, re.MULTILINE
    )

    assert listed == sorted(file.stem for file in CATALOGUE.glob("*.yaml"))


@pytest.mark.parametrize("file", sorted(CATALOGUE.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_file_of_the_catalogue_can_be_used_beside_any_directory(file: Path) -> None:
    directory = (
        "directory: {people: {}, clients: {}, projects: {}, labels: {}, task_types: [other]}"
    )
    both = {str(file): file.read_text("utf-8"), "directory.yaml": directory}

    assert [f"{p.span}: {p.message}" for p in load_texts(both, catalogues()).problems] == []
