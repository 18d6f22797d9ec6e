"""Secrets that were pasted into a rule file; none of them is ever shown.

`rules.lint.credentials` says what counts. The whole text of a file is searched for keys of known forms,
comments too; beside the names of its values for credentials of no form; and what destinations are
told for long texts that only chance makes. Identifiers of other systems (`ids`, `links`, `custom`,
`extra`, and what tests hold) are looked at for known forms only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rules.document import Node
from rules.lint.credentials import forms_in, is_long_token, is_named_credential
from rules.lint.files import Files, Stretches
from rules.operators import OPERATORS
from rules.problems import Problem, Span

CODE: Final = "R075"

_IDENTIFIERS: Final = frozenset({"ids", "links", "custom", "extra", "tests"})


def pasted_secrets(files: Files) -> Iterator[Problem]:
    """Give a problem for each text that looks like the value of a secret."""
    for root in files.roots:
        source, in_destination = root.source, "destinations" in root.entries
        known = list(forms_in(source.text))
        for start, end, what in known:
            yield _problem(f"this looks like {what}", source.span(start, end), end - start)
        told = Stretches((start, end) for start, end, _ in known)
        for node, name in _named(root):
            secret = _is_secret(node.value, name, in_destination=in_destination)
            if secret and not told.meet(node.start, node.end):
                yield _problem("this looks like a secret", node.span, len(node.value))


def _is_secret(text: str, name: str, *, in_destination: bool) -> bool:
    return is_named_credential(text, name) or (in_destination and is_long_token(text))


def _named(root: Node) -> Iterator[tuple[Node, str]]:
    """Give the texts of a file with the names of what they are: keys of mappings, paths of conditions."""
    waiting: list[tuple[Node, str]] = [(root, "")]
    while waiting:
        node, name = waiting.pop()
        if node.is_text:
            yield node, name
        for key, value in node.pairs():
            if key not in _IDENTIFIERS:
                waiting.append((value, name if key in OPERATORS else key))
        waiting.extend((item, name) for item in node.items)


def _problem(message: str, span: Span, length: int) -> Problem:
    return Problem(
        CODE,
        message,
        span,
        "warning",
        found=f"a text of {length} characters",
        expected="the name of a secret, where one is needed",
        hint="keep its value in HOOKYARD_SECRET_<NAME>; as it was in a file, get a new one",
    )
