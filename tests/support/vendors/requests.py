"""The golden files of requests: what each type of vendor's destination makes of the same tasks.

`python -m tests.support.vendors.requests` writes `requests.json` of every type anew; read the difference
before you keep it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.vendors import tasks
from tests.support.vendors.offices import FIXTURES, OFFICES, config
from workers.destinations import BY_NAME
from workers.destinations.request import Change, Request


def made(name: str) -> dict[str, Any]:
    """Return what a type makes of each task and change."""
    return {
        what: None if request is None else shown(request) for what, request in requests_of(name)
    }


def requests_of(name: str) -> Iterator[tuple[str, Request | None]]:
    """Give what is asked, and the request for it."""
    kind, office, given = BY_NAME[name], OFFICES[name], config(name)
    full, plain = office.full(), office.plain()
    some_day = tasks.all_day(links=office.links, custom=full["custom"])
    cases: list[tuple[str, Change, dict[str, Any]]] = [
        ("create, with everything", "create", full),
        ("create, due on a day", "create", some_day),
        ("create, with hardly anything", "create", plain),
        ("create, when it is done already", "create", tasks.closed(full)),
        ("update, with everything", "update", full),
        ("update, with hardly anything", "update", plain),
        ("update, when it is cancelled", "update", tasks.closed(full, "cancelled")),
        ("complete", "complete", tasks.closed(full)),
        ("cancel", "cancel", tasks.closed(full, "cancelled")),
        ("delete", "delete", full),
    ]
    for what, change, task in cases:
        if change in kind.changes:
            known = None if change == "create" else "ext/1"
            yield what, kind.build(given, change, office.copy(task, external_id=known))
    if kind.find is not None:
        yield "find, with everything", kind.find(given, office.copy(full))
        yield "find, with hardly anything", kind.find(given, office.copy(plain))
    if kind.check is not None:
        yield "check", kind.check(given)
    for lookup in () if kind.directory is None else kind.directory(given):
        yield f"directory, {lookup.kind}", lookup.request


def shown(request: Request) -> dict[str, Any]:
    """Return a request as people read it; what is empty is left out."""
    kept = request.as_json()
    parts = urlsplit(request.url)
    body = json.loads(request.body) if request.body else None
    whole = {
        **kept,
        "url": parts._replace(query="").geturl(),
        "query": parse_qsl(parts.query, keep_blank_values=True),
        "body": body,
    }
    return {key: value for key, value in whole.items() if value not in ({}, [], None, "")}


def text_of(name: str) -> str:
    """Return the golden file of a type."""
    return f"{json.dumps(made(name), indent=2, ensure_ascii=False)}\n"


def expected_of(name: str) -> Path:
    """Return where it is."""
    return FIXTURES / name / "requests.json"


def main() -> None:
    """Write them all anew."""
    for name in OFFICES:
        expected_of(name).write_text(text_of(name), "utf-8")


if __name__ == "__main__":
    main()
