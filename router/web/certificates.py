"""Certificates that senders sign with: fetched once, checked up to a trusted root, and kept for a day.

Which certificate is needed stands in the request, so strangers decide what is asked for. The addresses that
may be asked are few (see `Certificates`), answers are remembered also where they are no good, and no more
than so many are fetched in a minute.
"""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import dataclass

from cryptography import x509

from router.core.clock import Clock
from router.sources.certificate import (
    Certificate,
    UntrustedError,
    missing_link,
    read_chain,
    trusted,
)
from router.sources.certified import UNAVAILABLE, UNTRUSTED, CertifiedScheme
from router.sources.preset import Certificates, Headers, Refusal
from router.web.fetching import Fetcher, FetchError

_DAY_S = 86_400.0
_UNTRUSTED_S = 60.0
_UNAVAILABLE_S = 20.0
_REMEMBERED = 64
_A_MINUTE = 20
_MINUTE_S = 60.0
_LINKS = 3
"""How many certificates of issuers are fetched to complete a chain."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of looking for a certificate; it holds until an instant."""

    until: float
    certificate: Certificate | None = None
    refusal: Refusal | None = None


class KnownCertificates:
    """Finds the certificates that requests name; safe to use from many requests at once."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self.fetcher = fetcher
        self._clock = clock
        # What strangers make up is remembered apart, and pushes out none that is in use.
        self._good: dict[str, _Found] = {}
        self._bad: dict[str, _Found] = {}
        self._under_way: dict[str, asyncio.Task[_Found]] = {}
        self._roots: list[x509.Certificate] | None = None
        self._minute = 0.0
        self._of_minute = 0

    async def verify(
        self, scheme: CertifiedScheme, headers: Headers, body: bytes, now: float
    ) -> Refusal | None:
        """Return why a request is not proven, or None if it is; 503 where that cannot be told now."""
        claim = scheme.claim(headers, body)
        if isinstance(claim, Refusal):
            return claim
        found = await self._find(claim.certificate, scheme.proof.certificates)
        if found.certificate is None:
            return found.refusal
        return scheme.judge(claim, (found.certificate,), now)

    async def _find(self, address: str, wanted: Certificates) -> _Found:
        good = self._good.get(address)
        known = good or self._bad.get(address)
        if known is not None and self._now() < known.until:
            return known
        task = self._under_way.get(address)
        if task is None:  # those who ask meanwhile wait for the same answer
            if not self._may_fetch():
                many = "too many certificates were asked for within a minute"
                return good or self._unavailable(many)
            task = asyncio.create_task(self._look(address, wanted))
            self._under_way[address] = task
            task.add_done_callback(lambda _: self._under_way.pop(address, None))
        return await asyncio.shield(task)

    async def _look(self, address: str, wanted: Certificates) -> _Found:
        good = self._good.get(address)
        found = await self._fetch(address, wanted)
        if good is not None and found.refusal is not None and found.refusal.code == UNAVAILABLE:
            found = _Found(found.until, good.certificate)
        self._bad.pop(address, None)
        self._good.pop(address, None)
        kept = self._bad if found.certificate is None else self._good
        while len(kept) >= _REMEMBERED:
            del kept[next(iter(kept))]
        kept[address] = found
        return found

    async def _fetch(self, address: str, wanted: Certificates) -> _Found:
        try:
            chain = read_chain(await self.fetcher.fetch(address))
            roots = await self._trusted_roots()
            for _ in range(_LINKS):
                link = missing_link(chain, roots, wanted)
                if link is None:
                    break
                chain += read_chain(await self.fetcher.fetch(link))
            certificate = trusted(chain, roots, wanted, self._now())
        except FetchError as error:
            return self._unavailable(f"the certificate could not be fetched: {error}")
        except UntrustedError as error:
            # No stranger can put it there: it is our trust that is amiss, or the sender's certificate.
            reason = f"the certificate that the request names does not count: {error}"
            refusal = Refusal(503, UNTRUSTED, reason)
            return _Found(self._now() + _UNTRUSTED_S, refusal=refusal)
        return _Found(min(self._now() + _DAY_S, certificate.not_after), certificate)

    def _unavailable(self, reason: str) -> _Found:
        advice = "; `certificates: FILE` in the source takes the place of fetching"
        refusal = Refusal(503, UNAVAILABLE, reason + advice)
        return _Found(self._now() + _UNAVAILABLE_S, refusal=refusal)

    async def _trusted_roots(self) -> list[x509.Certificate]:
        if self._roots is None:
            self._roots = await asyncio.to_thread(_parsed, await self.fetcher.roots())
        return self._roots

    def _may_fetch(self) -> bool:
        if self._now() - self._minute >= _MINUTE_S:
            self._minute, self._of_minute = self._now(), 0
        self._of_minute += 1
        return self._of_minute <= _A_MINUTE

    def _now(self) -> float:
        return self._clock().timestamp()


def _parsed(roots: list[bytes]) -> list[x509.Certificate]:
    """Return the roots that can be read; the oldest ones of some systems are of no form that is in use."""
    parsed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for root in roots:
            try:
                parsed.append(x509.load_der_x509_certificate(root))
            except ValueError:
                continue
    return parsed
