"""The tests of rule files are run as a worker would route their events: in order, on a clock of their own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.cli.rule_tests import Result, run_tests
from router.core.store.present import task_json
from rules.compile_expect import TASK
from rules.loader import load_texts
from rules.ruleset import RuleSet
from tests.support.routes import destinations
from workers.fields import Statuses, blank

DESK = """\
connector: desk
source: {header: X-Key}
secrets: [desk_key]
dedupe: {key: "{{ body.id | default(none) }}", within: 1h}
rules:
  - name: note
    when: {body.state: open}
    task:
      key: "{{ body.key }}"
      version: "{{ body.at | default(none) }}"
      title: "{{ body.title | default(headers['x-title'] | default('Note')) }}"
      on_closed: reopen
  - name: copied
    when: {body.state: copied}
    task: {title: "{{ event.received_at }} {{ event.type | default('?') }}", custom: {n: "{{ query.n }}"}}
    deliver: [downstream]
  - name: done
    when: {body.state: done}
    complete: {key: "{{ body.key }}"}
  - name: each
    for_each: body.items
    when: {item.state: open}
    task: {title: "{{ item.title }}"}
  - name: quiet
    mode: shadow
    when: {body.loud: true}
    task: {title: Quiet}
otherwise: {drop: nothing to do}
"""


def rules(tests: str, file: str = "routes/desk.yaml", text: str = DESK) -> RuleSet:
    whole = f"{text}tests:\n{indent(dedent(tests), '  ')}"
    others = {"routes/z.yaml": destinations("https://helpdesk.example")}
    loaded = load_texts({file: whole} | others, catalogues())
    assert loaded.rule_set is not None, loaded.problems
    return loaded.rule_set


def run(tests: str, **given: str) -> Result:
    rule_set = rules(tests, **given)
    (result,) = run_tests(rule_set, rule_set.tests)
    return result


def told(result: Result) -> list[str]:
    return [
        f"{each.event} {each.difference.path}: {each.difference.found}" for each in result.unmet
    ]


def test_what_comes_as_expected_passes() -> None:
    result = run(
        "- {name: a, event: {body: {state: open, key: k}}, expect: {rule: note, tasks: 1}}"
    )

    assert (result.outcome, result.unmet, result.trouble) == ("passed", (), None)
    assert result.came == ('routed: created "Note" (note)',)


def test_what_comes_otherwise_fails_with_each_difference() -> None:
    result = run(
        "- {name: a, event: {body: {}}, expect: {status: routed, task: {title: x}, tasks: 0}}"
    )

    assert result.outcome == "failed"
    assert told(result) == ["1 status: dropped: nothing to do", "1 task: no task"]
    assert result.came == ("dropped: nothing to do",)


def test_later_events_see_what_earlier_ones_did_and_the_end_is_compared_too() -> None:
    result = run(
        """\
        - name: opened, changed, done and opened again
          events:
            - event: {body: {state: open, key: k, title: a}}
              expect: {outcome: created, task: {number: 1, version: 1, status: open}}
            - event: {body: {state: open, key: k, title: b}}
              expect: {outcome: updated, task: {title: b, version: 2}}
            - event: {body: {state: done, key: k}}
              expect: {complete: k, task: {completed_at: "2026-01-05T09:00:00.000Z"}}
            - event: {body: {state: done, key: k}}
              expect: {dropped: no open task, tasks: 0}
            - event: {body: {state: open, key: k, title: c}}
              after: 6d
              expect: {outcome: reopened}
          expect:
            tasks: [{title: c, version: 4, status_kind: initial, completed_at: null}]
        """
    )

    assert told(result) == []


def test_each_test_starts_from_an_empty_store() -> None:
    one = "- {name: %s, event: {body: {state: open, key: k, id: 1}}, expect: {outcome: created}}\n"
    rule_set = rules(one % "a" + one % "b")

    assert [result.outcome for result in run_tests(rule_set, rule_set.tests)] == ["passed"] * 2


def test_the_clock_is_that_of_the_test() -> None:
    result = run(
        """\
        - name: times
          received_at: 2026-03-01T12:00:00+02:00
          events:
            - event: {body: {state: copied}, query: {n: 1}}
              type: a
              expect: {task: {title: "2026-03-01T10:00:00.000Z a", created_at: "2026-03-01T10:00:00.000Z"}}
            - event: {body: {state: copied}, query: {n: 1}}
              expect: {task: {title: "2026-03-01T10:00:00.000Z ?"}}
            - event: {body: {state: copied}, query: {n: 1}}
              after: 90m
              expect: {task: {title: "2026-03-01T11:30:00.000Z ?"}}
            - event: {body: {state: copied}, query: {n: 1}}
              received_at: 2026-03-05T00:00:00Z
              expect: {task: {title: "2026-03-05T00:00:00.000Z ?"}}
        """
    )

    assert told(result) == []


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("", "2026-01-05T09:00:00.000Z"),
        ("received_at: 2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000Z"),
        ("events: [{event: {body: {state: copied}, query: {n: 1}}, after: 1d}]", None),
    ],
)
def test_without_a_word_it_is_monday_morning(given: str, instant: str | None) -> None:
    event = "" if given.startswith("events") else "event: {body: {state: copied}, query: {n: 1}}"
    title = "2026-01-06T09:00:00.000Z ?" if instant is None else f"{instant} ?"

    result = run(
        f"- name: a\n  {given or 'description: none'}\n  {event or 'description: none'}\n"
        f'  expect: {{task: {{title: "{title}"}}}}\n'
    )

    assert told(result) == []


def test_the_window_of_a_duplicate_is_that_of_the_clock() -> None:
    result = run(
        """\
        - name: duplicates
          events:
            - event: {body: {state: open, key: k, id: 7}}
            - event: {body: {state: open, key: k, id: 7}}
              after: 1h
              expect: {duplicate: true, rules: []}
            - event: {body: {state: open, key: k, id: 7}}
              after: 1s
              expect: {outcome: updated}
        """
    )

    assert [f"{each.event} {each.difference.path}" for each in result.unmet] == []


def test_of_a_rule_that_a_duplicate_did_not_ask_it_is_said_so() -> None:
    result = run(
        """\
        - name: duplicates
          events:
            - event: {body: {state: open, key: k, id: 7}}
            - event: {body: {state: open, key: k, id: 7}}
              expect: {rule: note}
        """
    )

    (unmet,) = result.unmet
    assert unmet.why == ("a duplicate asks no rule",)
    assert result.came[1] == "duplicate"


def test_ids_are_the_same_each_time() -> None:
    tests = "- {name: a, event: {body: {state: open, key: k}}, expect: {task: {id: x}}}"

    assert told(run(tests)) == told(run(tests))


def test_a_task_is_shown_with_its_copies() -> None:
    result = run(
        """\
        - name: delivered
          event: {body: {state: copied}, query: {n: 1}}
          expect:
            deliver: [downstream]
            task: {deliveries: [{destination: downstream, state: pending}], custom: {n: "1"}}
        """
    )

    assert told(result) == []


def test_a_rule_for_each_may_make_several_tasks() -> None:
    result = run(
        """\
        - name: several
          event: {body: {items: [{state: open, title: a}, {state: x}, {state: open, title: b}]}}
          expect: {rules: [each], outcome: created, tasks: [{title: a}, {title: b}]}
        """
    )

    assert told(result) == []
    assert result.came == ('routed: created "a" (each), created "b" (each)',)


def test_what_was_done_beside_an_undecided_rule_is_told_with_the_reason() -> None:
    result = run(
        """\
        - name: in part
          event: {body: {items: [{state: open, title: a}, {state: open}]}}
          expect: {undecided: {matches: title}, rule: each, task: {title: a}}
        """
    )

    assert told(result) == []
    assert result.came == ('undecided: created "a" (each), title: item.title is not there',)


def test_a_shadow_rule_is_told_apart() -> None:
    result = run(
        "- {name: a, event: {body: {loud: true}}, expect: {shadow: [quiet], rule: otherwise, tasks: 0}}"
    )

    assert told(result) == []


def test_credentials_are_not_seen() -> None:
    text = DESK.replace("x-title", "x-key")

    seen = run(
        "- {name: a, event: {headers: {X-Title: Told}, body: {state: open, key: k}},"
        " expect: {task: {title: Told}}}"
    )
    unseen = run(
        "- {name: a, event: {headers: {X-Key: canary}, body: {state: open, key: k}},"
        " expect: {task: {title: Note}}}",
        text=text,
    )

    assert told(seen) == told(unseen) == []


def test_a_file_is_found_beside_the_rule_file_and_the_tests_own_headers_win(tmp_path: Path) -> None:
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "note.json").write_text(
        '{"headers": {"X-Title": "File", "X-Other": "a"}, "query": {"n": "1", "m": "1"},'
        ' "received_at": "2026-05-01T00:00:00Z", "body": {"state": "open", "key": "k"}}'
    )
    (tmp_path / "bare.json").write_text('{"state": "copied"}')

    result = run(
        """\
        - name: files
          events:
            - event: payloads/note.json
              expect: {task: {title: File, created_at: "2026-05-01T00:00:00.000Z"}}
            - event: payloads/note.json
              headers: {x-title: Test}
              received_at: 2026-05-02T00:00:00Z
              expect: {task: {title: Test, updated_at: "2026-05-02T00:00:00.000Z"}}
            - event: bare.json
              query: {n: 2}
              expect: {task: {custom: {n: "2"}, created_at: "2026-05-02T00:00:00.000Z"}}
        """,
        file=f"{tmp_path}/desk.yaml",
    )

    assert told(result) == []


def test_the_time_of_the_test_wins_over_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"received_at": "2026-05-01T00:00:00Z", "body": {"state": "copied"}}'
    )

    result = run(
        """\
        - name: times
          received_at: 2026-06-01T00:00:00Z
          event: a.json
          query: {n: 1}
          expect: {task: {created_at: "2026-06-01T00:00:00.000Z"}}
        """,
        file=f"{tmp_path}/desk.yaml",
    )
    later = run(
        """\
        - name: times
          events:
            - {event: a.json, after: 1d, query: {n: 1}}
          expect: {task: {created_at: "2026-05-02T00:00:00.000Z"}}
        """,
        file=f"{tmp_path}/desk.yaml",
    )

    assert told(result) == told(later) == []


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (None, "a.json cannot be read: No such file or directory"),
        ("{", "400: the body is not application/json: "),
        ('{"received_at": "noon", "body": 1}', "`received_at` of the file is no instant: noon"),
        ('{"received_at": "3000-01-01T00:00:00Z", "body": 1}', "of the file is no instant: 3000"),
    ],
)
def test_an_event_that_cannot_be_sent_is_an_error(
    tmp_path: Path, content: str | None, trouble: str
) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)

    result = run(
        "- {name: a, events: [{event: {body: 1}}, {event: a.json}], expect: {tasks: 1}}",
        file=f"{tmp_path}/desk.yaml",
    )

    assert result.outcome == "error"
    assert result.trouble is not None
    assert trouble in result.trouble
    assert result.came == ("dropped: nothing to do",)


def _shown(**given: Any) -> dict[str, Any]:
    row = blank(Statuses())
    made = dict.fromkeys(("id", "number", "key", "title", "creator", "created_ms", "updated_ms"))
    return task_json({**row, **made, "source": {}, **given})


def test_the_fields_that_tests_may_expect_are_those_of_the_contract() -> None:
    shown = _shown()

    assert list(TASK) == list(shown)
    assert TASK["source"] == tuple(shown["source"])
