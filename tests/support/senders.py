"""Requests as their senders make them, signed through the sources' own `sign`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.sources.registry import compile_source
from router.sources.source import Source

SHOP_SECRET = "test-shop-secret-7c1f"
ALERTS_TOKEN = "test-alerts-token-55d0"
ADMIN_TOKEN = "test-admin-token-0000000000000000000000000"
SECRETS = {"shop_webhook": SHOP_SECRET, "alerts_token": ALERTS_TOKEN}


@dataclass(frozen=True, slots=True)
class Request:
    """One webhook: where it goes, its headers and its body."""

    connector: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/hooks/{self.connector}"

    def with_headers(self, **changed: str | None) -> Request:
        """Return the request with headers set, or removed where None; `_` in a name stands for `-`."""
        named = {name.replace("_", "-").lower(): value for name, value in changed.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in named}
        given = {name: value for name, value in named.items() if value is not None}
        return Request(self.connector, self.body, kept | given)


def source_of(preset: str, secret: str) -> Source:
    """Return a preset's source with one secret."""
    return compile_source({"preset": preset}, [secret])


_SHOPIFY = source_of("shopify", SHOP_SECRET)


def order(number: int | str, **fields: Any) -> bytes:
    """Return the body of an order; `total_price` is 640.00 unless given."""
    content = {"id": number, "name": f"#{number}", "total_price": "640.00", **fields}
    return json.dumps(content).encode()


def shopify(
    body: bytes,
    delivery_id: str,
    *,
    topic: str = "orders/create",
    connector: str = "shop",
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Return a Shopify delivery with a valid signature."""
    unsigned = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Webhook-Id": delivery_id,
        **(headers or {}),
    }
    signed = _SHOPIFY.sign(body, now=time.monotonic(), headers=unsigned)
    return Request(connector, body, signed)


def alerts(status: str, *fingerprints: str, connector: str = "alerts", **fields: Any) -> Request:
    """Return an Alertmanager group with one alert for each fingerprint."""
    group = {
        "version": "4",
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": f"Alert {mark}", "severity": "critical"},
                "annotations": {},
                "startsAt": "2026-11-20T09:12:44Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "fingerprint": mark,
                **fields,
            }
            for mark in fingerprints
        ],
    }
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {ALERTS_TOKEN}"}
    return Request(connector, json.dumps(group).encode(), headers)
