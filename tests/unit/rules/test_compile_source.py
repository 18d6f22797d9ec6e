from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.catalogues import SourceProblem
from rules.loader import load_texts
from rules.problems import Problem
from tests.support.catalogues import catalogues
from tests.support.rule_files import rendered, rule_set, said

ALERTS = "connector: alerts\nsource: alertmanager\nsecrets: [alerts_token]\n"
SHOP = "connector: shop\nsource: shopify\nsecrets: [shop_webhook]\n"


def intake(text: str) -> Any:
    return rule_set(text).intake_table()["connectors"]["shop"]


def problem_of_source(path: tuple[str | int, ...], message: str, source: str) -> Problem:
    """Return what is said of a source that its catalogue has something against."""
    found = SourceProblem(path, message, "something else", ("header", "name"))
    strict = replace(catalogues(), check_source=lambda _: [found])
    text = f"connector: shop\nsource: {source}\n"
    (problem,) = load_texts({"a.yaml": text}, strict).problems
    assert problem.code == "R030"
    return problem


@pytest.mark.parametrize(
    ("source", "normal"),
    [
        ("shopify", {"preset": "shopify"}),
        ("{preset: shopify, tolerance: 10m}", {"preset": "shopify", "tolerance": "10m"}),
        ("{header: X-Api-Key}", {"header": "X-Api-Key"}),
        ("{header: X, bearer: }", {"header": "X", "bearer": True}),
        ("{header: X, bearer: false}", {"header": "X", "bearer": False}),
    ],
)
def test_receivers_get_a_source_as_a_mapping(source: str, normal: dict[str, Any]) -> None:
    text = f"connector: shop\nsource: {source}\nsecrets: [a_key]\ndedupe: off\n"
    assert intake(text)["source"] == normal


def test_receivers_get_the_secrets_in_order_and_the_reply() -> None:
    text = "connector: shop\nsource: shopify\nsecrets: [new_key, old_key]\nreply: routed\n"
    assert intake(text) == {
        "name": "shop",
        "source": {"preset": "shopify"},
        "secrets": ["new_key", "old_key"],
        "reply": "routed",
    }
    assert {type(name) for name in intake(text)["secrets"]} == {str}
    assert intake(SHOP)["reply"] == "accepted"


@pytest.mark.parametrize(
    ("limits", "rate"),
    [
        ("{rate: 50/s}", {"count": 50, "span_ms": 1_000, "burst": 50}),
        ("{rate: 1/30h}", {"count": 1, "span_ms": 108_000_000, "burst": 1}),
        ("{rate: 50/s, burst: 200}", {"count": 50, "span_ms": 1_000, "burst": 200}),
        ("{rate: 10/5s, burst: }", {"count": 10, "span_ms": 5_000, "burst": 10}),
    ],
)
def test_a_burst_is_the_number_of_the_rate_unless_it_is_given(
    limits: str, rate: dict[str, int]
) -> None:
    assert intake(f"{SHOP}limits: {limits}\n")["rate"] == rate


def test_the_limit_of_a_body_is_in_bytes() -> None:
    found = intake(f"{SHOP}limits: {{body: 64KiB}}\n")
    assert found["body_limit"] == 65_536
    assert "rate" not in found


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("connector: shop\n", ["1:1 R030 nothing says how the sender is proven"]),
        ("connector: shop\nsource:\n", ["2:1 R030 nothing says how the sender is proven"]),
        ("connector: shop\nsorce: none\n", ["2:1 R011 there is no key `sorce` here"]),
        ("connector: shop\nsorce: none\nsource:\n", ["2:1 R011 there is no key `sorce` here"]),
        ("connector: shop\nsource: [none]\n", ["2:9 R030 this is no source"]),
        ("connector: shop\nsource: 5\n", ["2:9 R030 this is no source"]),
        ("connector: shop\nsource: shpify\n", ["2:9 R030 the source is not a preset"]),
        (
            "connector: shop\nsource: {preset: shpify}\n",
            ["2:18 R030 `preset` is not a preset"],
        ),
        (
            "connector: shop\nsource: {tolerance: 5m}\n",
            ["2:9 R030 the source does not say how the sender proves itself"],
        ),
        (
            "connector: my-shop\nsource: shopify\n",
            ["2:9 R031 shopify proves itself with a secret, and none is named"],
        ),
        (
            "connector: my-shop\nsource: shopify\nsecrets: []\n",
            ["3:10 R031 shopify proves itself with a secret, and none is named"],
        ),
        (
            "connector: shop\nsource: shopify\nsecret: [a]\n",
            ["3:1 R011 there is no key `secret` here"],
        ),
        (
            "connector: shop\nsource: none\nsecrets: [a_key]\n",
            ["3:10 R030 `none` takes no secret, so these would protect nothing"],
        ),
    ],
)
def test_a_sender_that_cannot_be_proven_is_a_problem(text: str, lines: list[str]) -> None:
    assert said(text) == [f"a.yaml:{line}" for line in lines]


@pytest.mark.parametrize(
    ("path", "source", "place", "subject"),
    [
        (("hmac", "header"), "{hmac: {header: 5}}", "2:25", "`header` is odd"),
        (("hmac", "header"), "{hmac: {}}", "2:16", "`header` is odd"),
        (("hmac", "header"), "{hmack: {header: x}}", "2:9", "`hmac` is odd"),
        (("preset",), "shopify", "2:9", "the source is odd"),
        ((), "{a: b}", "2:9", "the source is odd"),
    ],
)
def test_a_problem_of_a_source_is_as_near_to_its_cause_as_the_file_goes(
    path: tuple[str | int, ...], source: str, place: str, subject: str
) -> None:
    problem = problem_of_source(path, "is odd", source)
    assert f"{problem.span.line}:{problem.span.column}" == place
    assert problem.message == subject


@pytest.mark.parametrize(
    ("path", "source", "place"),
    [
        (("headr",), "{preset: x, headr: y}", "2:21"),
        (("hmac", "headr"), "{hmac: {headr: y}}", "2:17"),
        (("hmac", "headr"), "{hmac: {}}", "2:16"),
        (("hmac", "headr"), "{other: {}}", "2:9"),
    ],
)
def test_an_option_that_a_source_does_not_know_is_shown_at_its_key(
    path: tuple[str, ...], source: str, place: str
) -> None:
    problem = problem_of_source(path, "is not known here", source)
    assert f"{problem.span.line}:{problem.span.column}" == place
    assert problem.hint == "did you mean `header`?"


def test_a_preset_brings_its_key_for_duplicates_and_dedupe_replaces_or_removes_it() -> None:
    def dedupe(line: str) -> Any:
        shop = rule_set(SHOP + line).connectors["shop"]
        return shop.dedupe, shop.dedupe_within_s

    preset, within = dedupe("")
    assert preset is not None
    assert within == 48 * 3_600
    assert dedupe("dedupe: off\n") == (None, 48 * 3_600)
    own, within = dedupe('dedupe: {key: "{{ body.id }}", within: 2h}\n')
    assert (rendered(own, {"id": 7}), within) == (7, 7_200)
    kept, within = dedupe("dedupe: {within: 2h}\n")
    assert kept is not None
    assert within == 7_200
    assert dedupe("dedupe: {key: , within: 2h}\n")[0] is not None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "dedupe: {within: 1h}",
            "4:9 R032 alertmanager gives its events no id, so a key is needed",
        ),
        ("dedupe: {}", "4:9 R032 alertmanager gives its events no id, so a key is needed"),
        ("dedupe: no", "4:9 R013 this is no deduplication"),
        ("dedupe:", "4:8 R013 this is no deduplication"),
        ("dedupe: [a]", "4:9 R013 this is no deduplication"),
        ("dedupe: {key: {a: b}}", "4:15 R013 `key` is no text"),
        ('dedupe: {key: "{{ boddy }}"}', "4:19 R061 there is no `boddy`"),
        (
            'dedupe: {key: "{{ item.id }}"}',
            "4:19 R061 `item` is there only in a rule with `for_each`",
        ),
    ],
)
def test_deduplication_that_cannot_work_is_a_problem(line: str, problem: str) -> None:
    assert said(f"{ALERTS}{line}\n") == [f"a.yaml:{problem}"]


def test_without_a_source_nothing_is_said_of_a_key_that_may_not_be_needed() -> None:
    assert said("connector: shop\nsource: [none]\ndedupe: {within: 1h}\n") == [
        "a.yaml:2:9 R030 this is no source"
    ]
