"""Secrets that are missed: those that nothing stands for, whoever uses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cli.catalogues import catalogues
from router.core.settings import Secrets, load_settings
from rules.loader import load
from tests.support.routes import write_routes
from workers.missing_secrets import missing_secrets

SHOWS = "connector: a\nsource: {bearer: }\nsecrets: [key]\nrules: []\n"
SIGNS = "connector: b\nsource: shopify\nsecrets: [key]\nrules: []\n"
EITHER = "connector: c\nsource: grafana\nsecrets: [key]\nrules: []\n"
SENDS = """destinations:
  crm: {type: http, url: https://crm.example/tasks, headers: {X-Key: {secret: key}}}
"""
USES = SHOWS + "deliver: [crm]\n"


@pytest.mark.parametrize(
    ("files", "issued", "missed"),
    [
        ([SHOWS], (), ["key"]),
        ([SHOWS], ("key",), []),
        ([SHOWS], ("connector:a",), []),
        ([SHOWS], ("connector:b", "other"), ["key"]),
        ([SIGNS], ("key",), ["key"]),
        ([SIGNS], ("connector:b",), ["key"]),
        ([EITHER], ("key",), []),
        ([SHOWS, SIGNS], ("key",), ["key"]),
        ([SHOWS, EITHER], ("connector:a",), ["key"]),
        ([SHOWS, EITHER], ("connector:a", "connector:c"), []),
        ([USES, SENDS], ("key",), ["key"]),
    ],
)
def test_a_key_stands_for_a_secret_where_every_sender_of_it_shows_it(
    tmp_path: Path, files: list[str], issued: tuple[str, ...], missed: list[str]
) -> None:
    write_routes(tmp_path, **{f"f{number}": text for number, text in enumerate(files)})
    loaded = load(tmp_path, catalogues())
    assert loaded.rule_set is not None, loaded.problems
    unset, known = (Secrets(load_settings(), {}), Secrets(load_settings(), {SET: "x"}))

    assert list(missing_secrets(loaded.rule_set, unset, issued)) == missed
    assert missing_secrets(loaded.rule_set, known, issued) == {}


SET = Secrets.variable("key")
