"""Metrics that several processes share: what one that ended said of the present counts no longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from router.core import metrics
from router.core.metrics import forget_process, set_rules_hash

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import os
from router.core import metrics
metrics.set_rules_hash("old")
metrics.BREAKER_OPEN.labels("crm").set(1)
metrics.DECISIONS.labels("shop", "order", "created").inc()
print(os.getpid())
"""
SUCCESSOR = """
from router.core import metrics
metrics.set_rules_hash("between")
metrics.set_rules_hash("new", "between")
metrics.BREAKER_OPEN.labels("crm").set(0)
metrics.DECISIONS.labels("shop", "order", "created").inc()
print(metrics.render()[0].decode())
"""


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


def test_rules_and_pauses_of_a_process_that_ended_are_shown_no_more(tmp_path: Path) -> None:
    pid = int(run(WORKER, tmp_path))
    forget_process(pid, tmp_path)

    shown = [line for line in run(SUCCESSOR, tmp_path).splitlines() if not line.startswith("#")]

    assert [line for line in shown if "rules_info" in line] == [
        'hookyard_rules_info{hash="new"} 1.0'
    ]
    assert 'hookyard_breaker_open{destination="crm"} 0.0' in shown
    counted = 'hookyard_decisions_total{connector="shop",outcome="created",rule="order"} 2.0'
    assert counted in shown, "what it counted stays"


def test_a_process_that_said_nothing_is_forgotten_too(tmp_path: Path) -> None:
    forget_process(1, tmp_path)
    forget_process(1, tmp_path / "not there")


@pytest.mark.parametrize("before", [None, "metrics-test-1", "metrics-test-2"])
def test_one_set_of_rules_is_in_force_at_a_time(before: str | None) -> None:
    set_rules_hash("metrics-test-1")
    set_rules_hash("metrics-test-2", "metrics-test-1")
    set_rules_hash("metrics-test-2", before)

    text = metrics.render()[0].decode()

    assert [line for line in text.splitlines() if "metrics-test" in line] == [
        'hookyard_rules_info{hash="metrics-test-2"} 1.0'
    ]
    set_rules_hash("none", "metrics-test-2")
