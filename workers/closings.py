"""Closings that come before any task of their key, and what they mean for an opening that is late.

A sender may repeat and delay: the end of a thing can arrive before its beginning. Such a closing is
remembered for a time, and an opening whose version is not newer does nothing (decision K5). A closing
without a version says nothing about openings, since every version is newer than none (K4).
"""

from __future__ import annotations

from collections.abc import Mapping

from router.core.event import IncomingEvent
from rules.decision import CloseTask
from rules.values import version_order
from workers.fields import Row

Pair = tuple[str, str]


class Closings:
    """The closings of keys that have no task, by scope and key, as a batch finds and leaves them."""

    def __init__(self, known: Mapping[Pair, Row]) -> None:
        self._known = known
        self.changed: dict[Pair, Row] = {}

    def remember(self, scope: str, action: CloseTask, event: IncomingEvent) -> None:
        """Remember a closing; of several, the newest version for the longest time any of them asks."""
        if action.version is None:
            return
        pair = (scope, action.key.text)
        row: Row = {
            "scope": scope,
            "key": action.key.text,
            "version": action.version,
            "closed_ms": event.received_ms,
            "until_ms": event.received_ms + action.reopen_within_s * 1000,
        }
        held = self._in_force(pair, event)
        if held is not None:
            row["until_ms"] = max(row["until_ms"], held["until_ms"])
            if version_order(action.version, held["version"]) <= 0:
                row["version"], row["closed_ms"] = held["version"], held["closed_ms"]
        self.changed[pair] = row

    def outdate(self, scope: str, key: str, version: str | None, event: IncomingEvent) -> bool:
        """Tell whether an opening is not newer than the closing that came before it."""
        held = self._in_force((scope, key), event)
        return held is not None and version_order(version, held["version"]) <= 0

    def _in_force(self, pair: Pair, event: IncomingEvent) -> Row | None:
        held = self.changed.get(pair) or self._known.get(pair)
        return None if held is None or event.received_ms > held["until_ms"] else held
