"""Slack: `v0=` and the hex HMAC-SHA256 of `v0:{timestamp}:{body}` with the app's signing secret.

https://docs.slack.dev/authentication/verifying-requests-from-slack

Events are JSON; slash commands are forms; interactivity is JSON in the form field `payload`. All are
signed alike. `event_id` stays the same when Slack sends an event again; the others are sent once,
and each has a `trigger_id` of its own.
"""

from __future__ import annotations

import orjson

from router.sources.body import text_at
from router.sources.preset import (
    JSON,
    URLENCODED,
    Answer,
    Facts,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)

_CHALLENGE = b"url_verification"


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return text_at(body, "event_id") or text_at(body, "trigger_id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    kind = text_at(body, "type")
    if kind == "event_callback":
        return text_at(body, "event", "type")
    return kind or text_at(body, "command")


def _shake(facts: Facts) -> Answer | None:
    """Answer the challenge by which Slack tries an address that was entered."""
    if facts.refusal is not None or _CHALLENGE not in facts.body:
        return None
    try:
        content = orjson.loads(facts.body)
    except orjson.JSONDecodeError:
        return None
    challenge = text_at(content, "challenge")
    if challenge is None or text_at(content, "type") != _CHALLENGE.decode():
        return None
    return Answer(body=challenge.encode())


PRESET = SourcePreset(
    name="slack",
    title="Slack",
    proof=Hmac(
        headers=(SignatureHeaders("X-Slack-Signature", timestamp="X-Slack-Request-Timestamp"),),
        prefix="v0=",
        signed="v0:{timestamp}:{body}",
        tolerance_s=300,
    ),
    docs="https://docs.slack.dev/authentication/verifying-requests-from-slack",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body event_id; trigger_id of commands and interactivity",
    event_type=_event_type,
    event_type_from="body event.type; of commands the command, of interactivity body type",
    handshake="the url_verification of an address that is entered: 200 and the challenge",
    shake=_shake,
    retries="Events are tried three times more: at once, after 1 minute and after 5 minutes. Commands and interactivity are sent once. If over 95 % fail within an hour, events are switched off.",
    waits="3 seconds",
    setup=(
        "Make an app at api.slack.com/apps and copy its Signing Secret from Basic Information: it is the secret.",
        "For events open Event Subscriptions: the request URL is the address of the connector, which Slack tries at once; subscribe to the events that the rules ask for.",
        "For commands open Slash Commands, for buttons and forms Interactivity & Shortcuts, with the same address.",
        "Install the app to the workspace.",
    ),
    content_types=JSON | {URLENCODED},
    form_field="payload",
    plain_forms=True,
)
