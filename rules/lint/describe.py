"""Words and places for what the checks found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rules.conditions_tree import Leaf
from rules.document import Node
from rules.lint.conflict import Conflict
from rules.lint.credentials import is_credential, without_tokens
from rules.lint.literals import Literal, place_of
from rules.problems import Span
from rules.values import shown

_MOST: Final = 40
_SHOWN: Final = 3


def value_words(value: Any, name: str = "") -> str:
    """Return a value as messages show it: short, and nothing of it if it may be a secret."""
    if isinstance(value, list):
        return f"[{', '.join(value_words(each, name) for each in value[:_SHOWN])}{', …' if len(value) > _SHOWN else ''}]"
    if isinstance(value, str) and is_credential(value, name):
        return '"…"'
    return without_tokens(shown(value, _MOST)) if isinstance(value, dict) else shown(value, _MOST)


def literal_words(literal: Literal) -> str:
    """Return a literal much as it is written: `body.total: {gt: 5}`."""
    leaf = literal.leaf
    if not isinstance(leaf, Leaf):
        words = shown(without_tokens(leaf.source), _MOST)[1:-1]
    else:
        value = value_words(leaf.expected, leaf.path.text)
        name = leaf.operator.name
        words = f"{leaf.path.text}: {value if name == 'eq' else f'{{{name}: {value}}}'}"
    return f"`{words}`" if literal.want else f"not `{words}`"


def conflict_words(conflict: Conflict) -> str:
    """Return why nothing can hold."""
    words = [literal_words(literal) for literal in in_order(conflict.literals)]
    if not words:
        what = f"`for_each` needs a list, and {conflict.reason}"
    elif len(words) == 1:
        what = f"{words[0]} never holds" + (f", since {conflict.reason}" if conflict.reason else "")
    else:
        *several, last = words
        what = f"{', '.join(several[:_SHOWN])} and {last} exclude each other"
    return f"{what}, and so it is with each alternative" if conflict.others else what


def in_order(literals: Iterable[Literal]) -> list[Literal]:
    """Return literals in the order in which they stand in the file."""
    return sorted(literals, key=lambda one: [int(part) for part in one.leaf.at.rsplit(":", 2)[1:]])


def hint_for(conflict: Conflict) -> str | None:
    """Return what to do about a conflict that people write when they mean something else."""
    literals = in_order(conflict.literals)
    leaves = [one.leaf for one in literals if one.want and isinstance(one.leaf, Leaf)]
    if len(leaves) < len(conflict.literals) or not leaves:
        return None
    equal = [leaf for leaf in leaves if leaf.operator.name == "eq"]
    last = leaves[-1]
    if len(equal) == len(leaves) > 1 and len({place_of(leaf.path) for leaf in leaves}) == 1:
        values = ", ".join(value_words(leaf.expected, leaf.path.text) for leaf in leaves)
        return f"for one of several values write {{in: [{values}]}}"
    if conflict.reason is None or last not in equal or not conflict.reason.endswith("is text"):
        return None
    if isinstance(last.expected, list):
        return (
            f"for one of several values write {{in: {value_words(last.expected, last.path.text)}}}"
        )
    return None if isinstance(last.expected, dict) else "put the value in quotes"


def spans_in(within: Node) -> dict[str, Span]:
    """Return the stretch of everything in a node, keys too, by where it starts: `file:line:column`."""
    spans: dict[str, Span] = {}
    waiting = [within]
    while waiting:
        node = waiting.pop()
        spans[str(node.span)] = node.span
        for key, value in node.entries.values():
            waiting += [value, key]
        waiting += node.items
    return spans


def last_span(literals: Sequence[Literal], within: Node) -> Span:
    """Return where the last of several literals stands in a node."""
    spans = spans_in(within)
    return spans.get(in_order(literals)[-1].leaf.at, within.span)
