"""`hookyard rules test` as a process: what a person or a CI job sees of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from router.core.settings import PREFIX, environment

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a directory with the example's rules and payloads, as somebody would have checked them out."""
    shutil.copytree(ROOT / "examples" / "routes", tmp_path / "routes")
    shutil.copytree(ROOT / "examples" / "payloads", tmp_path / "payloads")
    return tmp_path


def hookyard(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        name: value for name, value in environment(folder).items() if not name.startswith(PREFIX)
    }
    return subprocess.run(
        [sys.executable, "-m", "router.cli.main", "rules", "test", *arguments],
        cwd=folder,
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_examples_pass_and_a_rule_that_is_changed_fails_its_test(folder: Path) -> None:
    passed = hookyard(folder)
    shop = folder / "routes" / "shop.yaml"
    shop.write_text(shop.read_text("utf-8").replace("gte: 250", "gte: 400"), "utf-8")
    failed = hookyard(folder, "--junit", "rules.xml")

    assert (passed.returncode, passed.stderr) == (0, "7 tests: 7 passed\n")
    assert passed.stdout.count("✓ ") == 7
    assert failed.returncode == 1
    assert 'why       big order: body.total_price gte 400: found "388.00"' in failed.stdout
    assert "✗ shop: a big order becomes a task, and is cancelled with the order" in failed.stdout
    assert "✓ alerts: an alert fires, fires again and is resolved" in failed.stdout
    report = ET.parse(folder / "rules.xml").getroot()  # noqa: S314  our own
    assert (report.get("tests"), report.get("failures")) == ("7", "1")
    assert not (folder / ".hookyard").exists()
