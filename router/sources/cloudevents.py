"""CloudEvents over HTTP: binary, structured and batched; Bearer credentials, and the OPTIONS handshake.

https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md

`source` and `id` together are unique, and stay the same when an event is sent again. In binary mode
the attributes are headers and the body is the data alone, in structured mode the body is all of it.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from router.sources.body import batch_name, joined, text_at
from router.sources.preset import (
    JSON,
    Answer,
    Facts,
    Headers,
    Parsed,
    SharedSecret,
    SourcePreset,
)

_SENDER = re.compile(r"[\w.*-]{1,255}", re.ASCII)
"""A name in the DNS, or a pattern of such names."""


def _shake(facts: Facts) -> Answer | None:
    """Agree to be sent to: that proves nothing, and each event must still be proven."""
    asking = facts.headers.get("WebHook-Request-Origin", "")
    if facts.method != "OPTIONS" or not _SENDER.fullmatch(asking):
        return None
    agreed = {"Allow": "POST", "WebHook-Allowed-Origin": asking, "WebHook-Allowed-Rate": "*"}
    return Answer(headers=agreed)


def _is_binary(headers: Headers) -> bool:
    kind = headers.get("Content-Type", "").strip().lower()
    return "ce-id" in headers and not kind.startswith("application/cloudevents")


def _attribute(headers: Headers, name: str) -> str | None:
    """Return an attribute from its header, where percent-escapes stand for what headers cannot hold."""
    value = headers.get(f"ce-{name}")
    return None if value is None else unquote(value)


def _delivery_id(headers: Headers, parsed: Parsed) -> str | None:
    if _is_binary(headers):
        return joined([_attribute(headers, "source"), _attribute(headers, "id")])
    ids = [_id_of(event) for event in _events(parsed())]
    return None if not ids or None in ids else ",".join(map(str, ids))


def _event_type(headers: Headers, parsed: Parsed) -> str | None:
    if _is_binary(headers):
        return _attribute(headers, "type")
    return batch_name([text_at(event, "type") for event in _events(parsed())])


def _events(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]


def _id_of(event: Any) -> str | None:
    return joined([text_at(event, "source"), text_at(event, "id")])


PRESET = SourcePreset(
    name="cloudevents",
    title="CloudEvents",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="source and id, of each event of a batch",
    event_type=_event_type,
    event_type_from="type: header ce-type, or in the body; of a batch the first, with + where others differ",
    handshake="OPTIONS with WebHook-Request-Origin: 200, which allows that sender any rate",
    shake=_shake,
    shaking_methods=frozenset({"OPTIONS"}),
    retries="up to the sender; after 429 it waits as long as Retry-After says",
    waits="up to the sender",
    setup=(
        "Subscribe the address of the connector at the sender.",
        "Give it the secret as the token: in Authorization: Bearer, or where it can only be in the address as ?access_token=.",
    ),
    content_types=JSON | {"text/plain"},
)
