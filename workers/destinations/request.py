"""A request to a destination as it is built: pure data, and without the value of any secret.

Secrets are named in it and put in by the sender, so a request can be kept in the store and shown.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

Change = Literal["create", "update", "complete", "cancel", "delete"]
"""What is done to a copy; each but the first is about one that exists."""
Ask = Change | Literal["look"]
"""What an answer answers: a change, or a question that changes nothing."""

NameKind = Literal["people", "clients", "projects", "labels", "statuses"]
"""The directory's word for what can have an id at a destination."""

_ONE_OF: Mapping[NameKind, str] = {
    "people": "the person",
    "clients": "the client",
    "projects": "the project",
    "labels": "the label",
    "statuses": "the status",
}
_MARKER_LENGTH = 12


class BuildError(Exception):
    """The request cannot be made from this task; it will not get better by itself.

    `code` is stable, the message is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Ids:
    """What one destination calls the names of the directory: ids by name, those that have one (V13)."""

    people: Mapping[str, str] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)


def marker_of(delivery_id: str) -> str:
    """Return the text by which a copy is found again: short, always the same, and nobody else's."""
    digest = hashlib.sha256(delivery_id.encode()).digest()[:_MARKER_LENGTH]
    return f"hy:{base64.b32encode(digest)[:_MARKER_LENGTH].decode().lower()}"


@dataclass(frozen=True, slots=True)
class Copy:
    """What a request is built from.

    `task` is the task as the contract shows it; `key` is the same for every attempt at this change
    of this copy and for no other: at most 64 characters of `[A-Za-z0-9_-]` (decision Q4). `ids` are the
    directory's for this destination, `marker` is what the copy is looked for by (`marker_of`). `sent` is the
    creation that may have worked, for who looks for what it made: the task may have changed since.
    """

    task: dict[str, Any]
    key: str
    destination: str = ""
    delivery_id: str = ""
    external_id: str | None = None
    event: dict[str, Any] | None = None
    ids: Ids = field(default_factory=Ids)
    marker: str = ""
    sent: Request | None = None

    def id_of(self, kind: NameKind, name: str) -> str:
        """Return the id of a name of the directory at this destination (V12).

        Raises:
            BuildError: The directory has none; the message says which and where to add it.
        """
        known: Mapping[str, str] = getattr(self.ids, kind)
        if name not in known:
            raise BuildError(
                "no-id",
                f"{_ONE_OF[kind]} `{name}` has no id at {self.destination}: "
                f"add `ids: {{{self.destination}: …}}` to it in the directory",
            )
        return known[name]


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    `secret_headers` holds, per header, what stands before the secret, the secret's name and, if there
    is something, what stands after it; `secret_query` holds the name of the secret of each query
    parameter that is one. `sign_with` names the secret that signs it, for which `message_id` is its id.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    secret_headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sign_with: str | None = None
    message_id: str = ""
    secret_query: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON that `from_json` turns back into the same bytes."""
        return {
            "method": self.method,
            "url": self.url,
            "headers": dict(self.headers),
            "body": self.body.decode("utf-8", "surrogateescape"),
            "secret_headers": {name: list(parts) for name, parts in self.secret_headers.items()},
            "sign_with": self.sign_with,
            "message_id": self.message_id,
            "secret_query": dict(self.secret_query),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return the request that `as_json` wrote down."""
        return cls(
            method=kept["method"],
            url=kept["url"],
            headers=kept["headers"],
            body=kept["body"].encode("utf-8", "surrogateescape"),
            secret_headers={name: tuple(parts) for name, parts in kept["secret_headers"].items()},
            sign_with=kept["sign_with"],
            message_id=kept["message_id"],
            secret_query=kept.get("secret_query", {}),
        )
