from __future__ import annotations

from rules.problems import Problem, Span
from rules.rendering import as_github, as_json, as_text

FULL = Problem(
    "R014",
    "`priority` is not one of the choices",
    Span("routes/shop.yaml", 13, 17, 13, 21),
    found='"High"',
    expected="low, medium, high",
    hint="did you mean `high`?",
)
SECRET = Problem(
    "R033", "secret a is not set here", Span("routes/shop.yaml", 3, 11, 3, 12), "warning"
)
NOTE = Problem("R090", "nothing is a duplicate", Span("b.yaml", 1, 1, 1, 10), "note")


def test_people_read_the_place_what_is_wrong_and_what_helps() -> None:
    assert as_text([FULL, SECRET]) == (
        "routes/shop.yaml:13:17: error R014: `priority` is not one of the choices\n"
        '    found:    "High"\n'
        "    expected: low, medium, high\n"
        "    hint:     did you mean `high`?\n"
        "routes/shop.yaml:3:11: warning R033: secret a is not set here\n"
    )
    assert as_text([]) == ""


def test_programs_read_json_of_the_decided_shape() -> None:
    assert as_json([FULL, SECRET], ["routes/shop.yaml", "b.yaml"], [NOTE]) == {
        "problems": [
            {
                "file": "routes/shop.yaml",
                "line": 13,
                "column": 17,
                "end_line": 13,
                "end_column": 21,
                "severity": "error",
                "code": "R014",
                "message": "`priority` is not one of the choices",
                "found": '"High"',
                "expected": "low, medium, high",
                "hint": "did you mean `high`?",
            },
            {
                "file": "routes/shop.yaml",
                "line": 3,
                "column": 11,
                "end_line": 3,
                "end_column": 12,
                "severity": "warning",
                "code": "R033",
                "message": "secret a is not set here",
                "found": None,
                "expected": None,
                "hint": None,
            },
        ],
        "files": ["routes/shop.yaml", "b.yaml"],
        "errors": 1,
        "warnings": 1,
        "notes": [
            {
                "file": "b.yaml",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 10,
                "severity": "note",
                "code": "R090",
                "message": "nothing is a duplicate",
                "found": None,
                "expected": None,
                "hint": None,
            }
        ],
    }


def test_github_reads_annotations() -> None:
    first, second, third = as_github([FULL, SECRET, NOTE]).splitlines()
    assert first == (
        "::error file=routes/shop.yaml,line=13,endLine=13,col=17,endColumn=21,"
        "title=R014%3A `priority` is not one of the choices"
        '::`priority` is not one of the choices%0Afound: "High"%0A'
        "expected: low, medium, high%0Ahint: did you mean `high`?"
    )
    assert second.startswith("::warning file=routes/shop.yaml,line=3,")
    assert third.startswith("::notice file=b.yaml,")


def test_signs_that_github_gives_a_meaning_are_escaped() -> None:
    odd = Problem("R015", "100% of a,b: c", Span("a,b:c.yaml"), found="x\r\n::error::y")
    (line,) = as_github([odd]).splitlines()
    assert "file=a%2Cb%3Ac.yaml,line=1," in line
    assert "title=R015%3A 100%25 of a%2Cb%3A c::100%25 of a,b: c%0A" in line
    assert line.endswith("found: x\\r%0A::error::y")


def test_no_file_steers_a_terminal_or_adds_a_line() -> None:
    odd = Problem("R011", "no key `\x1b[2J\u202e`\n", Span("a\x07.yaml"), hint="\x9b31m\ud800")
    assert as_text([odd]) == (
        "a\\x07.yaml:1:1: error R011: no key `\\x1b[2J\\u202e`\\n\n    hint:     \\x9b31m\\ud800\n"
    )
    assert "\x1b" not in as_github([odd])
