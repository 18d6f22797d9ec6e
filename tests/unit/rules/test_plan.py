from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rules.compiled import CloseAction, Connector, DropAction, Rule
from rules.conditions_tree import Condition
from rules.decision import (
    CloseTask,
    Decision,
    Deduplication,
    Drop,
    Event,
    OpenTask,
    Reason,
    Step,
    TaskKey,
)
from rules.due import read_due, zone_of
from rules.fields import FIELDS
from rules.plan import decide, plan
from rules.scope import Scope
from tests.support.rule_parts import connector, event, rule, task, value

ORDER = {"id": 1001, "total": "640.00", "test": False, "note": None, "tags": ["a"]}


class RuleSet:
    def __init__(self, *connectors: Connector) -> None:
        self.connectors = {one.name: one for one in connectors}


def otherwise(action: Any) -> Rule:
    return Rule("otherwise", "rules.yaml:9", action)


def drop(reason: str) -> DropAction:
    return DropAction(value(reason))


def verdicts(decision: Decision) -> list[tuple[str, int | None, str]]:
    return [(v.rule, v.item, v.verdict) for v in decision.verdicts]


def opened(decision: Decision) -> OpenTask:
    (found,) = decision.actions
    assert isinstance(found.action, OpenTask)
    return found.action


def fields_of(body: Any = None, **fields: Any) -> dict[str, Any]:
    shop = connector(rule("r", action=task(fields=fields)), timezone="Europe/London")
    return dict(opened(decide(shop, event(body if body is not None else ORDER))).fields)


def refusals(body: Any = None, **fields: Any) -> list[tuple[str | None, str]]:
    shop = connector(rule("r", action=task(fields=fields)))
    decision = decide(shop, event(body if body is not None else ORDER))
    (verdict,) = decision.verdicts
    assert verdict.refused
    assert verdict.action is None
    assert decision.refused == verdict.reason == verdict.errors[0]
    assert decision.dropped is None
    return [(error.field, error.code) for error in verdict.errors]


def test_a_matching_rule_says_all_of_its_task() -> None:
    big = rule(
        "big order",
        "{event: orders/create, body.total: {gte: 500}}",
        task(
            "Fulfil {{ body.id }}",
            key="order-{{ body.id }}",
            version="{{ body.total }}",
            fields={"priority": "high", "custom": {"total": "{{ body.total | number }}"}},
        ),
    )
    decision = decide(connector(big, deliver=("crm",)), event(ORDER, type="orders/create"))
    (verdict,) = decision.verdicts
    assert (verdict.rule, verdict.at, verdict.verdict) == ("big order", "rules.yaml:1", "matched")
    assert verdict.action == OpenTask(
        fields={
            "title": "Fulfil 1001",
            "priority": "high",
            "custom": {"total": Decimal("640.00")},
        },
        key=TaskKey("order-1001"),
        version="640.00",
        deliver=("crm",),
        defaults={"timezone": "UTC"},
    )
    assert [step.verdict for step in verdict.why] == ["matched", "matched"]
    assert decision.deduplication == Deduplication(None, 48 * 3600)
    assert (decision.undecided, decision.refused, decision.dropped) == (None, None, None)


def test_the_connector_is_found_by_the_name_of_the_event() -> None:
    rules = RuleSet(connector(rule("r")))
    assert len(plan(rules, event()).actions) == 1
    lost = plan(rules, Event("i", "gone", "2026-11-23T09:12:45.120Z"))
    assert lost.undecided == Reason("no-connector", "no rules for the connector gone")
    assert lost.verdicts == ()


def test_every_matching_rule_acts_in_the_order_of_the_file() -> None:
    shop = connector(rule("a"), rule("b", "{body.id: 1}"), rule("c"))
    decision = decide(shop, event(ORDER))
    assert verdicts(decision) == [
        ("a", None, "matched"),
        ("b", None, "not"),
        ("c", None, "matched"),
    ]
    assert decision.verdicts[1].why == (
        Step("body.id eq", "not", 1, 1001, decision.verdicts[1].why[0].at),
    )


def test_nothing_matched_is_dropped_with_that_reason() -> None:
    decision = decide(connector(rule("a", "{body.id: 1}")), event(ORDER))
    assert decision.dropped == Reason("no-rule-matched", "no rule matched")
    assert decide(connector(), event()).dropped == Reason("no-rule-matched", "no rule matched")


def test_otherwise_acts_when_no_rule_matched() -> None:
    last = otherwise(drop("not an order: {{ event.type }}"))
    shop = connector(rule("a", "{body.id: 1}"), otherwise=last)
    decision = decide(shop, event(ORDER, type="ping"))
    assert decision.verdicts[-1].rule == "otherwise"
    assert decision.dropped == Reason("dropped", "not an order: ping", "rules.yaml:9")
    decision = decide(connector(rule("a"), otherwise=last), event(ORDER))
    assert verdicts(decision) == [("a", None, "matched")]


def test_otherwise_may_open_a_task_and_may_be_undecided_itself() -> None:
    decision = decide(connector(otherwise=otherwise(task("Look"))), event())
    assert opened(decision).fields == {"title": "Look"}
    decision = decide(connector(otherwise=otherwise(drop("{{ body.gone }}"))), event({}))
    assert decision.undecided == Reason(
        "undefined", "drop: body.gone is not there", "rules.yaml:1:1"
    )
    assert decision.dropped is None


def test_otherwise_does_not_act_beside_an_undecided_rule() -> None:
    shop = connector(rule("a", "{body.note: {gt: 1}}"), otherwise=otherwise(drop("no")))
    decision = decide(shop, event(ORDER))
    assert verdicts(decision) == [("a", None, "undecided")]
    assert decision.undecided is not None
    assert decision.undecided.message.startswith("body.note gt: gt needs a number")
    assert decision.dropped is None


def test_what_is_decided_is_done_beside_an_undecided_rule() -> None:
    shop = connector(
        rule("a", "body.gone == 1"), rule("b"), rule("c", action=task("{{ body.gone }}"))
    )
    decision = decide(shop, event(ORDER))
    assert verdicts(decision) == [
        ("a", None, "undecided"),
        ("b", None, "matched"),
        ("c", None, "undecided"),
    ]
    assert decision.undecided is not None
    assert decision.undecided.message == "body.gone == 1: body.gone is not there"
    assert decision.verdicts[2].reason == Reason(
        "undefined", "title: body.gone is not there", "rules.yaml:1:1"
    )
    assert [v.rule for v in decision.actions] == ["b"]


def test_the_reason_of_an_undecided_condition_is_the_part_that_counts() -> None:
    when = "{any: [{body.note: {gt: 1}}, {body.id: 1001}], body.tags: {gt: 5}}"
    decision = decide(connector(rule("a", when)), event(ORDER))
    assert decision.undecided is not None
    assert decision.undecided.message.startswith("body.tags gt: ")
    nested = "{any: [{body.id: 1}, {not: {body.note: {gt: 1}}}]}"
    decision = decide(connector(rule("a", nested)), event(ORDER))
    assert decision.undecided is not None
    assert decision.undecided.message.startswith("body.note gt: ")


def test_the_first_match_alone_acts_where_the_connector_says_so() -> None:
    rules = [rule("a", "{body.id: 1}"), rule("b"), rule("c")]
    decision = decide(connector(*rules, match="first"), event(ORDER))
    assert verdicts(decision) == [("a", None, "not"), ("b", None, "matched")]


def test_an_undecided_rule_before_the_match_stops_the_search() -> None:
    rules = [rule("a", "body.gone"), rule("b")]
    decision = decide(connector(*rules, match="first", otherwise=otherwise(drop("x"))), event({}))
    assert verdicts(decision) == [("a", None, "undecided")]
    assert decision.actions == ()


def test_a_drop_beside_a_task_is_noted_and_the_task_done() -> None:
    shop = connector(rule("a", action=drop("spam")), rule("b"))
    decision = decide(shop, event())
    assert [v.rule for v in decision.actions] == ["b"]
    assert decision.verdicts[0].action == Drop("spam")
    assert decision.dropped is None
    alone = decide(connector(rule("a", action=drop(""))), event())
    assert alone.dropped == Reason("dropped", "dropped by the rule a", "rules.yaml:1")


ALERTS = {"alerts": [{"s": "firing", "n": 1}, {"s": "resolved", "n": 2}, {"s": "firing", "n": 3}]}


def test_each_item_of_a_list_is_decided_by_itself() -> None:
    shop = connector(
        rule("fire", "{item.s: firing}", task("{{ item.n }}"), for_each="body.alerts"),
        rule("solve", "{item.s: resolved}", task("{{ item.n }}"), for_each="body.alerts"),
    )
    decision = decide(shop, event(ALERTS))
    acting = [(v.rule, v.item) for v in decision.actions]
    assert acting == [("fire", 0), ("fire", 2), ("solve", 1)]


def test_one_bad_item_leaves_the_others() -> None:
    shop = connector(rule("fire", None, task("{{ item.s }}"), for_each="body.alerts"))
    decision = decide(shop, event({"alerts": [{"s": "x"}, {}, {"s": "y"}]}))
    assert verdicts(decision) == [
        ("fire", 0, "matched"),
        ("fire", 1, "undecided"),
        ("fire", 2, "matched"),
    ]
    assert decision.undecided is not None


@pytest.mark.parametrize("body", [{}, {"alerts": []}, None])
def test_an_empty_or_missing_list_has_no_items(body: Any) -> None:
    decision = decide(connector(rule("fire", for_each="body.alerts")), event(body))
    assert decision.verdicts == ()
    assert decision.dropped == Reason("no-rule-matched", "no rule matched")


@pytest.mark.parametrize(
    ("alerts", "shown"), [(None, "null"), ({}, "object"), ("x", "string"), (5, "number")]
)
def test_what_is_no_list_is_undecided(alerts: Any, shown: str) -> None:
    shop = connector(rule("fire", for_each="body.alerts"), rule("b"))
    decision = decide(shop, event({"alerts": alerts}))
    assert decision.undecided == Reason(
        "for-each", f"for_each needs a list, body.alerts is {shown}"
    )
    assert verdicts(decision) == [("fire", None, "undecided"), ("b", None, "matched")]


def test_a_list_that_is_a_variable_may_fail() -> None:
    shop = connector(rule("fire", for_each="vars.who"), vars={"who": value("{{ body.gone }}")})
    decision = decide(shop, event({}))
    assert decision.undecided is not None
    assert decision.undecided.message == "for_each: vars.who: body.gone is not there"


def test_match_first_counts_the_event_not_the_item() -> None:
    shop = connector(
        rule("fire", "{item.s: firing}", task(), for_each="body.alerts"),
        rule("all"),
        match="first",
        otherwise=otherwise(drop("x")),
    )
    assert [(v.rule, v.item) for v in decide(shop, event(ALERTS)).actions] == [
        ("fire", 0),
        ("fire", 2),
    ]


def test_rules_and_items_act_in_the_order_of_the_file_and_the_list() -> None:
    rules = [
        rule("a", for_each="body.alerts"),
        rule("b"),
        rule("c", for_each="body.others"),
        rule("d", for_each="body.alerts"),
    ]
    body = {"alerts": [1, 2], "others": [3]}
    acting = [(v.rule, v.item) for v in decide(connector(*rules), event(body)).actions]
    assert acting == [("a", 0), ("a", 1), ("b", None), ("c", 0), ("d", 0), ("d", 1)]


def test_many_items_ask_only_the_rules_that_may_match() -> None:
    rules = [rule(f"r{n}", f"{{item.s: s{n}}}", for_each="body.alerts") for n in range(50)]
    body = {"alerts": [{"s": f"s{n}"} for n in range(50)]}
    decision = decide(connector(*rules), event(body))
    assert len(decision.verdicts) == len(decision.actions) == 50


def test_rules_that_are_off_are_not_asked_and_shadow_rules_only_noted() -> None:
    shop = connector(
        rule("off", mode="off"),
        rule("shadow", mode="shadow"),
        rule("broken", action=task("{{ body.gone }}"), mode="shadow"),
        otherwise=otherwise(drop("nothing")),
    )
    decision = decide(shop, event({}))
    assert verdicts(decision) == [("otherwise", None, "matched")]
    assert [(v.rule, v.verdict) for v in decision.shadow] == [
        ("shadow", "matched"),
        ("broken", "undecided"),
    ]
    assert decision.undecided is None
    assert decision.dropped == Reason("dropped", "nothing", "rules.yaml:9")
    first = connector(
        rule("shadow", mode="shadow"), rule("b"), rule("s2", mode="shadow"), match="first"
    )
    decision = decide(first, event())
    assert [v.rule for v in decision.verdicts] == ["b"]
    assert [v.rule for v in decision.shadow] == ["shadow", "s2"]


def test_a_rule_may_close_a_task() -> None:
    action = CloseAction(
        "complete",
        value("k-{{ body.id }}"),
        shared="orders",
        version=value("{{ body.total }}"),
        note=value("Paid {{ body.total }}"),
        reopen_within_s=60,
    )
    (verdict,) = decide(connector(rule("paid", action=action)), event(ORDER)).actions
    assert verdict.action == CloseTask(
        "complete", TaskKey("k-1001", "orders"), "640.00", "Paid 640.00", 60
    )
    bare = CloseAction("cancel", value("k"), note=value("{{ body.note }}"))
    (verdict,) = decide(connector(rule("gone", action=bare)), event(ORDER)).actions
    assert verdict.action == CloseTask("cancel", TaskKey("k"))


def test_a_close_without_a_key_is_refused() -> None:
    action = CloseAction("complete", value("{{ body.note }}"))
    decision = decide(connector(rule("paid", action=action)), event(ORDER))
    assert decision.refused == Reason("blank", "the key is null or blank", "rules.yaml:1", "key")


def test_destinations_of_a_rule_replace_those_of_the_connector() -> None:
    for deliver, expected in ((None, ("crm",)), ((), ()), (("ops",), ("ops",))):
        shop = connector(rule("a", deliver=deliver), deliver=("crm",))
        assert opened(decide(shop, event())).deliver == expected


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{{ event.delivery_id }}", "d-1"),
        ("{{ body.id }}", "1001"),
        ("{{ body.note }}", None),
        (" \t", None),
        ("x{{ body.total }}", "x640.00"),
        ("k" * 512, "k" * 512),
        ("k" * 513, f"sha256:{hashlib.sha256(b'k' * 513).hexdigest()}"),
        ("é" * 257, f"sha256:{hashlib.sha256(('é' * 257).encode()).hexdigest()}"),
    ],
)
def test_deduplication_keys(template: str, key: str | None) -> None:
    shop = connector(dedupe=value(template), dedupe_within_s=60)
    found = decide(shop, event(ORDER, delivery_id="d-1")).deduplication
    assert found == Deduplication(key, 60)


def test_a_deduplication_key_that_cannot_be_had_stops_everything() -> None:
    shop = connector(rule("a"), dedupe=value("{{ event.delivery_id }}"))
    decision = decide(shop, event())
    assert decision.undecided == Reason(
        "undefined", "dedupe: event.delivery_id is not there", "rules.yaml:1:1"
    )
    assert decision.verdicts == ()


def test_fields_take_their_kind() -> None:
    fields = fields_of(
        {
            "labels": ["a", None, "b", "a", 5],
            "minutes": "30",
            "nothing": None,
            "when": "2026-07-01",
        },
        description="{{ body.minutes }}\n",
        labels="{{ body.labels }}",
        assignees="{{ body.people | default(none) }}",
        followers=["jane", "{{ body.nothing }}"],
        duration_minutes="{{ body.minutes }}",
        priority="{{ body.nothing }}",
        type="call",
        client="{{ body.nothing }}",
        project=7,
        links=[{"object": "people", "id": 5}, None],
        reminder={"days_before": 1, "time": "10:00"},
        custom={"a": ["\x00", {"b\x00": 1}], "n": None},
        due="{{ body.when }}",
    )
    assert fields == {
        "title": "Look into it",
        "description": "30",
        "labels": ["a", "b", "5"],
        "followers": ["jane"],
        "duration_minutes": 30,
        "type": "call",
        "project": "7",
        "links": [{"object": "people", "id": "5"}],
        "reminder": {"days_before": 1, "time": "10:00", "notify": "email"},
        "custom": {"a": ["\ufffd", {"b\ufffd": 1}], "n": None},
        "due_at": "2026-07-01T22:59:59Z",
        "due_date": "2026-07-01",
        "due_time": None,
        "all_day": True,
        "timezone": "Europe/London",
    }


NULL = "{{ body.note }}"
MONDAY = "2026-11-23T09:12:45.120Z"


def test_null_leaves_a_field_unset() -> None:
    names = sorted(FIELDS - {"title"})
    assert fields_of(**dict.fromkeys(names, NULL)) == {"title": "Look into it"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": NULL}, ("title", "blank")),
        ({"title": " \n\x00 "}, ("title", "blank")),
        ({"labels": "one"}, ("labels", "wrong-type")),
        ({"labels": [["nested"]]}, ("labels", "wrong-type")),
        ({"labels": [True]}, ("labels", "wrong-type")),
        ({"priority": "High"}, ("priority", "not-a-choice")),
        ({"type": ["call"]}, ("type", "wrong-type")),
        ({"duration_minutes": "half an hour"}, ("duration_minutes", "wrong-type")),
        ({"duration_minutes": 0}, ("duration_minutes", "wrong-type")),
        ({"duration_minutes": "{{ 0 }}"}, ("duration_minutes", "wrong-type")),
        ({"duration_minutes": -1}, ("duration_minutes", "wrong-type")),
        ({"duration_minutes": 1.5}, ("duration_minutes", "wrong-type")),
        ({"links": "x"}, ("links", "wrong-type")),
        ({"links": [{"object": "people"}]}, ("links", "wrong-type")),
        ({"links": [{"object": "people", "id": NULL}]}, ("links", "blank")),
        ({"custom": ["x"]}, ("custom", "wrong-type")),
        ({"reminder": "x"}, ("reminder", "wrong-type")),
        ({"reminder": {"days": 1}}, ("reminder", "wrong-type")),
        ({"reminder": {"days_before": -1}}, ("reminder", "wrong-type")),
        ({"reminder": {"time": "25:00"}}, ("reminder", "wrong-type")),
        ({"reminder": {"notify": "sms"}}, ("reminder", "not-a-choice")),
        ({"timezone": "Mars/Base"}, ("timezone", "unknown-name")),
        ({"due": "someday"}, ("due", "not-a-date")),
        ({"due": 5}, ("due", "not-a-date")),
        ({"due": "2026-07-01", "due_at": "2026-07-01"}, ("due", "not-a-date")),
        ({"due_time": "10:00"}, ("due_time", "not-a-date")),
        ({"due_date": "2026-07-01", "due_time": "x"}, ("due_time", "not-a-date")),
        ({"due_date": "tomorrow"}, ("due_date", "not-a-date")),
        ({"due_date": "2026-07-01 10:00"}, ("due_date", "not-a-date")),
        ({"due": "{{ body.note | default('', true) }}"}, ("due", "not-a-date")),
        ({"due": "{{ '+3 days' }}"}, ("due", "not-a-date")),
        ({"due": "+{{ 2 }}h 17:00"}, ("due", "not-a-date")),
        ({"due": "+{{ 9 }}999d"}, ("due", "not-a-date")),
        ({"start": "x"}, ("start", "not-a-date")),
        ({"start_at": "next week"}, ("start_at", "not-a-date")),
    ],
)
def test_a_field_no_task_may_have_refuses_the_task(
    fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusals(**fields) == [expected]


def test_everything_that_is_not_valid_is_named_at_once() -> None:
    found = refusals(title="", labels="x", priority="x", due="x")
    assert found == [
        ("title", "blank"),
        ("labels", "wrong-type"),
        ("priority", "not-a-choice"),
        ("due", "not-a-date"),
    ]


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("a\nb\r\nc\td\x7fe\u2028f", "a b c d e f"),
        ("a\x00b", "ab"),
        ("  around  ", "  around  "),
        ("x" * 10_000, "x" * 10_000),
        ("x" * 10_001, "x" * 9_999 + "…"),
        ("{{ body.id }}", "1001"),
        ("{{ body.tags }}", '["a"]'),
        ("\\ud800", "\\ud800"),
    ],
)
def test_odd_titles_are_made_one_line(title: str, kept: str) -> None:
    body = {"raw": title, **ORDER}
    template = title if title.startswith("{{") else "{{ body.raw }}"
    assert fields_of(body, title=template)["title"] == kept


@pytest.mark.parametrize(
    ("key", "found"),
    [("{{ body.id }}", "1001"), (" k ", " k "), ("k" * 512, "k" * 512), ("a\x00b", "a\ufffdb")],
)
def test_keys_are_texts(key: str, found: str) -> None:
    shop = connector(rule("r", action=task(key=key)))
    assert opened(decide(shop, event(ORDER))).key == TaskKey(found)


@pytest.mark.parametrize(
    ("key", "code"), [(NULL, "blank"), ("  ", "blank"), ("k" * 513, "too-long")]
)
def test_keys_that_are_blank_or_too_long_are_refused(key: str, code: str) -> None:
    decision = decide(connector(rule("r", action=task(key=key))), event(ORDER))
    assert decision.refused is not None
    assert (decision.refused.field, decision.refused.code) == ("key", code)


def test_a_version_that_is_null_or_blank_is_none() -> None:
    for version, expected in ((NULL, None), ("", None), ("{{ body.id }}", "1001")):
        shop = connector(rule("r", action=task(key="k", version=version)))
        assert opened(decide(shop, event(ORDER))).version == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"due": "2026-07-01 10:00"}, ("2026-07-01T09:00:00Z", "10:00", "Europe/London")),
        (
            {"due": "2026-07-01 10:00", "timezone": "America/New_York"},
            ("2026-07-01T14:00:00Z", "10:00", "America/New_York"),
        ),
        (
            {"due_date": "2026-07-01", "due_time": "10:00"},
            ("2026-07-01T09:00:00Z", "10:00", "Europe/London"),
        ),
        ({"due_at": "2026-07-01T10:00:00Z"}, ("2026-07-01T10:00:00Z", "11:00", "Europe/London")),
    ],
)
def test_dates_are_read_in_the_zone_of_the_task(
    fields: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    found = fields_of(**fields)
    assert (found["due_at"], found["due_time"], found["timezone"]) == expected


def test_the_zone_of_the_defaults_may_come_from_the_payload() -> None:
    shop = connector(
        rule("r", action=task(fields={"due": "2026-11-24 17:00"})),
        defaults={"timezone": value("{{ body.zone }}")},
    )

    action = opened(decide(shop, event({"zone": "America/New_York"})))

    assert action.fields["due_at"] == "2026-11-24T22:00:00Z"
    assert action.fields["timezone"] == action.defaults["timezone"] == "America/New_York"
    assert opened(decide(shop, event({"zone": None}))).fields["timezone"] == "UTC"
    refused = decide(shop, event({"zone": "Mars/Base"})).refused
    assert refused is not None
    assert "Mars/Base" in refused.message


def test_a_start_is_an_instant() -> None:
    assert fields_of(start="2026-07-01") == {
        "title": "Look into it",
        "start_at": "2026-06-30T23:00:00Z",
    }
    assert fields_of(start_at="2026-07-01T10:00:00Z")["start_at"] == "2026-07-01T10:00:00Z"
    assert fields_of(start="tomorrow")["start_at"] == "2026-11-24T00:00:00Z"
    assert fields_of(start_at="+2h")["start_at"] == "2026-11-23T11:12:45.120Z"


DUE = ("due_at", "due_date", "due_time", "all_day")


def planned(
    fields: dict[str, Any], body: Any = None, *, received_at: str = MONDAY, **given: Any
) -> OpenTask:
    given.setdefault("timezone", "Europe/London")
    shop = connector(rule("r", action=task(fields=fields)), **given)
    return opened(decide(shop, event(body, received_at=received_at)))


def test_a_phrase_counts_from_the_event_in_the_zone_of_the_task() -> None:
    late = "2026-11-23T23:30:00.000Z"
    holidays = (date(2026, 11, 25),)
    for zone, day in (("Europe/London", "2026-11-24"), ("Asia/Tokyo", "2026-11-26")):
        action = planned(
            {"due": "+1 business day 17:00", "timezone": zone}, received_at=late, holidays=holidays
        )
        assert (action.fields["due_date"], action.fields["due_time"]) == (day, "17:00")
        assert action.fields["timezone"] == zone


def test_a_phrase_may_come_from_the_payload() -> None:
    body = {"when": "Next FRIDAY 9:00", "days": 3, "none": None}
    assert fields_of(body, due="{{ body.when }}")["due_at"] == "2026-11-27T09:00:00Z"
    assert fields_of(body, due="+{{ body.days }}d")["due_date"] == "2026-11-26"
    assert fields_of(body, due="{{ body.none }}") == {"title": "Look into it"}


def test_fields_that_count_from_the_event_are_known_by_name() -> None:
    assert planned({"due": "+1d"}).relative == {*DUE, "timezone"}
    assert planned({"due_at": "+1d", "timezone": "UTC"}).relative == {*DUE}
    assert planned({"start": "+1d"}).relative == {"start_at"}
    assert planned({"start_at": "+2h", "due": "2026-12-01"}).relative == {"start_at"}
    assert planned({"due": "2026-12-01", "start": "2026-11-30"}).relative == frozenset()
    assert planned({}, fixed={"due": value("tomorrow")}).relative == {*DUE, "timezone"}


def test_an_update_leaves_what_counts_from_the_event() -> None:
    action = planned({"due": "+1d", "start": "2026-11-30", "priority": "high"})
    assert action.lasting == {
        "title": "Look into it",
        "start_at": "2026-11-30T00:00:00Z",
        "priority": "high",
    }
    fixed = planned({"due": "2026-12-01"})
    assert fixed.lasting == fixed.fields


def test_a_default_that_counts_from_the_event_is_for_opening_and_reopening() -> None:
    defaults = {"due": value("+1d"), "priority": value("low")}

    action = planned({}, defaults=defaults)
    assert (action.fields["due_date"], action.relative) == (
        "2026-11-24",
        frozenset({*DUE, "timezone"}),
    )
    assert action.defaults == {"timezone": "Europe/London", "priority": "low"}

    action = planned({"due": "2026-12-01", "timezone": "UTC"}, defaults=defaults)
    assert (action.fields["due_date"], action.relative) == ("2026-12-01", frozenset())
    action = planned(
        {"due": "{{ body.none }}", "timezone": "UTC"}, {"none": None}, defaults=defaults
    )
    assert (action.fields["due_at"], action.relative) == ("2026-11-24T23:59:59Z", frozenset(DUE))


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ({"fields": {"timezone": "Asia/Tokyo"}, "defaults": "Europe/Paris"}, "Asia/Tokyo"),
        ({"fields": {"timezone": "{{ body.zone }}"}, "defaults": "Europe/Paris"}, "Asia/Dubai"),
        ({"fields": {"timezone": "{{ body.none }}"}, "defaults": "Europe/Paris"}, "Europe/Paris"),
        ({"fields": {}, "defaults": "{{ body.zone }}"}, "Asia/Dubai"),
        ({"fields": {}, "defaults": "{{ body.none }}"}, "Africa/Lagos"),
        ({"fields": {}}, "Africa/Lagos"),
        ({"fields": {}, "directory": "UTC"}, "UTC"),
    ],
)
def test_the_zone_is_the_rules_else_the_defaults_else_the_directorys(
    given: dict[str, Any], zone: str
) -> None:
    defaults = {"timezone": value(given["defaults"])} if "defaults" in given else {}
    action = planned(
        {"due": "today", **given["fields"]},
        {"zone": "Asia/Dubai", "none": None},
        defaults=defaults,
        timezone=given.get("directory", "Africa/Lagos"),
    )
    assert action.fields["timezone"] == action.defaults["timezone"] == zone
    assert action.fields["due_at"] == read_due("today", zone_of(zone), MONDAY)[0].at


def test_a_reminder_takes_what_is_null_as_not_given_and_a_time_without_its_zero() -> None:
    body = {"none": None, "days": "2", "time": "9:05"}
    whole = fields_of(
        body,
        reminder={
            "days_before": "{{ body.none }}",
            "time": "{{ body.none }}",
            "notify": "{{ body.none }}",
        },
    )
    assert whole["reminder"] == {"days_before": 0, "time": None, "notify": "email"}
    part = fields_of(body, reminder={"days_before": "{{ body.days }}", "time": "{{ body.time }}"})
    assert part["reminder"] == {"days_before": 2, "time": "09:05", "notify": "email"}
    assert fields_of(body, reminder={"notify": "none"})["reminder"]["notify"] == "none"


def test_fixed_fields_and_defaults_of_the_connector() -> None:
    shop = connector(
        rule("r", action=task(fields={"labels": ["a"]})),
        fixed={"project": value("in-house/support")},
        defaults={"priority": value("medium"), "due": value("2026-07-01")},
        timezone="Europe/London",
    )
    action = opened(decide(shop, event()))
    assert action.fields == {
        "title": "Look into it",
        "labels": ["a"],
        "project": "in-house/support",
    }
    assert action.defaults == {
        "timezone": "Europe/London",
        "priority": "medium",
        "due_at": "2026-07-01T22:59:59Z",
        "due_date": "2026-07-01",
        "due_time": None,
        "all_day": True,
    }
    broken = connector(rule("r"), defaults={"priority": value("{{ body.gone }}")})
    decision = decide(broken, event({}))
    assert decision.undecided is not None
    assert decision.undecided.message == "defaults.priority: body.gone is not there"


def test_names_the_directory_does_not_know_are_refused() -> None:
    known = {
        "people": {"jane": "jane", "jane@acme.example": "jane"},
        "labels": {"vip": "vip"},
        "task_types": {"call": "call"},
    }
    good = {"assignees": ["jane", "Jane@ACME.example"], "labels": ["vip"], "type": "call"}
    shop = connector(rule("r", action=task(fields=good)), known=known)
    assert opened(decide(shop, event())).fields["assignees"] == ["jane"]
    bad = {"assignees": ["joe"], "followers": ["joe"], "labels": ["x"], "type": "x", "client": "x"}
    shop = connector(rule("r", action=task(fields=bad)), known=known)
    (verdict,) = decide(shop, event()).verdicts
    assert [(e.field, e.code) for e in verdict.errors] == [
        ("assignees", "unknown-name"),
        ("followers", "unknown-name"),
        ("labels", "unknown-name"),
        ("type", "unknown-name"),
    ]


class _Exploding(Condition):
    __slots__ = ()

    @property
    def variables(self) -> frozenset[str]:
        return frozenset()

    def test(self, scope: Scope) -> bool | None:
        return self.judge(scope)[0]

    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        raise ZeroDivisionError("boom")


def test_a_surprise_inside_one_rule_makes_that_rule_undecided() -> None:
    bomb = Rule("bomb", "rules.yaml:1", task(), when=_Exploding("rules.yaml:1:1"))
    decision = decide(connector(bomb, rule("b")), event())
    assert verdicts(decision) == [("bomb", None, "undecided"), ("b", None, "matched")]
    assert decision.undecided == Reason("internal", "unexpected ZeroDivisionError: boom")


def test_an_event_is_decided_the_same_whatever_its_body_is() -> None:
    shop = connector(rule("a", "{body.x: {gt: 1}}"), rule("b", action=task("{{ body }}")))
    bodies: list[Any] = [None, [], {}, "text", 5, Decimal("1.5"), True, [[[]]], {"x": {"x": {}}}]
    for body in bodies:
        assert decide(shop, event(body)) == decide(shop, event(body))
