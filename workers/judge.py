"""What the rules decide about an event as it came in: from its bytes to a decision."""

from __future__ import annotations

import structlog

from router.core.clock import rfc3339_of_ms
from router.core.event import IncomingEvent
from router.core.jsonio import UnparseableError
from rules.decision import Event, Reason
from rules.plan import plan
from rules.ruleset import RuleSet
from workers.apply import Judged
from workers.parse import parse_body

log = structlog.get_logger(__name__)


def judge(event: IncomingEvent, rule_set: RuleSet, *, every: bool = False) -> Judged:
    """Return what the rules decide about an event; held without its connector, failed if it is not readable.

    With `every` all rules are asked, also those that plainly do not match (for an explanation).
    """
    connector = rule_set.connectors.get(event.connector)
    if connector is None:
        reason = Reason("no-connector", f"there is no connector {event.connector} any more")
        return Judged(event, None, "held", reason)
    try:
        body = parse_body(event.body, event.content_type, connector.source)
    except UnparseableError as error:
        return Judged(event, None, "failed", Reason("unparseable", f"the body: {error}"))
    seen = Event(
        id=event.id,
        connector=event.connector,
        received_at=rfc3339_of_ms(event.received_ms),
        source=connector.source,
        type=event.type,
        delivery_id=event.delivery_id,
        headers=event.headers,
        query=event.query,
        body=body,
    )
    try:
        return Judged(event, plan(rule_set, seen, every=every))
    except Exception as error:
        # The boundary of an event: `plan` is total, and should it ever not be, one event fails alone.
        log.exception("event_not_decided", event_id=event.id, connector=event.connector)
        reason = Reason("internal", f"it could not be decided: {type(error).__name__}")
        return Judged(event, None, "failed", reason)
