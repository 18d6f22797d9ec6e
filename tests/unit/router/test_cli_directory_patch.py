"""What a destination has beside what the directory has: matched where it is certain, shown where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from router.cli.directory_patch import as_yaml, propose
from rules.loader import load_texts
from tests.support.catalogues import catalogues
from workers.destinations.destination import Entry

DIRECTORY = """\
directory:
  people:
    jane: {name: Jane Roe, email: Jane@acme.example}
    haddad: {name: amir  haddad}
    kim: {name: Kim, ids: {main: usr_7}}
    lee: {name: Lee}
  clients: {acme: }
  projects: {in-house/support: , acme/support: , acme/web: }
  labels: {Shopify: , urgent: {ids: {main: tag_99}}}
"""
MAIN = "destinations: {main: {type: crm, token: main_token}}"


def proposed(**listed: list[Entry]) -> str:
    loaded = load_texts({"a.yaml": DIRECTORY, "b.yaml": MAIN}, catalogues())
    assert loaded.rule_set is not None
    return as_yaml(propose(loaded.rule_set.directory, "main", listed))


def test_people_are_known_by_address_then_by_name() -> None:
    text = proposed(
        people=[
            Entry("usr_1", "J. Roe", "jane@ACME.example"),
            Entry("usr_2", "Amir Haddad", "a@other.example"),
            Entry("usr_7", "Kim"),
            Entry("usr_8", "Somebody", "some@body.example"),
        ]
    )

    assert yaml.safe_load(text) == {
        "directory": {
            "people": {"jane": {"ids": {"main": "usr_1"}}, "haddad": {"ids": {"main": "usr_2"}}}
        }
    }
    assert "#   usr_8  Somebody <some@body.example>" in text
    assert "# People of the directory that were not found there: lee" in text
    assert "usr_7" not in text


def test_the_patch_fits_into_a_directory(tmp_path: Path) -> None:
    text = proposed(people=[Entry("1e5", "Lee"), Entry("007", "Jane Roe")], labels=[])
    (tmp_path / "patch.yaml").write_text(text)

    loaded = load_texts({"patch.yaml": text, "b.yaml": MAIN}, catalogues())

    assert loaded.rule_set is not None
    people = loaded.rule_set.directory.people
    assert {name: dict(person.ids) for name, person in people.items()} == {
        "lee": {"main": "1e5"},
        "jane": {"main": "007"},
    }


def test_labels_and_projects_are_known_by_their_names() -> None:
    text = proposed(
        labels=[Entry("tag_1", "shopify"), Entry("tag_2", "urgent"), Entry("tag_3", "other")],
        projects=[Entry("prj_1", "Support"), Entry("prj_2", "Web"), Entry("prj_3", "")],
        clients=[Entry("clt_1", "ACME")],
    )

    assert yaml.safe_load(text)["directory"] == {
        "labels": {"Shopify": {"ids": {"main": "tag_1"}}},
        "projects": {"acme/web": {"ids": {"main": "prj_2"}}},
        "clients": {"acme": {"ids": {"main": "clt_1"}}},
    }
    assert "# The directory has tag_99 for label urgent, and urgent is tag_2." in text
    assert "#   prj_1  Support" in text  # two projects are called so
    assert "#   prj_3  without a name" in text


def test_two_of_one_name_are_nobody() -> None:
    text = proposed(people=[Entry("usr_1", "Lee"), Entry("usr_2", "lee")])

    assert yaml.safe_load(text) is None
    assert "#   usr_1  Lee" in text


def test_types_of_tasks_have_no_ids_and_are_shown() -> None:
    text = proposed(task_types=[Entry("type-1", "Follow up")])

    assert yaml.safe_load(text) is None
    assert text.splitlines()[1:] == ["# Types of tasks there:", "#   type-1  Follow up"]


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a: b #c", "no", "ünï"])
def test_odd_names_stay_what_they_are(name: str) -> None:
    text = proposed(people=[Entry(name.replace("\n", " "), "Lee")])

    assert yaml.safe_load(text)["directory"]["people"]["lee"]["ids"]["main"] == name.replace(
        "\n", " "
    )


def test_a_name_there_cannot_break_out_of_its_comment() -> None:
    text = proposed(people=[Entry("usr_1", "Lee\ndirectory: {}"), Entry("usr_2", "Lee")])

    assert yaml.safe_load(text)["directory"] == {"people": {"lee": {"ids": {"main": "usr_2"}}}}
