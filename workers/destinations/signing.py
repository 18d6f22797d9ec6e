"""Signing what we send, by https://www.standardwebhooks.com: id, time and body under one secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"


class KeyUnusableError(ValueError):
    """The signing secret is not a key: base64, after `whsec_` if that stands before it."""


def sign(secret: str, message_id: str, now_s: int, body: bytes) -> dict[str, str]:
    """Return the three headers that sign a body.

    Raises:
        KeyUnusableError: The secret is not one; its value is not shown.
    """
    content = f"{message_id}.{now_s}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise KeyUnusableError("the signing secret is no base64 key, such as whsec_…")
    return key
