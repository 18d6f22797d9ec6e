"""What the steps of reception ask before they trust a request: who sent it, and whether it is proven."""

from __future__ import annotations

import structlog
from aiohttp import hdrs, web

from router.core.networks import parse_address
from router.sources.preset import NO_TARGET, Refusal, Target
from router.web import problems
from router.web.fetching import FetchError
from router.web.problems import ProblemError, not_proven
from router.web.reception import Reception

_log = structlog.get_logger(__name__)


async def admit(reception: Reception) -> None:
    """Let nobody in but the addresses that the connector names, if it names any.

    A stranger is told what he is told of a wrong signature, and so learns neither of the list nor that it
    is his address.
    """
    allow = reception.connector.allow
    if allow is None:
        return
    remote = reception.remote
    address = parse_address(remote.address or "")
    if address is not None and remote.doubt is None and address in allow:
        return
    if remote.doubt is not None:
        reason = f"who sent it cannot be told: {remote.doubt}"
    else:
        reason = f"{remote.address} is not among the addresses in `allow`"
        if reception.services.proxies.may_be_proxied(remote, reception.request.headers):
            reason += "; if that is your proxy, name it in HOOKYARD_TRUSTED_PROXIES"
    raise not_proven("address-not-allowed", reason)


async def refusal_of(reception: Reception) -> Refusal | None:
    """Return why the request is not proven, or None if it is."""
    request, source, body, now = (
        reception.request,
        reception.source,
        reception.body,
        reception.now,
    )
    if source.certified is not None and not source.certified.has_own:
        certificates = reception.services.certificates
        return await certificates.verify(source.certified, request.headers, body, now)
    target = _target(reception) if source.needs_target else NO_TARGET
    return source.verify(request.headers, body, now, target)


def encoded(request: web.Request) -> str:
    """Return what to add to the reason of a refusal where the body is not as it was signed, by its own word."""
    given = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if given in {"", "identity"}:
        return ""
    return "; it came with a Content-Encoding, so something may have compressed it on its way"


def _target(reception: Reception) -> Target:
    """Return where the request went, as its sender sees it (decision E19)."""
    request = reception.request
    url = reception.connector.intake.address(reception.services.base_url)
    _, mark, query = request.raw_path.partition("?")
    return Target(request.method, url + mark + query, request.query)


async def call(reception: Reception, address: str) -> None:
    """Call the address that finishes a handshake."""
    try:
        await reception.services.certificates.fetcher.fetch(address)
    except FetchError as error:
        reason = f"the address that finishes the handshake: {error}"
        raise ProblemError(problems.HANDSHAKE_UNFINISHED, reason=reason) from None
    _log.info("handshake_finished", connector=reception.connector.name)
