from __future__ import annotations

from typing import Any

import pytest

from tests.support.rule_files import HEAD, connector, problems, rendered, task


def said_of_reminder(reminder: str) -> list[str]:
    found = problems(f"{HEAD}otherwise: {{task: {{title: x, reminder: {reminder}}}}}\n")
    parts = [(one.span.column - 39, one.code, one.message, one.hint) for one in found]
    return [" ".join(str(part) for part in one if part is not None) for one in parts]


@pytest.mark.parametrize(
    ("reminder", "lines"),
    [
        ("{days_before: 1, time: 10:00, notify: email}", []),
        ("{days_before: , time: , notify: }", []),
        ("{}", []),
        ("{time: 9:00}", []),
        ("'{{ body.reminder }}'", []),
        ("{days_before: '{{ body.days }}', time: '{{ body.time }}', notify: '{{ body.by }}'}", []),
        ("{days_before: -1}", ["15 R015 `days_before` cannot be read"]),
        ("{days_before: 3651}", ["15 R015 `days_before` cannot be read"]),
        ("{days_before: 0.5}", ["15 R015 `days_before` cannot be read"]),
        ("{days_before: true}", ["15 R015 `days_before` cannot be read"]),
        ("{days_before: [1]}", ["15 R013 `days_before` cannot be read"]),
        ("{time: 5pm}", ["8 R015 `time` cannot be read did you mean `17:00`?"]),
        ("{time: 25:00}", ["8 R015 `time` cannot be read"]),
        ("{notify: emial}", ["10 R014 `notify` is not one of the choices did you mean `email`?"]),
        ("{notify: [email]}", ["10 R014 `notify` is not one of the choices"]),
        ("{day_before: 1}", ["2 R011 there is no key `day_before` here did you mean `days_before`?"]),
        (
            "{days_before: '{{ body.days }}', time: 25:00}",
            ["40 R015 `time` cannot be read"],
        ),
        ("10:00", ["1 R013 `reminder` is not a mapping"]),
    ],
)  # fmt: skip
def test_a_reminder_is_checked_part_by_part_as_far_as_it_is_known(
    reminder: str, lines: list[str]
) -> None:
    assert said_of_reminder(reminder) == lines


def test_a_reminder_may_be_a_template_whole_or_in_part() -> None:
    body: dict[str, Any] = {"days": 2, "reminder": {"time": "08:00"}}
    for reminder, expected in (
        ("{days_before: '{{ body.days }}', time: 10:00}", {"days_before": 2, "time": "10:00"}),
        ("'{{ body.reminder }}'", {"time": "08:00"}),
    ):
        shop = connector(f"otherwise: {{task: {{title: x, reminder: {reminder}}}}}\n")
        assert rendered(task(shop.otherwise).fields["reminder"], body) == expected
