"""Adyen's standard webhooks: base64 HMAC-SHA256 over eight fields of each item, in the item itself.

https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures

The fields are joined with `:` as they are, an empty one where there is none. The secret is shown as hex.
The same `eventCode` of one `pspReference` is the same event, unless `success` has changed.
"""

from __future__ import annotations

from typing import Any

from router.sources.body import batch_name, joined, text_at, value_at
from router.sources.preset import (
    Answer,
    Headers,
    InBody,
    Parsed,
    Sign,
    SignedPart,
    SourcePreset,
)

_SIGNED = (
    ("pspReference",),
    ("originalReference",),
    ("merchantAccountCode",),
    ("merchantReference",),
    ("amount", "value"),
    ("amount", "currency"),
    ("eventCode",),
    ("success",),
)


def _items(content: Any) -> list[Any]:
    """Return what each item of a body is about."""
    items = value_at(content, "notificationItems")
    if not isinstance(items, list):
        return []
    return [value_at(item, "NotificationRequestItem") for item in items]


def _message(item: Any) -> bytes:
    """Return what is signed of an item."""
    texts = (_written(value_at(item, *path)) for path in _SIGNED)
    return ":".join(texts).encode("utf-8", "surrogatepass")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if type(value) in {str, int} else ""


def _read(content: Any) -> tuple[SignedPart, ...]:
    items = _items(content)
    signatures = [text_at(item, "additionalData", "hmacSignature") for item in items]
    if not all(signatures):  # one that is not signed would come in with the others
        return ()
    return tuple(
        SignedPart((signature.encode("utf-8", "surrogatepass"),), _message(item))
        for item, signature in zip(items, signatures, strict=True)
        if signature is not None
    )


def _write(content: dict[str, Any], sign: Sign, _now: float) -> dict[str, Any]:
    """Return a body whose items are signed; the rest of it as it is."""
    for item in _items(content):
        if isinstance(item, dict):
            more = item.get("additionalData")
            signed = {"hmacSignature": sign(_message(item))}
            item["additionalData"] = {**more, **signed} if isinstance(more, dict) else signed
    return content


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    ids = [_id_of(item) for item in _items(parsed())]
    return None if not ids or None in ids else ",".join(map(str, ids))


def _id_of(item: Any) -> str | None:
    names = ("pspReference", "eventCode", "success")
    return joined([_written(value_at(item, name)) for name in names])


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return batch_name([text_at(item, "eventCode") for item in _items(parsed())])


PRESET = SourcePreset(
    name="adyen",
    title="Adyen",
    proof=InBody(
        place="additionalData.hmacSignature",
        signed="eight fields of each item",
        read=_read,
        write=_write,
        encoding="base64",
        key="hex",
    ),
    docs="https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body pspReference, eventCode and success of each item",
    event_type=_event_type,
    event_type_from="body eventCode of the item: AUTHORISATION, CAPTURE, REFUND …",
    dedupe_why="Adyen says that eventCode and pspReference make an event; success is part of the key because it may change, and the change should reach the rules.",
    retries="What is not answered with 2xx in time waits in a queue of the address: it is tried again after 2 minutes, then at growing distances up to 8 hours, for 30 days.",
    waits="10 seconds",
    setup=(
        "Open Developers → Webhooks in the Customer Area, + Webhook, and add a Standard webhook.",
        "The server's URL is the address of the connector, the method JSON.",
        "Under Security generate an HMAC key and copy it at once: it is the secret.",
        "Save, then Test configuration.",
    ),
    answer=Answer(body=b"[accepted]"),
)
