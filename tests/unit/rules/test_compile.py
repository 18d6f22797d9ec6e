from __future__ import annotations

import pytest

from rules.loader import load_texts
from tests.support.catalogues import catalogues
from tests.support.rule_files import loaded, problems, rule_set, said

SHOP = "connector: {name}\nsource: {source}\nsecrets: [{name}_key]\n"
OPEN = "connector: {name}\nsource: none\n"


def test_files_of_all_kinds_make_one_set_of_rules() -> None:
    rules = rule_set(
        SHOP.format(name="shop", source="shopify"),
        b=SHOP.format(name="hub", source="github"),
        c="destinations: {main: {type: crm, token: shop_key}}\n",
        d="directory: {timezone: UTC}\n",
    )

    assert list(rules.connectors) == ["shop", "hub"]
    assert list(rules.intakes) == ["shop", "hub"]
    assert list(rules.destinations) == ["main"]
    assert rules.directory.timezone == "UTC"
    assert list(rules.files) == ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]
    assert {name: str(span) for name, span in rules.secrets.items()} == {
        "shop_key": "a.yaml:3:11",
        "hub_key": "b.yaml:3:11",
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[x]", "a.yaml:1:1 R010 the file does not say what it is"),
        ("just a text", "a.yaml:1:1 R010 the file does not say what it is"),
        ("{}", "a.yaml:1:1 R010 the file does not say what it is"),
        ("version: 1\nrules: []", "a.yaml:1:1 R010 the file does not say what it is"),
        ("version: 1\nconector: x", "a.yaml:2:1 R010 the file does not say what it is"),
        ("# x\nversion: 1\n", "a.yaml:2:1 R010 the file does not say what it is"),
        (
            "directory: {}\ndestinations: {}",
            "a.yaml:2:1 R010 the file is of two kinds: `directory` and `destinations`",
        ),
    ],
)
def test_a_file_is_of_one_kind(text: str, line: str) -> None:
    assert said(text) == [line]


def test_a_connector_that_is_there_already_is_a_problem_at_the_second() -> None:
    shop = SHOP.format(name="shop", source="shopify")
    (problem,) = problems(shop, b=shop)
    assert (str(problem.span), problem.code) == ("b.yaml:1:12", "R020")
    assert problem.hint == "the first is at a.yaml:1:12"


def test_connectors_without_a_name_are_not_the_same() -> None:
    assert [line.split()[1] for line in said("connector: 5\nsource: none\n", b="connector: 5\nsource: none\n")] == [
        "R013",
        "R013",
    ]  # fmt: skip


def test_an_error_anywhere_leaves_no_rules_and_no_hash() -> None:
    found = loaded(SHOP.format(name="shop", source="shopify"), b="directory: 5\n")
    assert found.rule_set is None
    assert found.files == ["a.yaml", "b.yaml"]


def test_it_is_noted_once_which_connectors_know_no_event_again() -> None:
    found = loaded(
        SHOP.format(name="shop", source="shopify"),
        b=OPEN.format(name="form"),
        c=OPEN.format(name="quiet") + "dedupe: off\n",
        d=OPEN.format(name="keyed") + "dedupe: {key: x}\n",
        e=OPEN.format(name="other"),
    )
    assert found.problems == []
    (note,) = found.notes
    assert (note.code, note.severity, str(note.span)) == ("R090", "note", "b.yaml:1:1")
    assert note.message == "nothing that is sent to `form`, `other` is taken for a duplicate"
    assert loaded(SHOP.format(name="shop", source="shopify")).notes == []


@pytest.mark.parametrize(
    ("broken", "codes"),
    [
        ("directory: [", ["R023"]),
        ("destinations: [", []),
        ("version: 1\ndestinations : [", []),
        ("connector: [", ["R023"]),
        ("[", []),
        ("# destinations: none\n[", []),
    ],
)
def test_names_are_not_called_unknown_while_the_file_that_may_hold_them_is_broken(
    broken: str, codes: list[str]
) -> None:
    shop = OPEN.format(name="shop") + "dedupe: off\ndeliver: [main]\n"
    found = load_texts({"a.yaml": shop, "b.yaml": broken}, catalogues()).problems
    assert [p.code for p in found if p.span.file == "a.yaml"] == codes


def test_a_file_with_thousands_of_mistakes_is_read_in_seconds() -> None:
    text = OPEN.format(name="shop") + "rules:\n" + "- x\n" * 50_000
    assert len(problems(text)) == 50_000
