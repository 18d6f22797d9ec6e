"""Results of rule tests as JUnit XML, which GitHub, GitLab, Jenkins and others show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from router.cli.rule_tests import Result
from router.cli.rules_report import count
from router.cli.testing_report import details, headline
from rules.problems import Problem
from rules.rendering import as_text

# What XML 1.0 cannot hold, not even as a reference.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = "hookyard rules test"


def as_junit(results: Sequence[Result], problems: Sequence[Problem] = ()) -> str:
    """Return a suite a connector, a case a test; one suite more where the rules have errors."""
    root = ET.Element("testsuites", {"name": _NAME, **_counts(results, errors=bool(problems))})
    if problems:
        suite = ET.SubElement(root, "testsuite", {"name": "rules", **_counts((), errors=True)})
        case = ET.SubElement(suite, "testcase", _case("rules", "the rule files can be used"))
        _tell(case, "error", count(len(problems), "error"), as_text(problems))
    for connector, group in groupby(results, key=lambda result: result.test.connector):
        ours = list(group)
        suite = ET.SubElement(root, "testsuite", {"name": connector, **_counts(ours)})
        for result in ours:
            _add(suite, result)
    ET.indent(root)
    words = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{words}\n'


def _add(suite: ET.Element, result: Result) -> None:
    test = result.test
    attributes = _case(test.connector, test.name)
    attributes |= {"file": _clean(test.span.file), "line": str(test.span.line)}
    attributes["time"] = f"{result.seconds:.6f}"
    case = ET.SubElement(suite, "testcase", attributes)
    if result.outcome == "passed":
        return
    kind = "failure" if result.outcome == "failed" else "error"
    place = f"{test.span.file}:{test.span.line}"
    _tell(case, kind, headline(result), "\n".join([place, *details(result)]))


def _case(classname: str, name: str) -> dict[str, str]:
    return {"classname": _clean(classname), "name": _clean(name)}


def _tell(case: ET.Element, kind: str, message: str, words: str) -> None:
    told = ET.SubElement(case, kind, {"type": kind, "message": _clean(message)})
    told.text = _clean(words)


def _counts(results: Sequence[Result], *, errors: bool = False) -> dict[str, str]:
    outcomes = [result.outcome for result in results]
    return {
        "tests": str(len(results) + errors),
        "failures": str(outcomes.count("failed")),
        "errors": str(outcomes.count("error") + errors),
        "skipped": "0",
        "time": f"{sum(result.seconds for result in results):.6f}",
    }


def _clean(words: str) -> str:
    r"""Return a text that XML can hold: other characters as `\x1b` and the like."""
    return _NO_XML.sub(lambda found: found[0].encode("unicode_escape").decode(), words)
