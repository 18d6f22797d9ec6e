"""A running API compared with its own `/openapi.json`, by schemathesis as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.support.furnished import Ids
from tests.support.hookyard import Hookyard
from tests.support.trying import configuration

EXAMPLES: Final = 25
_WITHIN_S: Final = 280
_DONE: Final = 2
_WIDE: Final = 1000


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
    config.write_text(configuration(ids, examples), "utf-8")
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
