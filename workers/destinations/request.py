"""A request to a destination as it is built: pure data, and without the value of any secret.

Secrets are named in it and put in by the sender, so a request can be kept in the store and shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Change = Literal["create", "update", "complete"]


class BuildError(Exception):
    """The request cannot be made from this task; it will not get better by itself.

    `code` is stable, the message is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Copy:
    """What a request is built from.

    `task` is the task as the contract shows it; `key` is the same for every attempt at this change
    of this copy and for no other: at most 64 characters of `[A-Za-z0-9_-]` (decision Q4).
    """

    task: dict[str, Any]
    key: str
    destination: str = ""
    delivery_id: str = ""
    external_id: str | None = None
    event: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    `secret_headers` holds, per header, what stands before the secret and the secret's name;
    `sign_with` names the secret that signs it, for which `message_id` is its id.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secret_headers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    sign_with: str | None = None
    message_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON that `from_json` turns back into the same bytes."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": dict(self.headers),
            "body": self.body.decode("utf-8", "surrogateescape"),
            "secret_headers": {name: list(pair) for name, pair in self.secret_headers.items()},
            "sign_with": self.sign_with,
            "message_id": self.message_id,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the request that `as_json` wrote down."""
        return cls(
            method=kept["method"],
            url=kept["url"],
            headers=kept["headers"],
            body=kept["body"].encode("utf-8", "surrogateescape"),
            secret_headers={
                name: (prefix, secret) for name, (prefix, secret) in kept["secret_headers"].items()
            },
            sign_with=kept["sign_with"],
            message_id=kept["message_id"],
        )
