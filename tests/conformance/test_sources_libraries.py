"""Libraries of the senders themselves agree with what is done here, over random requests and secrets."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
import standardwebhooks
from hubspot.utils.signature import Signature  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import MultiDict
from slack_sdk.signature import Clock, SignatureVerifier
from square.utils.webhooks_helper import verify_signature
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # as above

from router.core.clock import utc_now
from router.sources.preset import Target
from router.sources.registry import compile_source
from router.sources.source import Source
from tests.conformance.sources_cases import NOW, headers_of

FORM = "application/x-www-form-urlencoded"
few = settings(max_examples=150, deadline=None)
secrets = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1)
paths = st.text("abcXYZ019-._~/%", max_size=20).map(lambda text: text.replace("%", "%41"))
hosts = st.sampled_from(["hooks.example", "hooks.example:8443", "hooks.example:443", "a.b:80"])
queries = st.dictionaries(st.text(min_size=1), st.text(), max_size=4).map(urlencode)
fields = st.lists(st.tuples(st.text(), st.text()), max_size=8)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["https", "http"]))
    query = draw(queries)
    address = f"{scheme}://{draw(hosts)}/{draw(paths)}"
    return f"{address}?{query}" if query else address


def lets_in(
    source: Source,
    headers: Mapping[str, str],
    body: str,
    url: str = "",
    query: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    now: float = NOW,
) -> bool:
    target = Target(method, url, MultiDict(query or {}))
    return source.verify(headers_of(headers), body.encode(), now, target) is None


class Fixed(Clock):
    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at


@few
@given(
    body=st.text(), secret=secrets, sent=st.integers(0, 4_000_000_000), late=st.integers(-400, 400)
)
def test_slack_agrees_with_slack_sdk(body: str, secret: str, sent: int, late: int) -> None:
    source = compile_source({"preset": "slack"}, [secret])
    library = SignatureVerifier(secret, Fixed(sent + late))
    ours = source.sign(body.encode(), now=sent, headers={})

    assert ours["X-Slack-Signature"] == library.generate_signature(timestamp=str(sent), body=body)
    for received in (body, body + "!"):
        theirs = library.is_valid_request(received, ours)
        assert lets_in(source, ours, received, now=sent + late) == theirs


@few
@given(pairs=fields, secret=secrets, url=addresses(), change=st.sampled_from(["", "&a=b"]))
def test_twilio_agrees_with_its_own_library_over_forms(
    pairs: list[tuple[str, str]], secret: str, url: str, change: str
) -> None:
    source = compile_source({"preset": "twilio"}, [secret])
    library = RequestValidator(secret)
    theirs = library.compute_signature(url, MultiDict(pairs))
    body = urlencode(pairs)
    headers = {"Content-Type": FORM}
    ours = source.sign(
        body.encode(), now=NOW, headers=headers, target=Target("POST", url, MultiDict())
    )

    assert ours["X-Twilio-Signature"] == theirs
    changed = MultiDict([*pairs, ("a", "b")] if change else pairs)
    accepted = library.validate(url, changed, theirs)
    assert lets_in(source, ours, (body + change).lstrip("&"), url) == accepted


@few
@given(pairs=fields, secret=secrets, url=addresses())
def test_twilio_may_or_may_not_sign_the_port(
    pairs: list[tuple[str, str]], secret: str, url: str
) -> None:
    source = compile_source({"preset": "twilio"}, [secret])
    library = RequestValidator(secret)
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    name, colon, _ = host.partition(":")
    default = {"https": "443", "http": "80"}[scheme]
    other = f"{scheme}://{name if colon else f'{host}:{default}'}{slash}{path}"
    signature = library.compute_signature(other, MultiDict(pairs))
    headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}

    assert library.validate(url, MultiDict(pairs), signature)
    assert lets_in(source, headers, urlencode(pairs), url)


@few
@given(body=st.text(min_size=1), secret=secrets, url=addresses())
def test_twilio_agrees_with_its_own_library_over_other_bodies(
    body: str, secret: str, url: str
) -> None:
    source = compile_source({"preset": "twilio"}, [secret])
    library = RequestValidator(secret)
    headers = {"Content-Type": "application/json"}
    query = source.sign_query(body.encode(), headers)
    signed_url = f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
    target = Target("POST", signed_url, MultiDict(query))
    ours = source.sign(body.encode(), now=NOW, headers=headers, target=target)

    for received in (body, body + "!"):
        accepted = library.validate(signed_url, received, ours["X-Twilio-Signature"])
        assert lets_in(source, ours, received, signed_url, query) == accepted == (received == body)
    assert not lets_in(source, ours, body, signed_url)


@few
@given(body=st.text(min_size=1), secret=secrets, url=addresses(), elsewhere=addresses())
def test_square_agrees_with_its_own_library(
    body: str, secret: str, url: str, elsewhere: str
) -> None:
    source = compile_source({"preset": "square"}, [secret])
    target = Target("POST", url, MultiDict())
    ours = source.sign(body.encode(), now=NOW, headers={}, target=target)

    for received, at in ((body, url), (body + "!", url), (body, elsewhere)):
        accepted = verify_signature(
            request_body=received,
            signature_header=ours["X-Square-HmacSha256-Signature"],
            signature_key=secret,
            notification_url=at,
        )
        assert lets_in(source, ours, received, at) == accepted


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@few
@given(
    body=st.text(),
    secret=secrets,
    url=addresses(),
    method=st.sampled_from(["POST", "GET"]),
    sent=st.integers(0, 4_000_000_000),
)
def test_hubspot_agrees_with_its_own_library(
    body: str, secret: str, url: str, method: str, sent: int, version: str
) -> None:
    source = compile_source({"preset": "hubspot", "versions": [version]}, [secret])
    target = Target(method, url, MultiDict())
    ours = source.sign(body.encode(), now=sent, headers={}, target=target)
    name = "X-HubSpot-Signature-v3" if version == "v3" else "X-HubSpot-Signature"
    theirs = Signature.get_signature(secret, body, version, url, method, str(sent * 1000))

    assert ours[name] == theirs
    assert lets_in(source, ours, body, url, method=method, now=sent)
    assert not lets_in(source, ours, body + "!", url, method=method, now=sent)
    if version != "v3":
        strict = compile_source({"preset": "hubspot"}, [secret])
        assert not lets_in(strict, ours, body, url, method=method, now=sent)


@few
@given(body=st.text(), key=st.binary(min_size=1, max_size=64), secret=secrets)
def test_bigcommerce_and_gitlab_agree_with_standard_webhooks(
    body: str, key: bytes, secret: str
) -> None:
    token = "whsec_" + base64.b64encode(key).decode()
    encoded = base64.b64encode(secret.encode()).decode()
    now = utc_now()
    for source, library in (
        (
            compile_source({"preset": "gitlab", "signing_token": True}, [token]),
            standardwebhooks.Webhook(token),
        ),
        (compile_source({"preset": "bigcommerce"}, [secret]), standardwebhooks.Webhook(encoded)),
    ):
        ours = source.sign(body.encode(), now=now.timestamp(), headers={"webhook-id": "msg_1"})
        assert ours["webhook-signature"] == library.sign("msg_1", now, body)
        assert lets_in(source, ours, body, now=now.timestamp())
        assert not lets_in(source, ours, body + "!", now=now.timestamp())
