"""A running API compared with its own `/openapi.json`, by schemathesis as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.furnished import Ids
from tests.support.hookyard import Hookyard
from tests.support.senders import ADMIN_TOKEN

EXAMPLES: Final = 25
_WITHIN_S: Final = 280
_MOSTLY: Final = 0.8
_DONE: Final = 2
_WIDE: Final = 1000

_DATES: Final = (
    "tomorrow",
    "+2 business days",
    "+9999999 days",
    "2026-12-01",
    "2026-02-30",
    "17:00",
    "2026-12-01T10:00:00Z",
    "9999-12-31",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
)
_VALUES: Final[Mapping[str, Sequence[str]]] = {
    "dates": _DATES,
    "clocks": ("00:00", "9:30", "23:59", "24:00"),
    "zones": ("UTC", "Europe/London", "Pacific/Apia", "Mars/Olympus"),
    "people": ("jane", "amir", "nobody"),
    "clients": ("acme", "nobody"),
    "projects": ("support", "nothing"),
    "statuses": ("open", "in_progress", "done", "lost"),
    "destinations": ("downstream", "nowhere"),
    "versions": ('"1"', '"2"', '"3", W/"1"', "*"),
}
"""Words that no schema has, among which are some of the directory, and some at the edges of the calendar."""
_OF_TASKS: Final[Mapping[str, str]] = {
    **{f"body.{name}": "dates" for name in ("start", "start_at", "due", "due_at", "due_date")},
    "body.due_time": "clocks",
    "body.timezone": "zones",
    "body.assignees[*]": "people",
    "body.followers[*]": "people",
    "body.client": "clients",
    "body.project": "projects",
    "body.status": "statuses",
}


class Compared(NamedTuple):
    """What a comparison found: how often each operation was answered with which status, and what is wrong."""

    report: Mapping[str, Any]
    answers: Mapping[tuple[str, int], int]
    failures: str

    @property
    def operations(self) -> int:
        """How many operations were asked."""
        return int(self.report["operations"]["tested"])

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return int(self.report["test_cases"]["generated"])

    @property
    def unlike(self) -> int:
        """How many requests were not answered as the document says."""
        return int(self.report["test_cases"]["with_failures"])

    @property
    def asked(self) -> set[str]:
        """What was asked, as `GET /api/v1/tasks`."""
        return {operation for operation, _ in self.answers}

    def was_done(self, operation: str) -> bool:
        """Tell whether what an operation asks was done once at least."""
        return any(one == operation and status // 100 == _DONE for one, status in self.answers)

    def answers_of(self, hundred: int) -> int:
        """Return how many answers had a status of this hundred."""
        return sum(n for (_, status), n in self.answers.items() if status // 100 == hundred)


COMPARED: Final[pytest.StashKey[dict[str, Compared]]] = pytest.StashKey()
"""Where a run of pytest keeps what was found, by the kind of database, to tell of it at its end."""


def compare(
    hookyard: Hookyard,
    ids: Ids,
    directory: Path,
    *,
    examples: int = EXAMPLES,
    document: Mapping[str, Any] | None = None,
) -> Compared:
    """Compare what an installation answers with what it, or another document, says that it answers."""
    directory.mkdir()
    config, report, answers = (
        directory / name for name in ("schemathesis.toml", "report.json", "answers.ndjson")
    )
    config.write_text(_config(ids, examples), "utf-8")
    said = f"{hookyard.url}/openapi.json"
    if document is not None:
        said = str(directory / "openapi.json")
        Path(said).write_text(json.dumps(document), "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *("--config-file", str(config), "run", said, "--url", hookyard.url),
            *("--report", "json,ndjson"),
            *("--report-json-path", str(report), "--report-ndjson-path", str(answers)),
        ],
        cwd=directory,
        env=hookyard.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN_S,
    )
    if not report.exists():
        raise AssertionError(f"schemathesis did not run: {_short(done.stdout)}{done.stderr}")
    return Compared(
        json.loads(report.read_text("utf-8")),
        _answers(answers.read_text("utf-8")),
        _short(done.stdout) if done.returncode else "",
    )


def _answers(lines: str) -> Counter[tuple[str, int]]:
    """Return how often each operation was answered with which status."""
    found: Counter[tuple[str, int]] = Counter()
    for line in lines.splitlines():
        scenario = json.loads(line).get("ScenarioFinished")
        if scenario is None or scenario["phase"] == "stateful":
            continue
        recorder = scenario["recorder"]
        for interaction in recorder.get("interactions", {}).values():
            if interaction["response"] is not None:
                found[recorder["label"], interaction["response"]["status_code"]] += 1
    return found


def _short(said: str) -> str:
    """Return what schemathesis said without most of the long bodies it sent."""
    return "\n".join(line[:_WIDE] for line in said.splitlines())


_CONFIG: Final = """\
hooks = "tests.support.unknowable"

[auth.openapi.token]
bearer = "{token}"

[generation]
# No draw is by chance, so that a run says something of the change it is made for.
deterministic = true
max-examples = {examples}
database = "none"

[checks.negative_data_rejection]
# What is too large, or of another version, is refused as such, whatever else is wrong with it.
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]

[dictionaries]
{dictionaries}

{operations}
"""


def _config(ids: Ids, examples: int) -> str:
    """Return what schemathesis is told: whom it is, how much to try, and what ids and names there are."""
    dictionaries = {**ids, **_VALUES}
    return _CONFIG.format(
        token=ADMIN_TOKEN,
        examples=examples,
        dictionaries="\n".join(
            f"{name} = {{ values = {json.dumps(values)} }}" for name, values in dictionaries.items()
        ),
        operations="\n".join(_bound(path, names) for path, names in _bindings(ids)),
    )


def _bindings(ids: Ids) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield addresses, each once, and which of their parameters take their values from which dictionary."""
    for name in sorted(ids.keys() - {"tasks", "tasks-cursors"}):
        kind, _, cursors = name.partition("-")
        if cursors:
            yield f"^/api/v1/{kind}$", {"query.cursor": name}
        else:
            yield f"^/api/v1/{kind}/[{{]id[}}]", {"path.id": name}
    yield "^/api/v1/tasks$", {"query.cursor": "tasks-cursors", **_OF_TASKS}
    one = {"path.id": "tasks", "header.If-Match": "versions"}
    yield "^/api/v1/tasks/[{]id[}]$", {**one, **_OF_TASKS}
    yield "^/api/v1/tasks/[{]id[}]/", one


def _bound(path: str, names: Mapping[str, str]) -> str:
    bound = [
        f'"{name}" = {{ dictionary = "{words}", probability = {_MOSTLY} }}'
        for name, words in names.items()
    ]
    selected = f'include-path-regex = "{path}"'
    return "\n".join(["[[operations]]", selected, "[operations.parameters]", *bound, ""])
