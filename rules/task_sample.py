"""An example payload for a task endpoint, and which names its fields know: what code samples are made of.

It holds only what the connector accepts, with names of the directory, so that it makes a task as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from rules.decision import Unknown
from rules.directory import Directory
from rules.fields import PRIORITIES
from rules.payload import CONTACT, Payload

MAX_CHOICES: Final = 12
"""So many names of a kind are shown; a directory may hold thousands."""

_KINDS: Final = {
    "type": "task_types",
    "assignees": "people",
    "labels": "labels",
    "client": "clients",
    "project": "projects",
}
_LISTS: Final = frozenset({"assignees", "labels"})
_STRANGER: Final = {
    "email": "ada@example.com",
    "phone": "+44 20 7946 0018",
    "external_id": "crm-1042",
    "name": "Ada Lovelace",
}


def sample_of(
    payload: Payload,
    directory: Directory,
    given: Mapping[str, object],
    unknown: Unknown,
    asked: Collection[str] = ("email",),
) -> dict[str, Any]:
    """Return `{"body": …, "choices": {field: [name, …]}}`, and `more: {field: how many}` of names not shown.

    `given` are the fields that the connector fixes or gives by default, `unknown` says what becomes of
    strangers, `asked` are the parts that its contact is made of.
    """
    body: dict[str, Any] = {
        "title": "Call Ada back",
        "description": "She asked about her invoice.",
        "priority": "high",
        "due": "tomorrow",
    }
    body = {name: value for name, value in body.items() if payload.accepts(name)}
    choices: dict[str, Sequence[str]] = {}
    more: dict[str, int] = {}
    if payload.accepts("priority"):
        choices["priority"] = PRIORITIES
    for name, kind in _KINDS.items():
        names = sorted(set(directory.known.get(kind, {}).values()))
        if not names or not payload.accepts(name):
            continue
        choices[name] = names[:MAX_CHOICES]
        if len(names) > MAX_CHOICES:
            more[name] = len(names) - MAX_CHOICES
        if name == "client" or (name == "project" and "client" in given):
            continue  # a project brings its client, and takes no other
        body[name] = [names[0]] if name in _LISTS else names[0]
    if payload.accepts(CONTACT):
        body[CONTACT] = _contact(directory, unknown, asked)
    found = {"body": body, "choices": {name: list(names) for name, names in choices.items()}}
    return {**found, "more": more} if more else found


def _contact(directory: Directory, unknown: Unknown, asked: Collection[str]) -> dict[str, str]:
    """Return somebody whom the connector lets in, as far as the directory knows one."""
    said = {part: words for part, words in _STRANGER.items() if part in asked or part == "name"}
    if unknown == "reject" and "email" in said:
        for person in directory.people.values():
            if person.email:
                return {**said, "email": person.email, "name": person.name or person.email}
    return said
