"""Directories of rule files for tests with real processes."""

from __future__ import annotations

from pathlib import Path

SHOP = """\
version: 1
connector: shop
source: shopify
secrets: [shop_webhook]
rules:
  - name: order
    when: {event: orders/create}
    task: {title: "Order {{ body.id }}"}
  - name: counted
    when: {event: orders/updated}
    task:
      key: "order-{{ body.id }}"
      title: "Order {{ body.id }} changed"
      on_open: count
otherwise: {drop: not an order we act on}
"""
"""Orders without a key: a second task for one event would show. Updates are counted on one task."""

ALERTS = """\
version: 1
connector: alerts
source: alertmanager
secrets: [alerts_token]
rules:
  - name: firing
    for_each: body.alerts
    when: {item.status: firing}
    task:
      key: "{{ item.fingerprint }}"
      title: "{{ item.labels.alertname }}"
      on_open: count
      on_closed: new
  - name: resolved
    for_each: body.alerts
    when: {item.status: resolved}
    complete: {key: "{{ item.fingerprint }}"}
otherwise: {drop: not an alert we act on}
"""

OPEN_DOOR = """\
version: 1
connector: open
source: none
rules:
  - name: note
    task: {title: "{{ body.title }}"}
"""


def destinations(url: str) -> str:
    """Return a destinations file with one `http` destination, `downstream`, at a URL."""
    return f"""\
version: 1
destinations:
  downstream:
    type: http
    url: "{url}/tasks"
    allow_private: true
    body: {{subject: "{{{{ task.title }}}}", ref: "{{{{ task.id }}}}"}}
    id_at: id
    idempotency_header: Idempotency-Key
    update: {{method: PUT, url: "{url}/tasks/{{{{ external_id }}}}"}}
    retry: {{for: 10m, first: 100ms, max: 1s}}
"""


def write_routes(directory: Path, **files: str) -> Path:
    """Write rule files, one for each keyword, and return the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, "utf-8")
    return directory


def delivering(connector: str) -> str:
    """Return a connector file whose tasks go to `downstream` too."""
    return connector.replace("rules:\n", "deliver: [downstream]\nrules:\n", 1)
