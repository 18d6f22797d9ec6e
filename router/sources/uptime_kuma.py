"""Uptime Kuma: a header of one's own; JSON, a form with JSON in it, or a GET with JSON in the query.

https://github.com/louislam/uptime-kuma/blob/master/server/notification-providers/webhook.js

`heartbeat` and `monitor` are null in the message that the test button sends, and left out of a GET.
It never tries again and numbers nothing.
"""

from __future__ import annotations

from router.sources.body import value_at
from router.sources.preset import JSON, Headers, Parsed, SharedSecret, SourcePreset

_STATES = ("DOWN", "UP", "PENDING", "MAINTENANCE")
"""What Uptime Kuma calls the numbers of `heartbeat.status`."""


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    status = value_at(body, "heartbeat", "status")
    if type(status) is int and 0 <= status < len(_STATES):
        return _STATES[status]
    is_message = isinstance(body, dict) and "msg" in body
    return "TEST" if is_message and body.get("heartbeat") is None else None


PRESET = SourcePreset(
    name="uptime-kuma",
    title="Uptime Kuma",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://github.com/louislam/uptime-kuma/wiki/Notification-Methods",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body heartbeat.status: DOWN, UP, PENDING, MAINTENANCE; TEST where there is no heartbeat",
    dedupe_why="It numbers nothing and never tries again: nothing is a duplicate.",
    retries="It never tries again: what is sent while Hookyard is away is lost.",
    waits="as long as the network does",
    setup=(
        "Open Settings → Notifications → Setup Notification and choose Webhook; the Post URL is the address of the connector.",
        "Leave the request body at JSON; form-data and GET are understood too.",
        "Switch on Additional Headers and write the secret there, as Authorization: Bearer.",
        "Press Test, save, and switch the notification on for each monitor.",
    ),
    methods=frozenset({"GET", "POST"}),
    content_types=JSON | {"multipart/form-data"},
    form_field="data",
    json_parameters=frozenset({"heartbeat", "monitor"}),
)
