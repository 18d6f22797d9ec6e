"""A webhook at hand, as the receiver would take it: named as its sender names it, without credentials.

What the receiver checks of a webhook is checked here too, but for its proof: a file has none.
"""

from __future__ import annotations

from multidict import CIMultiDict

from router.cli.envelope import Envelope
from router.core.event import IncomingEvent
from router.core.intake_table import ConnectorIntake
from router.core.jsonio import UnparseableError
from router.core.settings import DEFAULT_BODY_LIMIT
from router.sources.registry import unproven_source
from router.web.content import query_body, read_content
from router.web.visible import storable, visible_headers

_CONTENT_TYPE = "content-type"
_JSON = "application/json"


class NotTakenError(Exception):
    """The receiver would not take a webhook; the message says with which answer, and why."""


def as_received(
    intake: ConnectorIntake,
    webhook: Envelope,
    *,
    event_id: str,
    received_ms: int,
    type_: str | None = None,
    delivery_id: str | None = None,
    else_delivery_id: str | None = None,
) -> IncomingEvent:
    """Return the event that a webhook becomes.

    Without a Content-Type it is JSON; without a body it is a GET, if the sender may send those. `type_`
    and `delivery_id` stand in place of what the sender calls them; `else_delivery_id` is the id of a
    webhook that lacks the one its sender gives all of them.

    Raises:
        NotTakenError: The receiver would not take it.
    """
    source = unproven_source(intake.source)
    headers = CIMultiDict({_CONTENT_TYPE: _JSON} | webhook.headers)
    body, given_type = webhook.body, headers[_CONTENT_TYPE]
    query = {name: text for name, text in webhook.query.items() if name not in source.hidden_query}
    if not body and "GET" in source.methods:
        body, given_type = query_body(source.preset, query.items()), _JSON
    content_type = source.read_as(given_type)
    limit = intake.body_limit or DEFAULT_BODY_LIMIT
    if len(body) > limit:
        raise NotTakenError(f"413: the body is {len(body):,} bytes, at most {limit:,} are taken")
    if not source.takes(given_type):
        taken = ", ".join(sorted(source.content_types))
        raise NotTakenError(f"415: the Content-Type is {given_type}; {taken} is taken")
    try:
        parsed = read_content(content_type, body, source.form_field, plain_forms=source.plain_forms)
    except UnparseableError as error:
        raise NotTakenError(f"400: the body is not {content_type}: {error}") from None
    named = source.name(headers, body, parsed)
    if named.delivery_id is None and source.preset.delivery_id is not None:
        delivery_id = delivery_id or else_delivery_id
    return IncomingEvent(
        id=event_id,
        connector=intake.name,
        received_ms=received_ms,
        body=body,
        content_type=storable(content_type),
        type=type_ or named.type,
        delivery_id=delivery_id or named.delivery_id,
        headers=visible_headers(headers, source.hidden),
        query={storable(name): storable(value) for name, value in query.items()},
    )
