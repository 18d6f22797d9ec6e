"""All senders Hookyard knows, and the three questions asked about a connector's `source:`.

Adding a preset: its module, its line in `REGISTRY`, its fixtures and its page
(docs/contributing/adding-an-adapter.md); the conformance tests ask for all four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.core.token_hash import NONE_ISSUED, IssuedHashes
from router.sources import (
    adyen,
    alertmanager,
    aws_sns,
    azure_monitor,
    bigcommerce,
    bitbucket,
    calendly,
    cloudevents,
    datadog,
    form,
    github,
    gitlab,
    grafana,
    hubspot,
    intercom,
    jira,
    linear,
    mailgun,
    newrelic,
    none,
    opsgenie,
    pagerduty,
    paypal,
    pingdom,
    sendgrid,
    sentry,
    shopify,
    slack,
    square,
    standard_webhooks,
    stripe,
    task,
    twilio,
    typeform,
    uptime_kuma,
    uptimerobot,
    woocommerce,
    zendesk,
)
from router.sources.any_of import AnyOfScheme
from router.sources.certified import CertifiedScheme
from router.sources.credentials import NoProofScheme, SharedSecretScheme
from router.sources.generic import GENERIC
from router.sources.issues import SourceIssue, issues_of
from router.sources.options import options_of
from router.sources.origin import OriginScheme
from router.sources.preset import (
    FORMS,
    JSON,
    AnyOf,
    Certified,
    Hmac,
    InBody,
    NoProof,
    Origins,
    Proof,
    PublicKey,
    SharedSecret,
    SourcePreset,
)
from router.sources.public_key import PublicKeyScheme
from router.sources.signature import HmacScheme
from router.sources.signature_body import InBodyScheme
from router.sources.source import Scheme, Source, SourceError

REGISTRY: tuple[SourcePreset, ...] = (
    shopify.PRESET,
    woocommerce.PRESET,
    bigcommerce.PRESET,
    stripe.PRESET,
    square.PRESET,
    paypal.PRESET,
    adyen.PRESET,
    github.PRESET,
    gitlab.PRESET,
    bitbucket.PRESET,
    slack.PRESET,
    twilio.PRESET,
    standard_webhooks.PRESET,
    alertmanager.PRESET,
    grafana.PRESET,
    datadog.PRESET,
    uptime_kuma.PRESET,
    uptimerobot.PRESET,
    pingdom.PRESET,
    opsgenie.PRESET,
    newrelic.PRESET,
    azure_monitor.PRESET,
    aws_sns.PRESET,
    sentry.PRESET,
    pagerduty.PRESET,
    zendesk.PRESET,
    hubspot.PRESET,
    jira.PRESET,
    linear.PRESET,
    intercom.PRESET,
    typeform.PRESET,
    calendly.PRESET,
    mailgun.PRESET,
    sendgrid.PRESET,
    cloudevents.PRESET,
    form.PRESET,
    task.PRESET,
    none.PRESET,
)
SOURCE_NAMES: tuple[str, ...] = tuple(preset.name for preset in REGISTRY)

_BY_NAME = {preset.name: preset for preset in REGISTRY}
_DELIVERY_ID = "{{ event.delivery_id | default('') }}"
"""The default deduplication key; a request whose sender left its id out is never a duplicate."""
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source brings along: see `rules.catalogues.SourceInfo`, which has the same fields."""

    name: str
    delivery_id: bool
    dedupe_key: str | None
    needs_secret: bool
    signs_url: bool = False
    shows_secret: bool = False
    remark: str | None = None


def check_source(source: Mapping[str, Any]) -> list[SourceIssue]:
    """Return all that is wrong with a normalised `source:` mapping; nothing if it can be used.

    The mapping is `{"preset": NAME, …options}` or one of `{"hmac": {…}}`, `{"header": NAME}`,
    `{"basic": USER}`, `{"bearer": true}`.
    """
    if "preset" in source:
        preset = _BY_NAME.get(source["preset"]) if isinstance(source["preset"], str) else None
        if preset is None:
            expected = f"one of {', '.join(SOURCE_NAMES)}"
            return [SourceIssue(("preset",), "is not a preset", expected, SOURCE_NAMES)]
        return issues_of(options_of(preset), source)
    forms = [name for name in GENERIC if name in source]
    if not forms:
        known = ("preset", *GENERIC)
        message = "does not say how the sender proves itself"
        return [SourceIssue((), message, f"one of {', '.join(known)}", known)]
    if len(forms) > 1:
        return [SourceIssue((forms[1],), f"is a second way of proof, beside {forms[0]}")]
    return issues_of(GENERIC[forms[0]], source)


def source_info(source: Mapping[str, Any]) -> SourceInfo:
    """Return what a source brings along; of a preset by its name alone, whatever options it needs.

    Raises:
        SourceError: `check_source` has something against the mapping.
    """
    name = source["preset"] if list(source) == ["preset"] else None
    alone = _BY_NAME.get(name) if isinstance(name, str) else None
    return info_of(_resolve(source) if alone is None else alone)


def info_of(preset: SourcePreset) -> SourceInfo:
    """Return what a preset brings along, whatever its options."""
    identified = preset.delivery_id is not None
    return SourceInfo(
        name=preset.name,
        delivery_id=identified,
        dedupe_key=preset.dedupe_key or (_DELIVERY_ID if identified else None),
        needs_secret=not isinstance(preset.proof, NoProof | Origins | Certified),
        signs_url=any("{url}" in scheme.signed for scheme in _schemes_of(preset.proof)),
        shows_secret=_may_be_shown(preset.proof),
        remark=preset.remark,
    )


def compile_source(
    source: Mapping[str, Any], secrets: Sequence[str], hashes: IssuedHashes = NONE_ISSUED
) -> Source:
    """Return a sender with its secrets, ready for requests; the first secret is the one that signs.

    `hashes` are those of keys that were issued here: for senders that show their secret.

    Raises:
        SourceError: The mapping or the secrets cannot be used; the message shows no secret.
    """
    preset = _resolve(source)
    scheme = _scheme(preset, secrets, hashes)
    certified = scheme if isinstance(scheme, CertifiedScheme) else None
    return Source(preset, scheme, _CREDENTIAL_HEADERS | _SIGNATURE_HEADERS, certified)


def unproven_source(source: Mapping[str, Any]) -> Source:
    """Return a sender without its secrets: it names events and says what rules do not see.

    It lets everything in: for webhooks that are at hand already, in a file, say.

    Raises:
        SourceError: `check_source` has something against the mapping.
    """
    preset = _resolve(source)
    scheme = NoProofScheme(preset.proof.hidden, preset.proof.hidden_query)
    return Source(preset, scheme, _CREDENTIAL_HEADERS | _SIGNATURE_HEADERS)


def _scheme(
    preset: SourcePreset, secrets: Sequence[str], hashes: IssuedHashes = NONE_ISSUED
) -> Scheme:
    proof = preset.proof
    if isinstance(proof, NoProof):
        return NoProofScheme()
    if isinstance(proof, Origins):
        return OriginScheme(proof)
    if isinstance(proof, Certified):
        return CertifiedScheme(proof)
    _check_secrets(preset, secrets, hashes)
    if isinstance(proof, SharedSecret):
        return SharedSecretScheme(proof, secrets, hashes)
    if isinstance(proof, AnyOf):
        return AnyOfScheme(proof, secrets, hashes)
    if isinstance(proof, InBody):
        return InBodyScheme(proof, secrets)
    if isinstance(proof, PublicKey):
        return PublicKeyScheme(proof, secrets)
    return HmacScheme(proof, secrets)


def _check_secrets(preset: SourcePreset, secrets: Sequence[str], hashes: IssuedHashes) -> None:
    """Refuse secrets that cannot be anything's.

    Raises:
        SourceError: There is none, or one of them is empty or no text.
    """
    if hashes and not secrets and not _may_be_shown(preset.proof):
        raise SourceError(
            f"{preset.title} signs with its secret, and of a key that was issued here only the hash "
            "is kept: set the secret itself"
        )
    if not secrets and not hashes:
        raise SourceError(f"{preset.title} needs a secret, and none is configured")
    for secret in secrets:
        if not secret.strip():
            raise SourceError("a secret is empty")
        if not _is_utf8(secret):
            raise SourceError("a secret is not text in UTF-8")


def _may_be_shown(proof: Proof) -> bool:
    """Tell whether the secret itself may be the proof, so that its hash is enough to know it by."""
    if isinstance(proof, AnyOf):
        return any(map(_may_be_shown, proof.schemes))
    return isinstance(proof, SharedSecret)


def _schemes_of(proof: Proof) -> tuple[Hmac, ...]:
    """Return the keyed hashes that a proof may be."""
    if isinstance(proof, Hmac):
        return (proof,)
    schemes = proof.schemes if isinstance(proof, AnyOf) else ()
    return tuple(scheme for scheme in schemes if isinstance(scheme, Hmac))


def _proof_headers(proof: Proof) -> Iterator[str]:
    """Yield the names of headers that carry a proof and nothing that rules need."""
    if isinstance(proof, Certified):
        yield from proof.also_hidden
    for scheme in _schemes_of(proof):
        yield from scheme.also_hidden
        yield from (names.signature for names in scheme.headers)
    if isinstance(proof, SharedSecret | PublicKey):
        yield from proof.hidden


_SIGNATURE_HEADERS = frozenset(
    name.lower() for preset in REGISTRY for name in _proof_headers(preset.proof)
)


def _resolve(source: Mapping[str, Any]) -> SourcePreset:
    """Return the preset with its options applied; a generic form becomes a preset of its own."""
    issues = check_source(source)
    if issues:
        where = ".".join(map(str, ("source", *issues[0].path)))
        raise SourceError(f"{where} {issues[0].message}")
    if "preset" in source:
        preset = _BY_NAME[source["preset"]]
        return options_of(preset).model_validate(source).applied(preset)
    name = next(name for name in GENERIC if name in source)
    proof = GENERIC[name].model_validate(source).proof()
    return SourcePreset(
        name=name,
        title=f"A sender with {proof.summary}",
        proof=proof,
        docs="",
        certainty="documented",
        content_types=JSON | FORMS,
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
