from __future__ import annotations

import time

import pytest

from rules.problems import CODES, Problem, Report, Span


def span(line: int, column: int, end_line: int | None = None, end_column: int = 99) -> Span:
    return Span("a.yaml", line, column, end_line or line, end_column)


def test_a_place_is_file_line_and_column() -> None:
    assert str(Span("routes/a.yaml", 3, 14, 3, 20)) == "routes/a.yaml:3:14"
    assert str(Span("routes")) == "routes:1:1"


@pytest.mark.parametrize(
    ("other", "held"),
    [
        (span(2, 5), True),
        (span(2, 4), False),
        (span(3, 1), True),
        (span(4, 9), True),
        (span(4, 10), False),
        (span(5, 1), False),
        (Span("b.yaml", 3, 1, 3, 2), False),
    ],
)
def test_a_place_holds_what_starts_within_it(other: Span, *, held: bool) -> None:
    assert span(2, 5, 4, 10).holds(other) is held


@pytest.mark.parametrize(
    ("other", "held"),
    [(span(2, 5), True), (span(2, 4), False), (span(4, 9), True), (span(4, 10), False)],
)
def test_a_report_knows_what_is_within_a_place(other: Span, *, held: bool) -> None:
    report = Report()
    report.add("R015", other, "wrong")
    assert report.has_inside(span(2, 5, 4, 10)) is held
    assert not report.has_inside(Span("b.yaml", 1, 1, 99, 99))


def test_problems_come_in_the_order_of_their_places() -> None:
    report = Report()
    for line, code in ((9, "R015"), (2, "R023"), (2, "R013"), (10, "R011")):
        report.add(code, span(line, 1), "wrong")
    assert [(p.span.line, p.code) for p in report.problems] == [
        (2, "R013"),
        (2, "R023"),
        (9, "R015"),
        (10, "R011"),
    ]


def test_the_same_problem_at_the_same_place_is_kept_once() -> None:
    report = Report()
    for line in (1, 1, 2):
        report.add("R015", span(line, 1), "wrong")
    assert len(report.problems) == 2


def test_what_follows_from_a_problem_of_the_yaml_is_left_out() -> None:
    report = Report()
    report.add("R004", span(2, 5), "a mapping cannot be a key")
    report.add("R013", span(2, 3), "this follows from it")
    report.add("R013", span(3, 3), "this does not")
    assert [p.code for p in report.problems] == ["R004", "R013"]
    assert report.problems[1].span.line == 3


def test_only_errors_stop_the_rules() -> None:
    report = Report()
    report.add("R090", span(1, 1), "worth knowing", severity="note")
    report.add("R033", span(1, 1), "worth a look", severity="warning")
    assert not report.has_errors
    assert [p.code for p in report.problems] == ["R033"]
    assert [p.code for p in report.notes] == ["R090"]

    report.keep(Problem("R015", "wrong", span(1, 1)))
    assert report.has_errors


def test_a_problem_has_a_known_code() -> None:
    report = Report()
    with pytest.raises(KeyError):
        report.add("R999", span(1, 1), "wrong")
    assert all(len(code) == 4 and code[0] == "R" for code in CODES)
    assert len(set(CODES.values())) == len(CODES)


def test_thousands_of_problems_are_reported_as_fast_as_few() -> None:
    report = Report()
    started = time.perf_counter()
    for line in range(30_000):
        report.add("R004" if line % 2 else "R013", span(line, 1), "wrong")
        assert not report.has_inside(span(line + 1, 1))
    assert time.perf_counter() - started < 10
