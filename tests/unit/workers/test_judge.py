"""From an event's bytes to a decision; what cannot be decided fails alone."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from router.cli.catalogues import catalogues
from rules.loader import load_texts
from rules.ruleset import RuleSet
from tests.support.batches import webhook
from tests.support.routes import OPEN_DOOR
from workers import judge as judge_module
from workers.judge import judge


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    loaded = load_texts({"open.yaml": OPEN_DOOR}, catalogues())
    assert loaded.rule_set is not None
    return loaded.rule_set


def test_an_event_that_the_rules_choke_on_fails_alone(
    rule_set: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def chokes(*_: object) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(judge_module, "plan", chokes)
    with capture_logs() as logs:
        judged = judge(webhook("open", b'{"title": "a"}'), rule_set)

    assert judged.decision is None
    assert judged.reason is not None
    assert (judged.without, judged.reason.code) == ("failed", "internal")
    assert [entry["event"] for entry in logs] == ["event_not_decided"]


def test_rules_see_the_event_as_it_came(rule_set: RuleSet) -> None:
    event = webhook(
        "open", b'{"title": "a"}', type="t", delivery_id="d", headers={"h": "1"}, query={"q": "2"}
    )
    seen: list[Any] = []

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judge_module, "plan", lambda _, given, **__: seen.append(given))
        judge(event, rule_set)

    (given,) = seen
    assert (given.id, given.source, given.type, given.delivery_id) == (event.id, "none", "t", "d")
    assert (given.headers, given.query, given.body) == ({"h": "1"}, {"q": "2"}, {"title": "a"})


def test_without_its_connector_an_event_is_held(rule_set: RuleSet) -> None:
    judged = judge(webhook("gone", b"{}"), rule_set)

    assert judged.reason is not None
    assert (judged.without, judged.reason.code) == ("held", "no-connector")


def test_a_body_that_is_not_what_it_says_fails(rule_set: RuleSet) -> None:
    judged = judge(webhook("open", b"{"), rule_set)

    assert judged.reason is not None
    assert (judged.without, judged.reason.code) == ("failed", "unparseable")
