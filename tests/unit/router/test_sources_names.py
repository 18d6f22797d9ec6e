"""Types that are derived where a sender has none, and ids that are composed (decisions E3, E4)."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict

from router.sources.registry import compile_source

ESSENTIALS = {"alertId": "/a/1", "monitorCondition": "Fired", "firedDateTime": "2026-01-05"}


def named(preset: str, body: Any) -> Any:
    return compile_source({"preset": preset}, ["a-secret"]).name(CIMultiDict(), b"x", lambda: body)


@pytest.mark.parametrize(
    ("preset", "body", "expected"),
    [
        ("grafana", {"status": "resolved", "state": "ok"}, "resolved"),
        ("grafana", {"state": "alerting"}, "alerting"),
        ("grafana", {"status": ["firing"]}, None),
        ("datadog", {"transition": "Triggered", "event_type": "x"}, "Triggered"),
        ("datadog", {"transition": "", "alert_transition": "Recovered"}, "Recovered"),
        ("datadog", {"event_type": "query_alert_monitor"}, "query_alert_monitor"),
        ("datadog", {"title": "of a template of one's own"}, None),
        ("uptime-kuma", {"heartbeat": {"status": 0}, "msg": "x"}, "DOWN"),
        ("uptime-kuma", {"heartbeat": {"status": 1}, "msg": "x"}, "UP"),
        ("uptime-kuma", {"heartbeat": {"status": 2}, "msg": "x"}, "PENDING"),
        ("uptime-kuma", {"heartbeat": {"status": 3}, "msg": "x"}, "MAINTENANCE"),
        ("uptime-kuma", {"heartbeat": {"status": 4}, "msg": "x"}, None),
        ("uptime-kuma", {"heartbeat": {"status": -1}, "msg": "x"}, None),
        ("uptime-kuma", {"heartbeat": {"status": True}, "msg": "x"}, None),
        ("uptime-kuma", {"heartbeat": {"status": "1"}, "msg": "x"}, None),
        ("uptime-kuma", {"heartbeat": None, "monitor": None, "msg": "x"}, "TEST"),
        ("uptime-kuma", {"msg": "x"}, "TEST"),
        ("uptimerobot", {"alertTypeFriendlyName": "Down", "alertType": "2"}, "Down"),
        ("uptimerobot", {"alertTypeFriendlyName": "*alertTypeFriendlyName*"}, None),
        ("uptimerobot", {"alertTypeFriendlyName": "", "alertType": "1"}, "Down"),
        ("uptimerobot", {"alertType": 2}, "Up"),
        ("uptimerobot", {"alertType": "3"}, "SSL expiry"),
        ("uptimerobot", {"alertType": "99"}, None),
        ("uptimerobot", {"alertType": True}, None),
        ("pingdom", {"current_state": "DOWN", "previous_state": "UP"}, "DOWN"),
        ("opsgenie", {"action": "Acknowledge"}, "Acknowledge"),
        ("newrelic", {"state": "CLOSED", "current_state": "open"}, "CLOSED"),
        ("newrelic", {"current_state": "open"}, "open"),
        ("azure-monitor", {"data": {"essentials": ESSENTIALS}, "status": "x"}, "Fired"),
        ("azure-monitor", {"data": {"status": "Activated"}}, "Activated"),
        ("azure-monitor", {"status": "Deactivated"}, "Deactivated"),
    ],
)
def test_a_type_is_derived_from_the_state(preset: str, body: Any, expected: str | None) -> None:
    assert named(preset, body).type == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": {"essentials": ESSENTIALS}}, "/a/1:Fired:2026-01-05"),
        ({"data": {"essentials": {**ESSENTIALS, "firedDateTime": None}}}, None),
        ({"data": {"essentials": []}}, None),
        ({"status": "Activated", "context": {"id": "/rule"}}, None),
    ],
)
def test_the_id_of_an_azure_alert_is_composed_of_what_tells_its_changes_apart(
    body: Any, expected: str | None
) -> None:
    assert named("azure-monitor", body).delivery_id == expected
