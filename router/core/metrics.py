"""Prometheus metrics, by the names of the contract.

Where several processes share a port, the command sets PROMETHEUS_MULTIPROC_DIR before it starts
them: each then writes to a file of its own there, and whoever is asked adds them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from router.core.settings import environment

_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_LONG = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter(
    "hookyard_requests_total",
    "Requests to /hooks; outcome is `accepted` or the code of the refusal.",
    ("connector", "outcome"),
)
REQUEST_SECONDS = Histogram(
    "hookyard_request_seconds",
    "Time from the headers of an accepted request to its answer.",
    buckets=_SHORT,
)
BATCH_EVENTS = Histogram(
    "hookyard_batch_events",
    "Events that share one write to Redis.",
    buckets=_SIZES,
)
REFUSALS_UNRECORDED = Counter(
    "hookyard_refusals_unrecorded_total",
    "Refusals beyond what is recorded of a connector in a minute, or while the database was away.",
)
BACKLOG_EVENTS = Gauge(
    "hookyard_backlog_events",
    "Accepted events that are not routed yet.",
    multiprocess_mode="mostrecent",
)
BACKLOG_AGE_SECONDS = Gauge(
    "hookyard_backlog_age_seconds",
    "Age of the oldest accepted event that is not routed yet.",
    multiprocess_mode="mostrecent",
)
DECISIONS = Counter(
    "hookyard_decisions_total",
    "What rules decided.",
    ("connector", "rule", "outcome"),
)
REPLAYS = Counter(
    "hookyard_replays_total",
    "Events that were decided again.",
    ("connector",),
)
ROUTE_SECONDS = Histogram(
    "hookyard_route_seconds",
    "Time a worker needs for a batch of events.",
    buckets=_SHORT,
)
EVENT_TO_TASK_SECONDS = Histogram(
    "hookyard_event_to_task_seconds",
    "Time from the receipt of an event to the commit of its outcome.",
    buckets=_LONG,
)
DELIVERIES = Counter(
    "hookyard_deliveries_total",
    "Attempts to make a destination's copy of a task current.",
    ("destination", "outcome"),
)
DELIVERY_SECONDS = Histogram(
    "hookyard_delivery_seconds",
    "Time of one attempt at a destination.",
    buckets=_LONG,
)
DELIVERIES_UNSETTLED = Gauge(
    "hookyard_deliveries_unsettled",
    "Deliveries that are uncertain, held or failed.",
    ("destination", "state"),
    multiprocess_mode="mostrecent",
)
BREAKER_OPEN = Gauge(
    "hookyard_breaker_open",
    "1 while nothing is sent to a destination, because of what it answered or did not.",
    ("destination",),
    multiprocess_mode="livemax",
)
RULES_INFO = Gauge(
    "hookyard_rules_info",
    "1 for the set of rules in force.",
    ("hash",),
    multiprocess_mode="livemostrecent",
)
RULES_LAST_RELOAD_SUCCESS = Gauge(
    "hookyard_rules_last_reload_success",
    "1 if the rule files as they are could be loaded, 0 while older ones stay in force.",
    multiprocess_mode="mostrecent",
)


def set_rules_hash(in_force: str, before: str | None = None) -> None:
    """Show which set of rules is in force, and no longer the one before."""
    if before is not None and before != in_force:
        # Not removed: a file that processes share keeps what it has. `render` leaves it out.
        RULES_INFO.labels(before).set(0)
    RULES_INFO.labels(in_force).set(1)


def forget_process(pid: int, directory: Path) -> None:
    """Count no longer what a process that ended said of the present, where processes share a directory."""
    mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]  # not annotated there


class _Shown:
    """What is shown: all but the sets of rules that are no longer in force."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            if metric.name == "hookyard_rules_info":
                metric.samples = [sample for sample in metric.samples if sample.value]
            yield metric


def render() -> tuple[bytes, str]:
    """Return all metrics as text for Prometheus, and its content type."""
    directory = environment().get(_MULTIPROCESS_DIR)
    registry = REGISTRY
    if directory:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]  # not annotated there
    return generate_latest(_Shown(registry)), CONTENT_TYPE_LATEST
