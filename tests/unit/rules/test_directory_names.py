"""What a set of rules publishes of its directory, for the API."""

from __future__ import annotations

from router.core.intake_table import IntakeTable
from router.core.names import DEFAULT_STATUSES
from tests.support.rule_files import rule_set

SHOP = """\
connector: shop
source: none
dedupe: off
rules:
  - name: note
    task: {title: x}
"""
DIRECTORY = """\
directory:
  people: {jane: {name: Jane Roe, email: Jane@in.example}, amir: }
  clients: {acme: {domains: [acme.example]}, other: }
  projects: {p: {client: acme, assignees: [amir]}}
  labels: {phone: }
  labels_open: true
  statuses: [{id: neu, kind: initial}, {id: fertig, kind: done}]
  task_types: [call]
  timezone: Europe/Berlin
  holidays: [2026-12-25]
"""


def test_all_that_is_listed_is_published_with_what_may_be_written_for_it() -> None:
    names = IntakeTable.model_validate(rule_set(SHOP, people=DIRECTORY).intake_table()).names

    assert [(one.id, one.name, one.email) for one in names.people] == [
        ("jane", "Jane Roe", "Jane@in.example"),
        ("amir", None, None),
    ]
    assert [(one.id, one.domains) for one in names.clients] == [
        ("acme", ("acme.example",)),
        ("other", ()),
    ]
    assert [(one.client, one.assignees) for one in names.projects] == [("acme", ("amir",))]
    assert [(one.id, one.kind) for one in names.statuses] == [
        ("neu", "initial"),
        ("fertig", "done"),
    ]
    assert [one.id for one in (*names.labels, *names.task_types)] == ["phone", "call"]
    assert names.known["people"]["jane@in.example"] == "jane"
    assert "labels" not in names.known  # labels are open
    assert (names.timezone, names.holidays[0].isoformat()) == ("Europe/Berlin", "2026-12-25")


def test_without_a_directory_every_name_is_free() -> None:
    names = IntakeTable.model_validate(rule_set(SHOP).intake_table()).names

    assert (names.known, names.people, names.timezone) == ({}, (), "UTC")
    assert names.statuses == DEFAULT_STATUSES
