"""Reads `when`: a mapping of paths to what is expected, `any`, `all`, `not`, or an expression."""

from __future__ import annotations

import re
from copy import copy
from typing import Any, Final

from rules.conditions_tree import All, Any_, Condition, Expression, Leaf, Not
from rules.document import Node
from rules.model_types import is_template
from rules.operators import MEANT, OPERATORS, Operator, Test
from rules.paths import Path, PathError, parse_path
from rules.problems import Report, did_you_mean
from rules.scope import CONTACT, ScopeSpec
from rules.template import compile_expression
from rules.values import shown

__all__ = ["Condition", "compile_condition"]

GROUPS: Final = {"any": Any_, "all": All}
_COMPARED: Final = re.compile(r"([\w.-]+)\s*(>=|<=|==|!=|=|<|>)")
_EVENT_TYPE: Final = Path("event", ("type",), "event")
_ADDRESS: Final = Path(CONTACT, ("email",), "contact.email")
_ANY_CASE: Final = "(?i)"


def compile_condition(node: Node, report: Report, spec: ScopeSpec) -> Condition | None:
    """Compile a condition.

    Returns:
        The condition; None where problems, which are in the report, leave none.
    """
    if node.kind == "mapping":
        return _compile_mapping(node, report, spec)
    if isinstance(node.value, str):
        value = compile_expression(node.value, node, report, spec)
        return None if value is None else Expression(_at(node), node.value.strip(), value)
    report.add(
        "R013",
        node.span,
        "a condition is a mapping or an expression",
        found=shown(node.value),
        hint="to act on every event, leave `when` out" if node.value is None else None,
    )
    return None


def _at(node: Node) -> str:
    return str(node.span)


def _compile_mapping(node: Node, report: Report, spec: ScopeSpec) -> Condition | None:
    if not node.entries:
        report.add(
            "R054",
            node.span,
            "the condition is empty",
            hint="to act on every event, leave `when` out",
        )
        return None
    parts: list[Condition | None] = []
    for key, value in node.pairs():
        if key in GROUPS:
            parts.append(_compile_group(key, value, report, spec))
        elif key == "not":
            part = compile_condition(value, report, spec)
            parts.append(None if part is None else Not(_at(node.key(key)), (part,)))
        else:
            parts.extend(_compile_entry(node.key(key), value, report, spec))
    return _all(_at(node), parts)


def _all(at: str, parts: list[Condition | None]) -> Condition | None:
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts) or not whole:
        return None
    return whole[0] if len(whole) == 1 else All(at, tuple(whole))


def _compile_group(key: str, node: Node, report: Report, spec: ScopeSpec) -> Condition | None:
    if node.kind != "sequence":
        report.add(
            "R013",
            node.span,
            f"`{key}` takes a list of conditions",
            found=shown(node.value),
            expected=f"{key}: [{{…}}, {{…}}]",
        )
        return None
    if not node.items:
        report.add("R054", node.span, f"`{key}` is empty", expected="a list of conditions")
        return None
    parts = [compile_condition(item, report, spec) for item in node.items]
    whole = tuple(part for part in parts if part is not None)
    return GROUPS[key](_at(node), whole) if len(whole) == len(parts) else None


def _compile_entry(
    key: Node, value: Node, report: Report, spec: ScopeSpec
) -> list[Condition | None]:
    path = _compile_path(key, report, spec)
    if value.kind != "mapping":
        return [_leaf(path, "eq", value, report, spec)]
    unknown = [word for word, _ in value.pairs() if word not in OPERATORS]
    if not unknown and value.entries:
        return [_leaf(path, word, wanted, report, spec) for word, wanted in value.pairs()]
    if not value.entries:
        report.add("R054", value.span, "the condition is empty", expected="an operator")
    elif len(unknown) == len(value.entries) and not any(map(_meant, unknown)):
        report.add(
            "R055",
            value.span,
            "a mapping holds operators here",
            found=shown(value.value),
            expected=", ".join(OPERATORS),
            hint="to compare with the mapping itself, write `eq: {…}`",
        )
    else:
        for word in unknown:
            hint = _meant(word)
            expected = None if hint else ", ".join(OPERATORS)
            report.add(
                "R052",
                value.key(word).span,
                f"there is no operator `{word}`",
                expected=expected,
                hint=hint,
            )
    return [None]


def _meant(word: str) -> str | None:
    """Return `did you mean …?` for an operator's name with a slip of the pen, or of another system."""
    known = MEANT.get(word) or MEANT.get(word.lower())
    return f"did you mean `{known}`?" if known else did_you_mean(word, OPERATORS)


def _leaf(
    path: Path | None, word: str, node: Node, report: Report, spec: ScopeSpec
) -> Condition | None:
    operator = OPERATORS[word]
    if word != "matches":
        _tell_of_templates(node, report)
    test = operator.compile(node, report, spec)
    if path is None or test is None:
        return None
    if path == _ADDRESS:
        test = _in_any_case(operator, node, spec) or test
    return Leaf(_at(node), path, operator, node.value, test)


def _in_any_case(operator: Operator, node: Node, spec: ScopeSpec) -> Test | None:
    """Return the test of an address, which is compared without case (decision N2)."""
    small = copy(node)
    small.value = (
        f"{_ANY_CASE}{node.value}" if operator.name == "matches" else _small_letters(node.value)
    )
    test = operator.compile(small, Report(), spec)
    return None if test is None else lambda found: test(_small_letters(found))


def _small_letters(value: Any) -> Any:
    if isinstance(value, str):
        return value.lower()
    return [_small_letters(each) for each in value] if isinstance(value, list) else value


def _tell_of_templates(node: Node, report: Report) -> None:
    """Warn of texts that look like templates: they are compared with as they are (decision T8)."""
    for each in (node, *node.items):
        if each.kind == "scalar" and is_template(each.value):
            report.add(
                "R065",
                each.span,
                "a condition compares with this text as it is: no template is read here",
                hint="to compare two values, write an expression: `when: body.a == body.b`",
                severity="warning",
            )


def _compile_path(node: Node, report: Report, spec: ScopeSpec) -> Path | None:
    words = str(node.value)
    if words == "event":
        return _EVENT_TYPE
    try:
        path = parse_path(words)
    except PathError as error:
        place = node.locate(error.position, error.position + 1)
        report.add("R050", place, error.message, found=words, hint=_path_hint(words))
        return None
    known = spec.keys_of(path.root)
    if path.root not in spec.roots:
        _unknown(node, path.root, spec, report)
    elif known is not None and not path.keys:
        report.add(
            "R051",
            node.span,
            f"`{path.root}` is not a value: name one of its keys",
            expected=", ".join(sorted(known)) or None,
        )
    elif known is not None and path.keys[0] not in known:
        name = str(path.keys[0])
        hint = spec.absent.get(f"{path.root}.{name}") or did_you_mean(name, known)
        start = words.find(name, len(path.root))
        report.add(
            "R051",
            node.locate(start, start + len(name)),
            f"there is no `{path.root}.{name}`",
            expected=None if hint else ", ".join(sorted(known)) or None,
            hint=hint,
        )
    else:
        return path
    return None


def _path_hint(words: str) -> str | None:
    """Return what to write for a path of another system, or with a comparison in it."""
    compared = _COMPARED.match(words)
    if compared is not None:
        operator = MEANT.get(compared[2], "eq")
        return f"an operator stands behind the path: `{compared[1]}: {{{operator}: …}}`"
    return "what stands in the payload is under `body`" if words.startswith(("$", ".")) else None


def _unknown(node: Node, root: str, spec: ScopeSpec, report: Report) -> None:
    place = node.locate(0, len(root))
    if root == "item":
        report.add("R051", place, "`item` is there only in a rule with `for_each`")
        return
    hint = spec.absent.get(root) or did_you_mean(root, [*GROUPS, "not", *sorted(spec.roots)])
    if hint is None and root in OPERATORS:
        hint = f"an operator stands behind a path: `body.…: {{{root}: …}}`"
    hint = hint or spec.meant(root)
    report.add(
        "R051",
        place,
        f"there is no `{root}`",
        expected=None if hint else ", ".join(sorted(spec.roots)),
        hint=hint,
    )
