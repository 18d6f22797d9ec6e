"""API tokens: made of 256 random bits, shown once, kept as a keyed hash."""

from __future__ import annotations

import secrets

from router.core.store.api_keys import HOOKS

PREFIX = "hky_"
"""So that a token is known for what it is wherever it turns up."""

SCOPES = ("tasks:read", "tasks:write", "events:read", "events:replay", "admin", HOOKS)


def new_token() -> str:
    """Return a new token."""
    return PREFIX + secrets.token_urlsafe(32)
