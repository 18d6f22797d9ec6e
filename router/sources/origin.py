"""Pages of which sites may post: what browsers say, which strangers without a browser can say too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from multidict import istr

from router.sources.preset import NO_TARGET, Headers, Origins, Refusal, Target

_ORIGIN = istr("Origin")
_REFERER = istr("Referer")
_SITE = re.compile(r"https?://[^/?#]+", re.IGNORECASE)


class OriginScheme:
    """An `Origins` declaration."""

    __slots__ = ("_allowed", "_first", "hidden", "hidden_query", "needs_target")

    def __init__(self, proof: Origins) -> None:
        self._allowed = frozenset(proof.origins)
        self._first = proof.origins[0]
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = False

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why a request is not of a page that may post, or None if it is of one."""
        del body, now, target
        given = headers.getall(_ORIGIN, ()) or _sites(headers.getall(_REFERER, ()))
        if not given:
            reason = "neither Origin nor Referer says which site the page is of"
            return Refusal(401, "origin-missing", reason)
        if len(given) > 1 or given[0].lower() not in self._allowed:
            reason = "the page is of a site that is not among the origins of the connector"
            return Refusal(401, "origin-mismatch", reason)
        return None

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return the header by which a browser says where its page is from."""
        del body, now, headers, target
        return {str(_ORIGIN): self._first}

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return nothing: it is all in the header."""
        del body, headers
        return {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as it is."""
        del now
        return body


def _sites(referers: tuple[str, ...] | list[str]) -> list[str]:
    """Return the sites that pages are of; browsers that send no Origin may send this."""
    return [site[0] for referer in referers if (site := _SITE.match(referer))]
