"""What the templates of destinations see is what rule files are checked against."""

from __future__ import annotations

import pytest

from router.cli.catalogues import catalogues
from router.core.store.present import task_json
from router.core.store.schema import tasks
from rules.loader import load_texts
from rules.scope import TASK_KEYS, ScopeSpec
from tests.support.rows import event_row
from workers.destinations.request import Copy
from workers.destinations.templates import scope_of
from workers.line import _event

TASK = task_json({**{column.name: None for column in tasks.columns}, "source": {}})


def test_the_keys_of_a_task_are_those_of_the_contract() -> None:
    assert TASK.keys() - {"deliveries"} == TASK_KEYS


def test_all_that_is_seen_is_known_to_the_check() -> None:
    event = _event({"type": None, "delivery_id": None, **event_row()})
    roots = scope_of(Copy(task=TASK, key="k", event=event)).roots
    spec = ScopeSpec.of_destination()

    assert roots.keys() == spec.roots
    assert roots["event"].keys() == spec.keys_of("event")
    assert roots["delivery"].keys() == spec.keys_of("delivery")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("url: 'https://x.example/{{ delivery.idd }}'", "3:54 R061 there is no `delivery.idd`"),
        ("headers: {X-A: '{{ task.titel }}'}", "3:69 R061 there is no `task.titel`"),
        ("body: {a: ['{{ event.kind }}']}", "3:66 R061 there is no `event.kind`"),
        ("body: {a: '{{ task.label_ids }}'}", "3:51 R015 there is no `task.label_ids`"),
        ("body: {a: '{{ task.contact.email }}{{ task }}'}", None),
    ],
)
def test_a_field_that_no_task_has_is_a_problem_of_the_rule_file(
    where: str, line: str | None
) -> None:
    url = "" if where.startswith("url") else "url: 'https://x.example/', "
    text = f"destinations:\n  crm:\n    {{type: http, {url}{where}}}\n"
    loaded = load_texts({"a.yaml": text}, catalogues())

    said = [
        f"{one.span.line}:{one.span.column} {one.code} {one.message}" for one in loaded.problems
    ]
    assert said == ([] if line is None else [line])
