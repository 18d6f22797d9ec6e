"""Names that nothing uses: variables, destinations, people.

No false alarms: what could be a use counts as one. A variable is used where any text of the file names
it, if need be by way of other variables. A destination is used where a `deliver` names it. A person is
used where any other text of the files is the person's name or address; and people who can be met in
another way are left alone altogether: those with `ids`, whom tasks reach that are given to them by hand;
those with an address where a connector asks who its contacts are; everybody where a template says who
gets a task, or senders do. Destinations and people are judged only if no file has an error and there
is a connector. Clients, projects, labels, statuses and types of tasks are lists to choose from by hand,
and are never called unused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rules.document import Node
from rules.lint.files import Files, mappings, scalars
from rules.model_types import is_template
from rules.problems import Problem, Span

CODE: Final = "R074"

_VARIABLE: Final = re.compile(r"""\bvars\s*(?:\.\s*(\w+)|\[\s*(?:"(\w+)"|'(\w+)')\s*\])""")
_ANY_VARIABLE: Final = re.compile(r"\bvars\b")
_PEOPLE: Final = ("assignees", "followers")


def nothing_uses(files: Files) -> Iterator[Problem]:
    """Give a problem for each name that is defined and not used."""
    for connector in files.connectors:
        yield from _variables(connector.root)
    connectors = files.of_kind("connector")
    if files.complete and connectors:
        yield from _destinations(files, connectors)
        yield from _people(files, connectors)


def _problem(what: str, span: Span, hint: str) -> Problem:
    return Problem(CODE, what, span, "warning", hint=hint)


def _variables(root: Node) -> Iterator[Problem]:
    defined = root.get("vars")
    if defined is None or not defined.entries:
        return
    inner = {name: _named(_texts(value)) for name, value in defined.pairs()}
    others = [value for key, value in root.pairs() if key != "vars"]
    used = _named(text for value in others for text in _texts(value))
    waiting = list(used & inner.keys())
    while waiting:
        for name in inner[waiting.pop()] & inner.keys() - used:
            used.add(name)
            waiting.append(name)
    for name in inner.keys() - used if _EVERY not in used else ():
        place = defined.key(name).span
        yield _problem(f"nothing uses `vars.{name}`", place, "use it, or remove it")


_EVERY: Final = ""
"""Stands for the names of all variables, where a text names them in no plain way."""


def _named(texts: Iterator[str]) -> set[str]:
    """Return the names of variables that texts hold."""
    names: set[str] = set()
    for text in texts:
        if "vars" in text:
            found = _VARIABLE.findall(text)
            names.update(name for groups in found for name in groups if name)
            if len(_ANY_VARIABLE.findall(text)) > len(found):
                names.add(_EVERY)
    return names


def _texts(node: Node) -> Iterator[str]:
    """Give all texts below a node, keys too: paths are keys."""
    yield from (each.value for each in scalars(node) if each.is_text)
    yield from (key for each in mappings(node) for key in each.entries)


def _destinations(files: Files, connectors: Sequence[Node]) -> Iterator[Problem]:
    named = {
        item.value
        for root in connectors
        for mapping in mappings(root)
        if (listed := mapping.get("deliver")) is not None
        for item in (*listed.items, listed)
        if item.is_text
    }
    for root in files.of_kind("destinations"):
        listed = root.entries["destinations"].value
        for name in listed.entries:
            if name not in named:
                yield _problem(
                    f"nothing delivers to `{name}`",
                    listed.key(name).span,
                    f"write `deliver: [{name}]` in a connector or a rule, or remove it",
                )


def _people(files: Files, connectors: Sequence[Node]) -> Iterator[Problem]:
    if any(_anybody(root) for root in connectors):
        return
    bodies = [body for root in files.of_kind("directory") if (body := root.get("directory"))]
    elsewhere = [value for body in bodies for key, value in body.pairs() if key != "people"]
    elsewhere += [*connectors, *files.of_kind("destinations")]
    named = {text.lower() for node in elsewhere for text in _texts(node)}
    contacts = any("contact" in root.entries for root in connectors)
    for body in bodies:
        listed = body.get("people")
        for name, person in () if listed is None else listed.pairs():
            if listed is not None and not _met(name, person, named, contacts=contacts):
                yield _problem(
                    f"nothing names the person `{name}`",
                    listed.key(name).span,
                    "remove the entry, or give it `ids` if tasks are given to this person by hand",
                )


def _anybody(root: Node) -> bool:
    """Tell whether events decide who gets the tasks of a connector."""
    source = root.get("source")
    preset = None if source is None else source.get("preset") or source
    if preset is not None and preset.value == "task":
        return True
    given = [mapping.get(name) for mapping in mappings(root) for name in _PEOPLE]
    return any(
        is_template(each.value) for node in given if node is not None for each in scalars(node)
    )


def _met(
    name: str, person: Node, named: Mapping[str, object] | set[str], *, contacts: bool
) -> bool:
    email, ids = person.get("email"), person.get("ids")
    address = str(email.value).strip().lower() if email is not None and email.is_text else None
    if name.lower() in named or (ids is not None and bool(ids.entries)):
        return True
    return address is not None and (contacts or address in named)
