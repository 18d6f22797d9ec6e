"""The intake table: what the receiver must know of each connector.

Whoever compiled the rules publishes it; the receiver reads it and never sees a rule
file. A connector that cannot be used (its secret is missing, say) stays in the table
with its `problem`, so that the receiver can answer 503 instead of 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis

from router.core import keys
from router.core.names import Names


class RateLimit(BaseModel):
    """How many requests a connector takes: `count` in `span_ms`, and `burst` of them at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(gt=0)
    span_ms: int = Field(gt=0)
    burst: int = Field(gt=0)


class ConnectorIntake(BaseModel):
    """One connector, as far as reception goes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    source: dict[str, Any]
    """`{"preset": "shopify", …options}`, or one of `{"hmac": {…}}`, `{"header": …}`,
    `{"basic": …}`, `{"bearer": true}`; `{"preset": "none"}` for a connector without proof."""
    secrets: tuple[str, ...] = ()
    """Names of secrets; several while rotating, the first one signs."""
    allow: tuple[IPv4Network | IPv6Network, ...] | None = Field(default=None, min_length=1)
    """Addresses that webhooks are taken from; None: from any."""
    body_limit: int | None = Field(default=None, gt=0)
    """Bytes; None: what the settings say."""
    rate: RateLimit | None = None
    reply: Literal["accepted", "routed"] = "accepted"
    public_url: str | None = None
    """The address that the sender was given, where it is not the usual one."""
    sample: dict[str, Any] | None = None
    """Of a task endpoint: an example payload (`body`), the names its fields know (`choices`) and of how many more."""

    def address(self, base_url: str) -> str:
        """Return the address that the sender was given; no query, no slash at the end of `base_url`.

        A `public_url` that is no more than a host is that of the usual path (decision E19).
        """
        usual = f"/hooks/{self.name}"
        if self.public_url is None:
            return base_url + usual
        _, _, after = self.public_url.partition("://")
        has_path = bool(after.partition("/")[2])
        return self.public_url if has_path else self.public_url.removesuffix("/") + usual


class IntakeTable(BaseModel):
    """All connectors of one set of rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hash: str
    """Of the set of rules it was compiled from (sha-256, hex)."""
    connectors: dict[str, ConnectorIntake] = Field(default_factory=dict)
    names: Names = Field(default_factory=Names)
    """What tasks may name, for the API; every name is free in a table that an earlier release made."""
    destinations: dict[str, str] = Field(default_factory=dict)
    """The type of each destination by its name."""


@dataclass(frozen=True, slots=True)
class Published:
    """Which set of rules the intake table is of, and when that set came into force."""

    hash: str
    at_ms: int


async def publish(redis: Redis, table: IntakeTable, *, at_ms: int = 0) -> None:
    """Put an intake table in force for all receivers; `at_ms` is when its set came into force."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.set(keys.INTAKE_TABLE, table.model_dump_json())
        pipe.set(keys.RULES_PUBLISHED, f"{at_ms} {table.hash}")
        await pipe.execute()


async def published(redis: Redis) -> Published | None:
    """Tell of which set the intake table in force is; None where there is no table."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.exists(keys.INTAKE_TABLE)
        pipe.get(keys.RULES_PUBLISHED)
        is_there, stored = await pipe.execute()
    if not is_there or stored is None:
        return None
    at_ms, _, rules_hash = stored.decode().partition(" ")
    return Published(rules_hash, int(at_ms))


async def fetch(redis: Redis) -> IntakeTable | None:
    """Return the intake table in force; None as long as none was ever published."""
    stored = await redis.get(keys.INTAKE_TABLE)
    return None if stored is None else IntakeTable.model_validate_json(stored)
