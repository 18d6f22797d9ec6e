"""Signed Shopify deliveries of 1.3 KB, ready to be written to a socket.

Bodies differ from each other (a batch of equal ones would compress to nothing) and are taken in
turn from a pool; the delivery id, which Shopify does not sign, makes each request a new one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from tests.support.senders import shopify

BODY_BYTES = 1300
_POOL = 2048


def body(chance: random.Random, topic: str = "orders/create") -> bytes:
    """Return an order of 1.3 KB with ids, names and prices of its own."""
    number = chance.randrange(10**11, 10**12)
    content = {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{number % 100_000}",
        "topic": topic,
        "email": f"{chance.randbytes(6).hex()}@example.com",
        "created_at": "2026-11-20T09:12:44+00:00",
        "currency": "GBP",
        "total_price": f"{chance.randrange(500, 2000)}.{chance.randrange(100):02}",
        "customer": {"id": chance.randrange(10**12), "first_name": chance.randbytes(4).hex()},
        "line_items": [
            {
                "id": chance.randrange(10**13),
                "sku": chance.randbytes(5).hex().upper(),
                "title": f"Item {chance.randrange(1000)}",
                "quantity": chance.randrange(1, 9),
                "price": f"{chance.randrange(300)}.00",
            }
            for _ in range(6)
        ],
        "note": "",
    }
    missing = BODY_BYTES - len(json.dumps(content))
    content["note"] = chance.randbytes(max(0, missing) // 2 + 1).hex()[: max(0, missing)]
    return json.dumps(content).encode()


class Requests:
    """An endless supply of requests for one connector; `series` keeps suppliers apart."""

    def __init__(self, host: str, series: str, topic: str = "orders/create") -> None:
        chance = random.Random(series)  # noqa: S311  data for a load, no secret
        self._series = series.encode()
        self._pool: list[tuple[bytes, bytes]] = []
        for _ in range(_POOL):
            signed = shopify(body(chance), "\x00", topic=topic)
            fields = "".join(
                f"{name}: {value}\r\n"
                for name, value in signed.headers.items()
                if name.lower() != "x-shopify-webhook-id"
            )
            head = (
                f"POST {signed.path} HTTP/1.1\r\nHost: {host}\r\n{fields}"
                f"Content-Length: {len(signed.body)}\r\nX-Shopify-Webhook-Id: "
            )
            self._pool.append((head.encode(), b"\r\n\r\n" + signed.body))

    def __iter__(self) -> Iterator[bytes]:
        number = 0
        while True:
            for head, tail in self._pool:
                number += 1
                yield b"%b%b-%d%b" % (head, self._series, number, tail)
