"""The reference pages name everything that is there, and nothing that is not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import prometheus_client
import pytest

from docs import generate
from router.core import metrics
from router.core.settings import PREFIX, Settings
from router.core.store.audit import ACTIONS
from router.sources.registry import REGISTRY as SOURCES
from router.web.problems import PROBLEMS
from rules.problems import CODES
from workers.destinations import REGISTRY as DESTINATIONS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"])
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def _page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_generated_pages_are_up_to_date() -> None:
    assert generate.write(check=True) == [], "run `make docs`"


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_of_the_audit_log_is_described(action: str) -> None:
    assert f"`{action}`" in _page("reference/api.md").partition("\n## The audit log")[2]


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_every_setting_is_described(name: str) -> None:
    assert Settings.model_fields[name].description
    assert f"`{PREFIX}{name.upper()}`" in _page("reference/settings.md")


COMMANDS = [context.command_path for context in generate.commands()]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_its_help_in_the_reference(path: str) -> None:
    assert f"## {path}\n" in _page("reference/commands.md")


@pytest.mark.parametrize("path", COMMANDS)
def test_every_flag_shows_its_environment_twin(path: str) -> None:
    page = _page("reference/commands.md")
    options = page.split(f"## {path}\n")[1].split("\n## ")[0].split("Options:\n")[1]
    flags = re.findall(r"^  (?:-\w, )?--(?!help)[\w-]+", options, re.MULTILINE)

    assert options.count("[env:") == len(flags), options


@pytest.mark.parametrize("code", list(CODES))
def test_every_code_of_a_rule_problem_is_explained(code: str) -> None:
    assert re.search(rf"^#+ .*\b{code}\b", _page("reference/rule-errors.md"), re.MULTILINE)


@pytest.mark.parametrize("code", sorted({problem.code for problem in PROBLEMS}))
def test_every_code_of_an_http_problem_is_explained(code: str) -> None:
    assert f"`{code}`" in _page("reference/http-problems.md")


def _metrics() -> list[object]:
    kinds = (prometheus_client.Counter, prometheus_client.Gauge, prometheus_client.Histogram)
    return [value for value in vars(metrics).values() if isinstance(value, kinds)]


@pytest.mark.parametrize("metric", _metrics(), ids=lambda metric: metric._name)
def test_every_metric_is_documented_with_its_labels(metric: object) -> None:
    name = metric._name  # type: ignore[attr-defined]  # all kinds of metric have one
    suffix = "_total" if isinstance(metric, prometheus_client.Counter) else ""
    labels = ",".join(metric._labelnames)  # type: ignore[attr-defined]  # as above
    shown = f"`{name}{suffix}{{{labels}}}`" if labels else f"`{name}{suffix}`"

    assert shown in _page("reference/metrics.md")


def test_no_metric_is_documented_that_is_not_there() -> None:
    there = {metric._name for metric in _metrics()}  # type: ignore[attr-defined]  # as above
    named = re.findall(r"^\| `(hookyard_\w+)", _page("reference/metrics.md"), re.MULTILINE)

    assert {name.removesuffix("_total") for name in named} == there


def _log_events() -> Iterator[tuple[str, str]]:
    """Yield the name of each log event of our code and where it is."""
    for folder in ("router", "workers", "rules"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if _is_log_call(node):
                    (name, *_) = node.args  # type: ignore[attr-defined]  # a call, as was asked
                    assert isinstance(name, ast.Constant), f"{path}:{node.lineno}"  # type: ignore[attr-defined]  # as above
                    yield str(name.value), f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]  # as above


def _is_log_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOG_METHODS
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and ast.unparse(node.func.value).split(".")[-1].strip("_") in {"log", "logger"}
    )


def test_every_log_event_is_documented() -> None:
    page = _page("reference/logs.md")
    missing = {name: place for name, place in _log_events() if f"| `{name}` |" not in page}

    assert missing == {}


def test_no_log_event_is_documented_that_is_not_there() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", _page("reference/logs.md"), re.MULTILINE))

    assert named - {name for name, _ in _log_events()} == set()


@pytest.mark.parametrize("name", sorted({preset.name for preset in SOURCES}))
def test_every_source_has_its_page(name: str) -> None:
    assert (DOCS / "sources" / f"{name}.md").is_file()


@pytest.mark.parametrize("name", sorted({destination.name for destination in DESTINATIONS}))
def test_every_destination_has_its_page(name: str) -> None:
    assert (DOCS / "destinations" / f"{name}.md").is_file()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)\s#]+)", text)

    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_settings_that_pages_name_are_there(path: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    twins = set(re.findall(r"\[env:\s+(\w+)\]", path.read_text("utf-8")))
    named = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", path.read_text("utf-8")))

    unknown = {
        name
        for name in named - twins
        if name.removesuffix("_FILE") not in known and not name.startswith(f"{PREFIX}SECRET")
    }
    assert unknown <= {f"{PREFIX}X", f"{PREFIX}X_FILE"}


def test_the_makefile_says_what_each_target_does() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")

    for target in ("demo", "test", "lint", "bench", "docs"):
        assert f"make {target}" in text
