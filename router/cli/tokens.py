"""API tokens: made of 256 random bits, shown once, kept as their sha-256."""

from __future__ import annotations

import hashlib
import secrets

from router.core.store.api_keys import HOOKS

PREFIX = "hky_"
"""So that a token is known for what it is wherever it turns up."""

SCOPES = ("tasks:read", "tasks:write", "events:read", "events:replay", "admin", HOOKS)


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token: its sha-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
