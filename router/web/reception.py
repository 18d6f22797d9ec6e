"""One request to a connector, on its way from the socket to the intake: what its steps share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aiohttp import web

from router.core.clock import Clock, utc_now
from router.core.ids import IdSource
from router.core.intake import Intake
from router.core.once import Once
from router.core.rate_limits import RateLimits
from router.sources.preset import Named, Parsed
from router.sources.source import Source
from router.web.certificates import KnownCertificates
from router.web.connectors import Connector, Connectors
from router.web.content import nothing
from router.web.fetching import Fetcher
from router.web.outcomes import Outcomes
from router.web.remote import Proxies
from router.web.uploads import Uploads

NO_LIMITS: Mapping[str, str] = MappingProxyType({})
BODY_WITHIN_S = 30.0
"""How long a body may take to arrive; it holds a place in memory meanwhile."""

UPLOADING_BYTES = 128 * 1024 * 1024
"""How much of such bodies there may be."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the steps work with."""

    connectors: Connectors
    intake: Intake
    rates: RateLimits
    once: Once
    outcomes: Outcomes
    new_id: IdSource
    clock: Clock
    base_url: str
    """Where people reach this Hookyard, for links; no slash at the end."""
    body_within_s: float = BODY_WITHIN_S
    uploads: Uploads = field(default_factory=lambda: Uploads(UPLOADING_BYTES))
    proxies: Proxies = field(default_factory=Proxies)
    certificates: KnownCertificates = field(
        default_factory=lambda: KnownCertificates(Fetcher(), utc_now)
    )


class Reception:
    """A request and what the steps have found out about it.

    `asked_for` is the connector's name in the path, `now` the time of receipt in seconds since the
    epoch, `parsed` parses the body for those who need to know what it says. `is_handshake` tells that
    the sender only tried the address: the answer is no acceptance. `remote` is who sent the request. `limits` are
    headers that say how much the connector's rate leaves; none where it has none.
    """

    __slots__ = (
        "asked_for",
        "body",
        "connector",
        "content_type",
        "is_handshake",
        "limits",
        "named",
        "now",
        "parsed",
        "remote",
        "request",
        "services",
        "source",
    )

    connector: Connector
    source: Source
    named: Named

    def __init__(self, services: Services, request: web.Request, asked_for: str) -> None:
        self.services = services
        self.request = request
        self.asked_for = asked_for
        self.remote = services.proxies.remote_of(request.remote, request.headers)
        self.now = services.clock().timestamp()
        self.body = b""
        self.content_type = ""
        self.is_handshake = False
        self.limits: Mapping[str, str] = NO_LIMITS
        self.parsed: Parsed = nothing


Step = Callable[[Reception], Awaitable[web.Response | None]]
"""One step of reception: it fills in the `Reception`, raises ProblemError to refuse the request, or
returns the answer, which ends the walk."""
