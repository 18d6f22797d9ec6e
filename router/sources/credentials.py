"""Shared secrets: senders that cannot sign show the secret itself.

Nothing that was sent is ever repeated in a reason: a password pasted into the wrong field must not
end up in a log.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence

from multidict import istr

from router.core.token_hash import NONE_ISSUED, IssuedHashes
from router.sources.preset import NO_TARGET, Headers, Refusal, SharedSecret, Target
from router.sources.source import SourceError

_AUTHORIZATION = istr("Authorization")
_FIRST_PRINTABLE = " "
_DELETE = "\x7f"
_ANY_USER = "hookyard"


class SharedSecretScheme:
    """A `SharedSecret` declaration with its secrets.

    `hashes` are those of keys that were issued here and are known by nothing else.
    """

    __slots__ = (
        "_hashes",
        "_header",
        "_or_header",
        "_proof",
        "_secrets",
        "_used",
        "_user",
        "hidden",
        "hidden_query",
        "needs_target",
    )

    def __init__(
        self, proof: SharedSecret, secrets: Sequence[str], hashes: IssuedHashes = NONE_ISSUED
    ) -> None:
        for secret in secrets:
            if any(sign < _FIRST_PRINTABLE or sign == _DELETE for sign in secret):
                raise SourceError("a secret holds control characters, which no header can carry")
            if secret != secret.strip():
                raise SourceError("a secret begins or ends with a blank, which no header can carry")
        self._proof = proof
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._hashes = hashes
        self._used: set[str] = set()
        self._user = None if proof.user is None else proof.user.encode()
        self._header = istr(proof.header) if proof.header else None
        self._or_header = istr(proof.or_header) if proof.or_header else None
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = proof.query is not None

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the credentials are not right, or None if they are."""
        del body, now
        if self._header is not None:
            given, place = headers.getall(self._header, ()), f"header {self._header}"
        elif self._proof.query is not None:
            given, place = target.query.getall(self._proof.query, ()), "query parameter"
        else:
            given, place = headers.getall(_AUTHORIZATION, ()), "header Authorization"
            alone = () if self._or_header is None else headers.getall(self._or_header, ())
            if alone:
                # One that came in both is repeated, as one that came twice in either is.
                if not given and alone[0] and not alone[1:]:
                    return self._judge(_bytes(alone[0]))
                given, place = [*given, *alone], f"header {self._or_header}"
        if not given or not given[0]:
            return _refusal("credentials-missing", f"the {place} is missing or empty")
        if len(given) > 1:
            return _refusal("credentials-repeated", f"the {place} was sent more than once")
        if self._header is None and self._proof.query is None:
            return self._authorization(given[0])
        return self._judge(_bytes(given[0]))

    def is_shown(self, headers: Headers) -> bool:
        """Tell whether a request shows a secret in the header, right or wrong."""
        return bool(headers.getall(self._header or _AUTHORIZATION, ()))

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return the header that shows the first secret."""
        del body, now, headers, target
        secret = self._first
        if self._header is not None:
            return {str(self._header): secret.decode()}
        if self._proof.query is not None:
            return {}
        if self._proof.bearer:
            return {"Authorization": f"Bearer {secret.decode()}"}
        user = self._user or _ANY_USER.encode()
        return {"Authorization": f"Basic {base64.b64encode(user + b':' + secret).decode()}"}

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the query parameter that shows the first secret, if it is shown there."""
        del body, headers
        return {self._proof.query: self._first.decode()} if self._proof.query else {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as it is: no proof is in it."""
        del now
        return body

    @property
    def _first(self) -> bytes:
        if not self._secrets:
            raise SourceError(
                "of a key that was issued here only the hash is kept: it cannot be shown"
            )
        return self._secrets[0]

    def _authorization(self, value: str) -> Refusal | None:
        """Judge an Authorization header; the scheme's name is taken in any case."""
        scheme, _, rest = value.partition(" ")
        match scheme.lower():
            case "bearer" if self._proof.bearer:
                return self._judge(_bytes(rest.strip()))
            case "basic" if self._proof.basic:
                return self._basic(rest.strip())
        if self._proof.bare and not rest:
            return self._judge(_bytes(value))
        return _refusal(
            "credentials-malformed",
            f"the Authorization header is not of the form that is expected: {self._proof.summary}",
        )

    def _basic(self, encoded: str) -> Refusal | None:
        try:
            decoded = base64.b64decode(encoded, validate=True)
        except ValueError:
            decoded = b""
        user, colon, password = decoded.partition(b":")
        if not colon:
            return _refusal("credentials-malformed", "the Basic credentials cannot be decoded")
        expected = user if self._user is None else self._user
        return self._judge(password, same_user=hmac.compare_digest(expected, user))

    def take_used(self) -> set[str]:
        """Return the hashes of the issued keys that were shown since this was asked last."""
        used, self._used = self._used, set()
        return used

    def _judge(self, shown: bytes, *, same_user: bool = True) -> Refusal | None:
        """Compare with every secret, so that the time taken does not tell which one it was."""
        matched = False
        for secret in self._secrets:
            matched |= hmac.compare_digest(secret, shown)
        if self._hashes:
            found = self._hashes.find(shown)
            if found is not None:
                matched = True
                self._used.add(found)
        if matched and same_user:
            return None
        count = len(self._secrets) + len(self._hashes)
        which = "the secret" if count == 1 else f"any of {count} secrets"
        user = "" if self._user is None else ", or the user is another"
        return _refusal("credentials-mismatch", f"what was shown does not match {which}{user}")


class NoProofScheme:
    """Lets everything in; its connector said `source: none`, or nobody asks it."""

    __slots__ = ("hidden", "hidden_query", "needs_target")

    def __init__(
        self, hidden: frozenset[str] = frozenset(), hidden_query: frozenset[str] = frozenset()
    ) -> None:
        self.hidden = hidden
        self.hidden_query = hidden_query
        self.needs_target = False

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Let the request in."""
        del headers, body, now, target
        return None

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return no headers: there is nothing to prove."""
        del body, now, headers, target
        return {}

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return nothing, as `sign`."""
        del body, headers
        return {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as it is."""
        del now
        return body


def _refusal(code: str, reason: str) -> Refusal:
    return Refusal(401, code, reason)


def _bytes(text: str) -> bytes:
    """Return a header's text as bytes; what was not UTF-8 cannot match, and must not raise."""
    return text.encode("utf-8", "surrogatepass")
