"""`hookyard rules explain`: the tree of every rule, for a file or a stored event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from router.cli.main import run
from tests.support.rows import event_row
from tests.support.stored import store_events

DESK = """\
connector: desk
source: none
dedupe: {key: "{{ body.id }}", within: 90m}
rules:
  - name: big
    when: {body.size: {gte: 10}, any: [{body.state: open}, {not: {body.state: {exists: true}}}]}
    task: {key: "{{ body.id }}", title: "{{ body.title }}", priority: "{{ body.priority | default(none) }}"}
  - name: items
    for_each: body.items
    when: {item.ok: true}
    complete: {key: "{{ item.key }}", note: "seen"}
  - name: quiet
    mode: shadow
    task: {title: "Would be"}
  - name: gone
    mode: "off"
    drop: never
otherwise: {drop: "small: {{ body.size }}"}
"""
OTHERWISE = "it acts when no rule matched and none is undecided"
BIG = {"id": 5, "size": 12, "title": "Big one"}


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "desk.yaml").write_text(DESK, "utf-8")


@pytest.fixture
def explain(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def call(body: Any, *arguments: str) -> Ran:
        path = tmp_path / "event.json"
        path.write_bytes(body if isinstance(body, bytes) else json.dumps(body).encode())
        code = run(["rules", "explain", "desk", "--event", "event.json", *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def test_every_rule_is_there_with_its_conditions_and_what_comes_of_it(explain: Any) -> None:
    ran = explain(BIG)

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "connector   desk",
        "type        none",
        "delivery id none",
        "dedupe      5, for 90m",
        "",
        "✓ big  routes/desk.yaml:5",
        "  ✓ body.size gte 10: found 12 (routes/desk.yaml:6:29)",
        "  ✓ `any` (routes/desk.yaml:6:39)",
        '    ✗ body.state eq "open": body.state is not there (routes/desk.yaml:6:53)',
        "    ✓ `not` (routes/desk.yaml:6:61)",
        "      ✗ body.state exists true: body.state is not there (routes/desk.yaml:6:88)",
        "  → task of the key 5: created",
        "      title     Big one",
        "      timezone  UTC",
        "",
        "- items  no item: body.items is empty, or not there  routes/desk.yaml:8",
        "",
        "✓ quiet  (shadow: it only says what it would do)  routes/desk.yaml:12",
        "  → task",
        "      title  Would be",
        "",
        "- gone  off  routes/desk.yaml:15",
        "",
        f"- otherwise  not asked: {OTHERWISE}  routes/desk.yaml:18",
        "",
        "routed",
    ]


def test_items_are_explained_one_by_one(explain: Any) -> None:
    ran = explain({"id": 1, "size": 1, "items": [{"ok": True, "key": "a"}, {"ok": "true"}]})

    assert "✓ items [0]" in ran.out
    assert "  → complete the open task of the key a: no open task\n      note  seen\n" in ran.out
    assert "✗ items [1]" in ran.out
    assert 'found "true"; only the type differs' in ran.out


def test_what_cannot_be_decided_says_why_and_where(explain: Any) -> None:
    ran = explain({"id": 1, "size": "many"})

    assert ran.code == 0
    assert '? body.size gte 10: found "many"; gte needs a number' in ran.out
    assert "  undecided: body.size gte: gte needs a number" in ran.out
    assert ran.out.splitlines()[-1].startswith("undecided: ")


def test_a_task_that_is_refused_says_what_is_wrong_with_it(explain: Any) -> None:
    ran = explain({**BIG, "priority": "urgent"})

    assert "  refused: priority is one of low, medium, high\n" in ran.out
    assert ran.out.splitlines()[-1] == "refused: priority is one of low, medium, high"


def test_otherwise_is_asked_where_nothing_matched(explain: Any) -> None:
    ran = explain({"id": 1, "size": 2})

    assert "✓ otherwise  routes/desk.yaml:18\n  → drop: small: 2\n" in ran.out
    assert ran.out.splitlines()[-1] == "dropped: small: 2"


def test_a_rule_behind_the_first_match_says_who_settled_it(explain: Any, tmp_path: Path) -> None:
    path = tmp_path / "routes" / "desk.yaml"
    path.write_text(DESK.replace("rules:", "match: first\nrules:"), "utf-8")

    ran = explain({**BIG, "items": [{"ok": True, "key": "a"}]})

    assert "- items  not asked: `big` settles the event (match: first)" in ran.out


def test_a_missing_deduplication_key_keeps_all_rules_from_being_asked(explain: Any) -> None:
    ran = explain({"size": 12})

    assert "- big  not asked: the deduplication key could not be had" in ran.out
    assert ran.out.splitlines()[-1].startswith("undecided: dedupe: ")


def test_rules_that_plainly_do_not_match_are_explained_too(explain: Any, tmp_path: Path) -> None:
    many = "".join(
        f"  - name: rule {n}\n    when: {{body.kind: k{n}}}\n    drop: it\n" for n in range(30)
    )
    head = "connector: desk\nsource: none\ndedupe: off\nrules:\n"
    (tmp_path / "routes" / "desk.yaml").write_text(head + many, "utf-8")

    ran = explain({"kind": "k7"})

    assert ran.out.count("✗ rule ") == 29
    assert "✓ rule 7" in ran.out


def test_json_has_the_decisions_with_the_tree_and_the_tasks(explain: Any) -> None:
    found = json.loads(explain(BIG, "--json").out)

    assert found["decisions"][0]["why"][0] == {
        "text": "body.size gte",
        "verdict": "matched",
        "expected": 10,
        "found": 12,
        "at": "routes/desk.yaml:6:29",
        "reason": None,
        "depth": 0,
    }
    assert found["dedupe_key"] == "5"
    assert found["tasks"][0]["title"] == "Big one"


def test_the_time_is_that_of_at(explain: Any) -> None:
    found = json.loads(explain(BIG, "--json", "--at", "2026-03-04T05:06:07Z").out)

    assert found["event"]["received_at"] == "2026-03-04T05:06:07.000Z"


@pytest.mark.parametrize("at", ["noon", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_no_clock_shows_is_none(explain: Any, at: str) -> None:
    ran = explain(BIG, "--at", at)

    assert ran.code == 2
    assert f"--at {at}: expected a time such as 2026-01-05T09:00:00Z" in ran.err


def test_a_file_that_is_no_event_is_exit_code_1(explain: Any) -> None:
    ran = explain(b"{not json")

    assert ran.code == 1
    assert "event.json: 400: the body is not application/json" in ran.err


def test_an_unknown_connector_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("event.json").write_text("{}")

    assert run(["rules", "explain", "dsk", "--event", "event.json"]) == 2
    assert "routes has no connector dsk; it has: desk" in capsys.readouterr().err


def test_neither_a_file_nor_an_id_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "explain", "desk", "--event", "nothing.json"]) == 1
    assert "there is no file nothing.json, and it is no event's id" in capsys.readouterr().err


def test_rules_with_errors_are_exit_code_2(explain: Any, tmp_path: Path) -> None:
    (tmp_path / "routes" / "desk.yaml").write_text("connector: desk\n", "utf-8")

    assert explain(BIG).code == 2


def store_event(**given: Any) -> str:
    row = event_row(connector="desk", **given)
    store_events(row)
    return str(row["id"])


def test_a_stored_event_is_explained_at_its_own_time_with_what_became_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event_id = store_event(
        body=json.dumps(BIG).encode(), tasks=[{"number": 7, "action": "created"}], status="routed"
    )

    assert run(["rules", "explain", "desk", "--event", event_id]) == 0

    captured = capsys.readouterr()
    assert "→ task of the key 5: created" in captured.out
    assert "by other rules than these: routed; #7 created." in captured.err

    run(["rules", "explain", "desk", "--event", event_id, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["event"]["id"] == event_id
    assert found["tasks"][0]["created_at"].startswith("2026-11-23T09:12:45.120")


def test_an_event_of_another_connector_is_not_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    event_id = store_event()
    (tmp_path / "routes" / "other.yaml").write_text(
        "connector: other\nsource: none\ndedupe: off\notherwise: {drop: it}\n", "utf-8"
    )

    assert run(["rules", "explain", "other", "--event", event_id]) == 2
    assert f"the event {event_id} is of the connector desk" in capsys.readouterr().err


def test_what_a_sender_wrote_does_not_steer_the_terminal(explain: Any) -> None:
    assert "\x1b" not in explain({**BIG, "title": "\x1b[2J", "state": "\x1b[0m"}).out
