"""What YAML's own error messages mean for somebody who edits rules in a hurry."""

from __future__ import annotations

import re
from typing import Final

from yaml import YAMLError
from yaml.error import MarkedYAMLError

from rules.problems import Report
from rules.source_text import SourceText

_BARE_TEMPLATE = re.compile(r"(?::|-)\s+\{\{")
_QUOTE_TEMPLATE = 'a template belongs in quotes: "{{ … }}"'
_QUOTE_ALL = 'put all of it in quotes: "… {{ … }}"'
_INNER_QUOTES = "inside double quotes write single ones: \"{{ body['name'] }}\""

_NOT_CLOSED = "is not closed"
_TAB = ("a tab is used to indent", "indent with blanks")

_MEANINGS: Final[dict[str, tuple[str, str | None]]] = {
    "mapping values are not allowed in this context": (
        "a colon and a blank start a mapping here, where none can be",
        'check the indentation; a text that holds ": " belongs in quotes',
    ),
    "could not find expected ':'": (
        "expected a colon after this key",
        "check the indentation of the lines before",
    ),
    "did not find expected key": (
        "expected another key of this mapping, or its end",
        "check the indentation; a text after a quoted one is a common cause",
    ),
    "did not find expected '-' indicator": (
        "expected another `- ` of this list, or its end",
        "check the indentation",
    ),
    "did not find expected ',' or ']'": ("a list in [ ] is not closed", "expected , or ]"),
    "did not find expected ',' or '}'": ("a mapping in { } is not closed", "expected , or }"),
    "found unexpected end of stream": ("a quoted text is not closed", None),
    "found unknown escape character": (
        "double quotes do not know this escape",
        r"write \\ for a backslash, or use single quotes",
    ),
    "did not find expected alphabetic or numeric character": (
        "a name is missing after & or *",
        "a text that starts with & or * belongs in quotes",
    ),
    "block sequence entries are not allowed in this context": (
        "a list cannot start here",
        "put `- ` on a line of its own, or use [ ]",
    ),
    "did not find expected <document start>": (
        "a second document, or a text beside the mapping, starts here",
        "check the indentation",
    ),
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "found undefined tag handle": ("tags are not used here", "write the value without !"),
    "did not find expected comment or line break": (
        "only a line break may follow | or > here",
        "start the text on the next line, indented",
    ),
    "did not find expected node content": ("a value is missing here", None),
    "found incompatible YAML document": ("files are read as YAML 1.2", "remove the %YAML line"),
}


def explain(error: YAMLError, source: SourceText, report: Report) -> None:
    """Report YAML's error at its place, in words that help."""
    marked = error if isinstance(error, MarkedYAMLError) else MarkedYAMLError()
    mark = marked.problem_mark
    problem = marked.problem or "this cannot be read"
    at = len(source.text) if mark is None else min(mark.index, len(source.text))
    message, hint = _MEANINGS.get(problem, (problem, None))
    if problem == "found character that cannot start any token":
        message, hint = _bad_start(source.text[at : at + 1])
    if message.endswith(_NOT_CLOSED) and marked.context_mark is not None:
        opened = source.line_of(min(marked.context_mark.index, len(source.text)))
        message += f"; it began on line {opened}"
    line, column = _line(source.text, at)
    if _BARE_TEMPLATE.search(line):
        hint = _QUOTE_TEMPLATE
    elif line.startswith("{{", column):
        hint = _QUOTE_ALL
    elif line.rfind("{{", 0, column) > line.rfind("}}", 0, column):
        hint = _INNER_QUOTES
    end = at if source.text[at : at + 1] in {"", "\r", "\n"} else at + 1
    report.add("R002", source.span(at, end), message, hint=hint)


def _bad_start(character: str) -> tuple[str, str]:
    if character == "\t":
        return _TAB
    return f"no value can start with {character}", "put the text in quotes"


def _line(text: str, at: int) -> tuple[str, int]:
    """Return the line a position is in, and how far in."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    return text[start : len(text) if end < 0 else end], at - start
