"""What a preset's functions are given of a request, and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from multidict import MultiDict, MultiDictProxy, MultiMapping

Headers = MultiMapping[str]
"""The headers of a request, as aiohttp gives them: names in any case, values may hold surrogates
where the bytes were not UTF-8."""
Query = MultiMapping[str]
Parsed = Callable[[], Any]
"""Returns the body as parsed; called by those who need it, so that the others cost nothing."""
Naming = Callable[[Headers, Parsed], str | None]

JSON = frozenset({"application/json", "+json"})
"""Media types that hold JSON; `+json` stands for every type that ends so."""
URLENCODED = "application/x-www-form-urlencoded"
FORMS = frozenset({URLENCODED, "multipart/form-data"})

NO_QUERY: Query = MultiDictProxy(MultiDict[str]())


class Target(NamedTuple):
    """Where a request went, for senders that sign it or show their secret there.

    `url` is the public address as the sender has it, with the query as it was sent.
    """

    method: str
    url: str
    query: Query


NO_TARGET = Target("POST", "", NO_QUERY)


class Refusal(NamedTuple):
    """Why a request was not let in: `reason` is for the operator and holds no secret and no body."""

    status: int
    code: str
    reason: str


class Named(NamedTuple):
    """What a sender calls an event, and the id that stays the same when it is sent again."""

    type: str | None
    delivery_id: str | None


class Facts(NamedTuple):
    """What a handshake is recognised by; `refusal` is None for a request that is proven."""

    method: str
    headers: Headers
    body: bytes
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender is told where it wants something other than our usual answer.

    `call` is an address that is called before, where that is how the sender wants a handshake.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    call: str | None = None


Handshake = Callable[[Facts], Answer | None]
"""Returns the answer to a request by which a sender only tries the address; None for any other."""
