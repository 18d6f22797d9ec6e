"""`hookyard rules backtest` over a real store: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from router.cli import backtest_processes
from router.cli.backtest_processes import Side, side_by_side
from router.cli.failures import CommandError
from router.cli.main import run
from router.core.clock import epoch_ms, utc_now
from router.core.ids import id_source
from router.core.store.events import Stretch
from tests.support.rows import event_row
from tests.support.stored import store_events
from workers.backtest import Outcome

RULES = """\
connector: desk
source: none
dedupe: off
rules:
  - name: note
    when: {body.size: {gte: 10}}
    task: {title: "{{ body.title }}"}
otherwise: {drop: small}
"""
NEW = RULES.replace("gte: 10", "gte: 5").replace('title }}"', 'title }}", priority: low')
_new_id = id_source()


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("routes", RULES), ("new", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "desk.yaml").write_text(text, "utf-8")


def stored(*bodies: dict[str, Any], **given: Any) -> list[str]:
    """Put events into the database of `.hookyard`; return their ids."""
    now_ms = epoch_ms(utc_now())
    rows = [
        event_row(
            id=_new_id(),
            body=json.dumps(body).encode(),
            **{"connector": "desk", "received_ms": now_ms, **given},
        )
        for body in bodies
    ]
    store_events(*rows)
    return [row["id"] for row in rows]


def backtest(capsys: pytest.CaptureFixture[str], *arguments: str, new: str = "new") -> Ran:
    code = run(["rules", "backtest", "--routes", new, *arguments])
    captured = capsys.readouterr()
    return Ran(code, captured.out, captured.err)


def test_a_summary_comes_first_then_a_line_a_difference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ids = stored({"size": 7, "title": "Seven"}, {"size": 1}, {"size": 12, "title": "Twelve"})

    ran = backtest(capsys)

    assert ran.code == 1
    assert ran.out.splitlines() == [
        "3 events, live routes against new new",
        "+ 1 added, - 0 lost, ~ 1 changed",
        "  desk / note: +1  ~1",
        "",
        f'+  {ids[0]}  desk / note  "Seven"  created',
        f'~  {ids[2]}  desk / note  "Twelve"  priority',
    ]


def test_details_say_what_each_field_was_and_would_be(capsys: pytest.CaptureFixture[str]) -> None:
    stored({"size": 12, "title": "Twelve"})

    assert "      priority: unset -> low\n" in backtest(capsys, "--details").out


def test_no_difference_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    stored({"size": 12, "title": "Twelve"})

    ran = backtest(capsys, new="routes")

    assert (ran.code, ran.out) == (0, "1 event, live routes against new routes\nno difference\n")


def test_json_holds_everything(capsys: pytest.CaptureFixture[str]) -> None:
    ids = stored({"size": 7, "title": "Seven"}, {"size": 12, "title": "Twelve"})

    found = json.loads(backtest(capsys, "--json").out)

    assert [each["event_id"] for each in found["added"]] == ids[:1]
    assert found["lost"] == []
    assert found["changed"][0]["fields"] == {"priority": {"from": None, "to": "low"}}
    assert found["events"] == 2


def test_a_pull_request_gets_a_table_in_which_payloads_are_no_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored({"size": 7, "title": "a | <b> `c` @all"})

    ran = backtest(capsys, "--format", "markdown")

    assert ran.code == 1
    assert "| desk / note | 1 | 0 | 0 |" in ran.out
    assert "a \\| &lt;b> \\`c\\` @\u200ball" in ran.out


def test_only_the_first_differences_are_shown_unless_one_wants_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored(*({"size": 7, "title": f"Note {n}"} for n in range(60)))

    assert "… and 10 more: --all shows them" in backtest(capsys).out
    assert len(backtest(capsys, "--all").out.splitlines()) == 4 + 60


def test_only_events_of_the_time_and_connectors_asked_for_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored({"size": 7, "title": "Old"}, received_ms=epoch_ms(utc_now()) - 8 * 86_400_000)
    stored({"size": 7, "title": "Other"}, connector="other")
    stored({"size": 7, "title": "Mine"})

    ran = backtest(capsys, "--connector", "desk")

    assert "Mine" in ran.out
    assert "Old" not in ran.out
    assert "Other" not in ran.out


def test_where_nothing_is_stored_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    stored()

    ran = backtest(capsys)

    assert ran.code == 0
    assert "no stored events" in ran.err


def test_rules_with_errors_are_exit_code_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stored({"size": 7})
    (tmp_path / "new" / "desk.yaml").write_text("connector: desk\n", "utf-8")

    ran = backtest(capsys)

    assert ran.code == 2
    assert "`hookyard rules check new` shows them" in ran.err


def test_a_span_that_is_none_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert backtest(capsys, "--since", "yesterday").code == 2


def test_what_a_sender_wrote_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored({"size": 7, "title": "\x1b[31mred"})

    assert "\x1b" not in backtest(capsys).out


def side(routes: str = "routes", database: str = "sqlite:///none.db") -> Side:
    return Side(Path(routes), database, Stretch(0, "f", 1), ())


def test_an_event_that_only_one_side_could_read_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def outcomes(of: Side) -> Any:
        for name in {"routes": "abde", "new": "bcdf"}[str(of.routes)]:
            yield Outcome(name, "desk", None, 0, "routed", None, ())

    monkeypatch.setattr(backtest_processes, "_outcomes", outcomes)

    pairs = list(side_by_side(side(), side("new")))

    assert [(one.event_id, other.event_id) for one, other in pairs] == [("b", "b"), ("d", "d")]


def test_a_side_that_cannot_go_on_says_why_and_not_where_the_database_is() -> None:
    with pytest.raises(CommandError, match="back-test of routes") as caught:
        list(side_by_side(side(database="sqlite:///no/such/secret-folder/x.db"), side("new")))

    assert "secret-folder" not in str(caught.value)
    assert "secret" not in repr(side(database="postgresql://u:secret@host/db"))
