"""The operators that ask where and when: `cidr` and `between_times`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from rules.document import Node
from rules.networks import RANGE_EXAMPLE, Network, address_of, host_bits_hint, network_of
from rules.problems import Report
from rules.scope import ScopeSpec
from rules.values import instant, shown

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_PAIR = 2


def cidr(node: Node, report: Report, _spec: ScopeSpec) -> Callable[[Any], bool | None] | None:
    """Compile `cidr`: the address is in the range, or in one of them (decision C13)."""
    members = node.items if node.kind == "sequence" else [node]
    ranges = [found for member in members if (found := _range(member, report)) is not None]
    if not members:
        report.add("R054", node.span, "`cidr` is empty", expected="a range or a list of ranges")
    if not members or len(ranges) < len(members):
        return None

    def inside(found: Any) -> bool | None:
        address = address_of(found)
        if address is None:
            return None
        return any(address.version == net.version and address in net for net in ranges)

    return inside


def _range(node: Node, report: Report) -> Network | None:
    try:
        return network_of(node.value)
    except ValueError:
        report.add(
            "R053",
            node.span,
            "`cidr` cannot use this value",
            found=shown(node.value),
            expected=RANGE_EXAMPLE,
            hint=host_bits_hint(node.value),
        )
        return None


def between_times(
    node: Node, report: Report, spec: ScopeSpec
) -> Callable[[Any], bool | None] | None:
    """Compile `between_times`: from a time included to one excluded, over midnight too (C12)."""
    bounds = [minutes(member.value) for member in node.items]
    start, end = bounds if len(bounds) == _PAIR else (None, None)
    if start is None or end is None or start == end:
        report.add(
            "R053",
            node.span,
            "`between_times` cannot use this value",
            found=shown(node.value),
            expected='two different times such as ["09:00", "17:30"]',
        )
        return None
    zone = ZoneInfo(spec.timezone)

    def between(found: Any) -> bool | None:
        minute = _minute_of(found, zone)
        if minute is None:
            return None
        return start <= minute < end if start < end else minute >= start or minute < end

    return between


def minutes(value: Any) -> int | None:
    """Return the minute of the day that a text such as `09:30` is, None if it is none."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else int(found[1]) * 60 + int(found[2])


def _minute_of(value: Any, zone: tzinfo) -> int | None:
    clock = minutes(value)
    if clock is not None:
        return clock
    if instant(value) is None:
        return None
    try:
        moment = datetime.fromisoformat(value.upper().replace(":60", ":59")).astimezone(zone)
    except (ValueError, OverflowError):
        return None
    return moment.hour * 60 + moment.minute
